import pytest
from rasa_sdk.events import SlotSet

from actions.validate_callback_form import REQUESTED_SLOT, ValidateCallbackForm
from infusion_guide.callbacks.fields import CONSENT, CONTACT, NAME, SEND, TIME, TOPIC
from tests.actions.trackers import bot, run


def filled(step, choice, text=""):
    said, events = run(ValidateCallbackForm(), latest={"form_answer": choice, "text": text}, slots={REQUESTED_SLOT: step})
    return [message["response"] for message in said], events


@pytest.mark.parametrize(
    "step, choice, text, value",
    [
        (CONSENT, "agree", "", True),
        (NAME, "words", "my name is joy", "Joy"),
        (CONTACT, "words", "call (212) 555-0142 please", "+12125550142"),
        (CONTACT, "words", "Maria@Example.org", "Maria@example.org"),
        (TIME, "words", "  not before\n noon ", "not before noon"),
        (TIME, "mornings", "", "Mornings"),
        (TIME, "skip", "", ""),
        (TOPIC, "words", "the cost " * 50, ("the cost " * 50)[:200].strip()),
        (TOPIC, "skip", "", ""),
        (SEND, "send", "", True),
    ],
)
def test_an_answer_fills_its_slot(step, choice, text, value):
    assert filled(step, choice, text) == ([], [SlotSet(step, value)])


@pytest.mark.parametrize(
    "step, choice",
    [(NAME, "skip"), (CONTACT, "mornings"), (NAME, "agree"), (CONSENT, "send"), (SEND, "words"), (CONTACT, "change_time")],
)
def test_an_answer_to_another_question_fills_nothing(step, choice):
    assert [event["value"] for event in filled(step, choice, "any words")[1]] == [None]


def test_no_phone_number_is_said_kindly():
    assert filled(CONTACT, "words", "555") == (["utter_callback_contact_unusable"], [SlotSet(CONTACT, None)])


@pytest.mark.parametrize(
    "choice, text, slot, value",
    [
        ("change_name", "", NAME, None),
        ("change_contact", "it's 646-555-0117", CONTACT, "+16465550117"),
        ("change_contact", "", CONTACT, None),
        ("change_time", "make it after 5", TIME, "make it after 5"),
        ("change_topic", "", TOPIC, None),
    ],
)
def test_a_change_opens_its_part_or_takes_the_new_value(choice, text, slot, value):
    assert filled(SEND, choice, text) == ([], [SlotSet(slot, value), SlotSet(SEND, None)])


@pytest.mark.parametrize(
    "step, choice, text, slot, value",
    [
        (TIME, "change_contact", "wrong number, it is 646-555-0117", CONTACT, "+16465550117"),
        (TOPIC, "change_contact", "puse mal el número", CONTACT, None),
        (CONTACT, "change_name", "wrong name, it's Ana please", NAME, "Ana"),
        (TIME, "change_name", "nombre equivocado, es Lucía", NAME, "Lucía"),
        (TIME, "back", "go back", CONTACT, None),
        (SEND, "back", "atrás", TOPIC, None),
        (NAME, "back", "atrás", CONSENT, None),
    ],
)
def test_an_earlier_answer_is_opened_again_at_a_later_question(step, choice, text, slot, value):
    assert filled(step, choice, text) == ([], [SlotSet(slot, value), SlotSet(step, None)])


def test_a_wish_beside_a_new_number_is_kept():
    assert (
        SlotSet(TIME, "wrong number, it is but no voicemail")
        in filled(TOPIC, "change_contact", "wrong number, it is 646-555-0117 but no voicemail")[1]
    )


def test_back_at_the_first_question_leaves():
    assert filled(CONSENT, "back") == ([], [SlotSet(CONSENT, None), SlotSet(REQUESTED_SLOT, None)])


def test_a_button_is_kept_in_the_language_it_was_read_in():
    spanish = {"event": "user", "text": "...", "parse_data": {"language": "es"}}
    slots, latest = {REQUESTED_SLOT: TIME}, {"form_answer": "mornings", "text": ""}
    assert run(ValidateCallbackForm(), [spanish], latest, slots)[1] == [SlotSet(TIME, "Por la mañana")]


@pytest.mark.parametrize("times, said", [(3, ["utter_callback_contact_unusable"]), (4, [])])
def test_the_fifth_number_that_is_none_leaves_the_form(times, said):
    told = [bot("utter_ask_callback_contact"), bot("utter_callback_contact_unusable")] * times
    slots, latest = {REQUESTED_SLOT: CONTACT}, {"form_answer": "words", "text": "555"}
    heard, events = run(ValidateCallbackForm(), [*told, bot("utter_ask_callback_contact")], latest, slots)
    assert [message["response"] for message in heard] == said
    assert (SlotSet(REQUESTED_SLOT, None) in events) == (not said)


def test_a_wish_is_kept_with_the_time():
    said = "212-555-0142 but no voicemail"
    assert filled(CONTACT, "words", said)[1] == [SlotSet(CONTACT, "+12125550142"), SlotSet(TIME, "but no voicemail")]
    assert filled(CONSENT, "agree", "ok, no voicemail")[1] == [SlotSet(CONSENT, True), SlotSet(TIME, "ok, no voicemail")]
    assert filled(SEND, "change_time", "send it but no voicemail")[1][0] == SlotSet(TIME, "send it but no voicemail")


def test_it_is_left_or_declined():
    assert filled(TIME, "stop") == ([], [SlotSet(TIME, None), SlotSet(REQUESTED_SLOT, None)])
    assert filled(CONSENT, "decline") == ([], [SlotSet(CONSENT, False), SlotSet(REQUESTED_SLOT, None)])


def test_anything_else_is_left_to_others():
    assert filled(NAME, None, "what does it cost?") == ([], [])
