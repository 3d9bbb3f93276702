"""What Rasa gets of the gate's decision, and what the gate gets of a conversation. The decisions stand in tests/verdicts/."""

from rasa.shared.core.events import ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.nlu.confidence_gate import ConfidenceGate

CALM = {"level": None, "topic": "suicide", "score": 0.0, "doubt": 0.0, "reassured": False}
WORDED = {"reading": "text", "language": "en", "known_words": True, "safety": CALM}


def ranked(**confidences):
    return [{"label": label.replace("__", "/"), "confidence": sure} for label, sure in confidences.items()]


def decided(*events, **found):
    """What the gate sets on one message of a conversation with `events`."""
    message = Message({"text": "well", **found})
    tracker = DialogueStateTracker.from_events("x", list(events), slots=[AnySlot("requested_slot", mappings=[])])
    ConfidenceGate(ConfidenceGate.get_default_config()).process([message], tracker)
    return message.as_dict(only_output_properties=True)


def said(name):
    return BotUttered("...", metadata={"utter_action": name})


def heard(**parsed):
    return UserUttered("...", parse_data={"intent": {"name": "x"}, **parsed})


def test_a_topic_is_an_intent_with_its_reply():
    found = decided(**WORDED, rankings=[ranked(faq__ptsd=0.9, uncovered__cost=0.1)])
    assert found["intent"] == {"name": "faq", "confidence": 0.9}
    assert found["intent_ranking"] == [{"name": "faq/ptsd", "confidence": 0.9}, {"name": "uncovered/cost", "confidence": 0.1}]
    selected = found["response_selector"]["faq"]["response"]
    assert (selected["utter_action"], selected["intent_response_key"]) == ("utter_faq/ptsd", "faq/ptsd")
    assert not {"ordinary", "questions", "choices", "form_answer"} & set(found)


def test_a_miss_brings_its_choices():
    found = decided(**WORDED, rankings=[ranked(faq__ptsd=0.2, misuse__sell=0.15, uncovered__cost=0.1)])
    assert found["intent"]["name"] == "nlu_fallback" and found["choices"] == ["faq/ptsd", "uncovered/cost"]
    assert "response_selector" not in found


def test_several_questions_are_kept_in_order():
    parts = [ranked(uncovered__cost=0.9), ranked(faq__ptsd=0.9)]
    found = decided(**WORDED, rankings=[ranked(faq__ptsd=0.5), *parts])
    assert found["intent"]["name"] == "several_questions" and found["questions"] == ["uncovered/cost", "faq/ptsd"]
    assert found["intent_ranking"] == [{"name": "several_questions", "confidence": 0.5}]


def test_an_alarm_keeps_the_question_back():
    alarm = {**CALM, "level": "alarm", "topic": "overdose", "score": 0.8}
    found = decided(**{**WORDED, "safety": alarm}, rankings=[ranked(faq__ptsd=0.9)])
    assert found["intent"] == {"name": "crisis", "confidence": 0.8} and found["ordinary"] == "faq/ptsd"
    assert found["response_selector"]["crisis"]["response"]["utter_action"] == "utter_crisis/overdose"


def test_what_was_asked_and_feared_is_read_from_the_conversation():
    yes = {**WORDED, "rankings": [ranked(chitchat__affirm=0.9)]}
    check_in = said("utter_crisis/check_in_pill")

    def reply(*events, **found):
        (selected,) = (
            found["response"]["utter_action"]
            for kind, found in decided(*events, **found)["response_selector"].items()
            if kind != "all_retrieval_intents"
        )
        return selected

    assert reply(check_in, **yes) == "utter_crisis/overdose"
    assert reply(said("utter_crisis/check_in"), **yes) == "utter_crisis/suicide"
    assert reply(check_in, said("utter_faq/ptsd"), **yes) == "utter_chitchat/affirm"
    assert reply(check_in, reading="button", button="help_now") == "utter_crisis/overdose"
    assert reply(reading="button", button="help_now") == "utter_crisis/suicide"


