"""The call-back request with the trained assistant, in the words people use."""

import re

import pytest

STEPS = ("utter_ask_callback_name", "utter_ask_callback_contact", "utter_ask_callback_time", "utter_ask_callback_topic")


def up_to(talk, step):
    """Answers the form until it asks for `step`."""
    answers = {
        "utter_ask_callback_consent": lambda: talk.say("can someone call me back?"),
        "utter_ask_callback_name": lambda: talk.press("Yes, go ahead"),
        "utter_ask_callback_contact": lambda: talk.say("it's maria"),
        "utter_ask_callback_time": lambda: talk.say("212-555-0142"),
        "utter_ask_callback_topic": lambda: talk.press("Mornings"),
        "utter_ask_callback_send": lambda: talk.press("Skip"),
    }
    for asked, answer in answers.items():
        assert answer() == [asked]
        if asked == step:
            return


def test_from_the_wish_to_the_number(talk):
    up_to(talk, "utter_ask_callback_send")
    for shown in ("Name: Maria", "(212) 555-0142", "Good time: Mornings", "About: not given"):
        assert shown in talk.text
    assert talk.press("Send it") == ["utter_callback_sent"]
    assert re.search(r"\b[A-Z3-9]{3}-[A-Z3-9]{3}\b", talk.text)


def test_a_second_tap_sends_nothing(talk):
    up_to(talk, "utter_ask_callback_send")
    send = talk.buttons["Send it"]
    talk.say(send)
    number = re.search(r"\b[A-Z3-9]{3}-[A-Z3-9]{3}\b", talk.text).group()
    assert talk.say(send) == ["utter_callback_sent_before"]
    assert number in talk.text


def test_each_part_can_be_corrected(talk):
    up_to(talk, "utter_ask_callback_send")
    assert talk.press("Change name") == ["utter_ask_callback_name"]
    assert talk.say("Marisol") == ["utter_ask_callback_send"]
    assert talk.say("the number is wrong, it's 646 555 0117") == ["utter_ask_callback_send"]
    assert talk.press("Change topic") == ["utter_ask_callback_topic"]
    assert talk.say("what the first visit is like") == ["utter_ask_callback_send"]
    assert talk.press("Change time") == ["utter_ask_callback_time"]
    assert talk.say("weekdays after 4") == ["utter_ask_callback_send"]
    for shown in ("Marisol", "(646) 555-0117", "what the first visit is like", "weekdays after 4"):
        assert shown in talk.text


@pytest.mark.parametrize("step", STEPS)
def test_a_question_in_between_is_answered_and_the_form_goes_on(new_talk, step):
    talk = new_talk()
    up_to(talk, step)
    assert talk.say("how much does one infusion cost?") == ["utter_uncovered/cost", step]
    assert "Ask for a call-back" not in talk.buttons  # it is under way


def test_what_cannot_be_used_is_asked_for_again(talk):
    up_to(talk, "utter_ask_callback_contact")
    for tried in ("555-0142", "maria@example", "12345678901234567890"):
        assert talk.say(tried) == ["utter_callback_contact_unusable", "utter_ask_callback_contact"]
    assert talk.say("my cell is 212.555.0142 ext 9") == ["utter_ask_callback_time"]


@pytest.mark.parametrize("step", ("utter_ask_callback_consent", *STEPS, "utter_ask_callback_send"))
def test_it_can_be_left_at_any_moment(new_talk, step):
    talk = new_talk()
    up_to(talk, step)
    assert talk.say("never mind") == ["utter_callback_left"]
    assert talk.press("Ask for a call-back") == ["utter_ask_callback_consent"]  # with nothing kept


def test_nothing_goes_on_without_consent(talk):
    up_to(talk, "utter_ask_callback_consent")
    assert talk.press("No, thanks") == ["utter_callback_declined"]
    assert talk.say("does it help with depression?") == ["utter_faq/depression"]


@pytest.mark.parametrize("step", ("utter_ask_callback_consent", *STEPS, "utter_ask_callback_send"))
def test_a_crisis_breaks_it(new_talk, step):
    talk = new_talk()
    up_to(talk, step)
    assert talk.say("i want to kill myself") == ["utter_crisis/suicide"]
    assert talk.say("does it help with depression?") == ["utter_faq/depression"]  # the form does not come back


def test_nothing_and_noise_keep_the_question_open(talk):
    up_to(talk, "utter_ask_callback_name")
    assert talk.say("   ") == ["utter_fallback_empty", "utter_ask_callback_name"]
    assert talk.say("a b c " * 600) == ["utter_fallback_too_long", "utter_ask_callback_name"]
    assert talk.say("/form_answer/send") == ["utter_ask_callback_contact"]  # a typed command is words, here a name


@pytest.mark.parametrize(
    "asked", ["how much does it cost", "how many mg should i take", "where can i buy ketamine without a prescription"]
)
def test_it_is_offered_after_what_cannot_be_answered(new_talk, asked):
    talk = new_talk()
    talk.say(asked)
    assert talk.buttons["Ask for a call-back"] == "/request_callback"


def test_it_is_offered_after_a_second_miss(talk):
    assert talk.say("blorp zxcv")[0].startswith("utter_fallback")
    assert "Ask for a call-back" not in talk.buttons
    assert talk.say("gna mnop")[0].startswith("utter_fallback")
    assert talk.press("Ask for a call-back") == ["utter_ask_callback_consent"]


def test_a_conversation_does_not_send_requests_without_end(talk):
    for _ in range(3):
        up_to(talk, "utter_ask_callback_send")
        assert talk.press("Send it") == ["utter_callback_sent"]
    assert talk.say("can someone call me back?") == ["utter_callback_enough"]
    assert talk.say("does it help with depression?") == ["utter_faq/depression"]