def test_a_repetition_needs_something_said():
    again = {**WORDED, "rankings": [ranked(chitchat__repeat=0.9)]}
    assert decided(**again)["intent"]["name"] == "chitchat"
    assert decided(said("utter_faq/ptsd"), **again)["intent"]["name"] == "repeat_last"


def test_the_form_under_way_is_answered():
    form = [ActiveLoop("callback_form"), SlotSet("requested_slot", "callback_name")]
    words = {**WORDED, "as_written": "Maria Example", "rankings": [ranked(faq__ptsd=0.9)]}
    found = decided(*form, **words)
    assert found["intent"]["name"] == "form_answer" and found["form_answer"] == "words"
    assert decided(*form, **{**words, "as_written": "stop"})["form_answer"] == "stop"
    for events in (form[:1], form[1:], [ActiveLoop("other_form"), form[1]]):
        assert decided(*events, **words)["intent"]["name"] == "faq"
    assert decided(*form, **{**words, "reading": "too_long"})["intent"]["name"] == "too_long_message"


def test_the_form_reads_what_was_written_not_its_plain_spelling():
    form = [ActiveLoop("callback_form"), SlotSet("requested_slot", "callback_name")]
    found = decided(*form, **{**WORDED, "text": "well", "as_written": "stop", "rankings": [ranked(faq__ptsd=0.9)]})
    assert found["form_answer"] == "stop"


def test_a_little_doubt_puts_a_line_under_the_answer():
    quiet = {**WORDED, "safety": {**CALM, "level": "quiet"}}
    found = decided(**quiet, rankings=[ranked(faq__ptsd=0.9)])
    assert found["intent"]["name"] == "faq" and found["quiet_line"] is True
    assert "quiet_line" not in decided(**WORDED, rankings=[ranked(faq__ptsd=0.9)])


def test_care_follows_what_was_said_about_danger():
    then = {**WORDED, "rankings": [ranked(faq__ptsd=0.4)], "in_context": {"crisis/care_who": 0.8, "itself": 0.2}}
    assert decided(said("utter_crisis/suicide"), **then)["response_selector"]["crisis"]["response"]["utter_action"] == (
        "utter_crisis/care_who"
    )
    assert decided(said("utter_uncovered/cost"), **then)["intent"]["name"] == "faq"
    assert decided(said("utter_crisis/suicide"), said("utter_uncovered/cost"), **then)["intent"]["name"] == "faq"


def test_one_tap_does_not_end_the_care_that_an_alarm_began():
    fine = {"reading": "button", "button": "check_in_ok"}
    assert decided(said("utter_crisis/suicide"), **fine)["intent"]["name"] == "crisis"
    assert decided(said("utter_crisis/check_in"), **fine)["intent"]["name"] == "check_in_ok"


def test_what_is_asked_of_the_last_reply():
    for label, intent in (("chitchat__explain", "explain_last"), ("chitchat__not_my_question", "not_my_question")):
        asked = {**WORDED, "rankings": [ranked(**{label: 0.9})]}
        assert decided(said("utter_faq/ptsd"), **asked)["intent"]["name"] == intent
        assert decided(**asked)["intent"]["name"] == "chitchat"


def test_the_name_of_another_medicine_is_heard():
    rankings = [ranked(faq__what_is=0.8, uncovered__other_medicines=0.1)]
    assert decided(**WORDED, rankings=rankings)["intent"]["name"] == "faq"
    assert decided(**{**WORDED, "text": "what is zoloft"}, rankings=rankings)["intent"]["name"] == "advice"
    assert decided(**{**WORDED, "text": "zoloft or ketamine"}, rankings=rankings)["intent"]["name"] == "faq"


def test_words_that_nobody_ever_learned_need_more():
    assert decided(**{**WORDED, "known_words": False}, rankings=[ranked(faq__ptsd=0.6)])["intent"]["name"] == "nlu_fallback"
