"""Every reply as the patient reads it: complete, plain, short, leading on; crisis wording pinned word for word."""

import asyncio
import re

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.clinic import hours
from infusion_guide.clinic.settings import Settings
from infusion_guide.replies import complete as replies_module
from infusion_guide.replies import pins
from infusion_guide.replies import rules as reply_rules
from infusion_guide.replies.complete import MESSAGING, ReviewedReplies
from tests.rooms import ROOT, responses

REPLIES = responses()
DOMAIN = Domain.load([str(ROOT / "domain.yml")]).merge(Domain.from_dict({"responses": REPLIES}))
NLG = ReviewedReplies(domain=DOMAIN)
PIECES = ("utter_referral_", "utter_careful_note", "utter_clinic_answer_intro", "utter_document_source")
WHOLE = sorted(name for name in REPLIES if not name.startswith(PIECES))
MEDICAL = ("utter_faq/", "utter_uncovered/", "utter_advice/", "utter_misuse/")
PROFESSIONAL = re.compile(
    r"doctor|nurse|clinician|clinic at|front desk|pharmacist|counselor|therapist|specialist|professional",
    re.I,
)
KEYWORDS = {
    "section": "Other Uses",
    "claims": "It may help.",
    "authority": "FDA",
    "callback_reference": "K7M-2QX",
    "clinic_hours": "Monday to Friday 9 AM to 5 PM, Saturday 9 AM to noon",
    "closes": "today at 5 PM",
    "next_opening": "Monday at 9 AM",
}


def told(name, turn=0, slots=None, language="en", channel="rest"):
    """The message of reply `name` at its `turn`-th use in a conversation."""
    events = [BotUttered("...", metadata={"utter_action": name}) for _ in range(turn)]
    events += [SlotSet(key, value) for key, value in (slots or {}).items()]
    events.append(UserUttered("...", parse_data={"language": language, "intent": {"name": "x"}}, input_channel=channel))
    tracker = DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)
    return asyncio.run(NLG.generate(name, tracker, channel, **KEYWORDS))


def every_variation():
    for name in WHOLE:
        for turn in range(len(REPLIES[name])):
            yield name, turn, {}
            if name.startswith("utter_chitchat"):
                yield name, turn, {"careful": True}


def test_hours_are_told_with_booking_and_truly(monkeypatch):
    monkeypatch.setattr(hours, "settings", lambda: Settings(clinic_hours="Mon-Sun 0:01-23:59"))
    assert "every day 12:01 AM to 11:59 PM" in told("utter_uncovered/booking_logistics")["text"]
    monkeypatch.setattr(hours, "settings", lambda: Settings())
    assert "I don't know the clinic's hours" in told("utter_uncovered/booking_logistics")["text"]
    assert "hours" not in told("utter_uncovered/cost")["text"]


@pytest.mark.parametrize("name, turn, slots", list(every_variation()))
def test_reply_is_complete_plain_and_short(name, turn, slots):
    text = told(name, turn, slots)["text"]
    assert text and "{" not in text and "  " not in text
    assert reply_rules.grade(text) <= reply_rules.HARDEST_GRADE, text
    assert len(text.split()) <= 66, f"{len(text.split())} words"
    assert not reply_rules.wording(text)
    assert not re.search(r"[\u2018\u2019\u201c\u201d\u2013\u2014\u2026]", text), "plain punctuation only (SMS)"


@pytest.mark.parametrize("name", [n for n in WHOLE if n.startswith(MEDICAL)])
def test_medical_reply_ends_at_a_professional(name):
    last = told(name)["text"].splitlines()[-1]
    assert PROFESSIONAL.search(last), last


def test_referral_changes_from_turn_to_turn():
    lines = [told("utter_faq/depression", turn)["text"].splitlines()[-1] for turn in range(4)]
    assert all(first != second for first, second in zip(lines, lines[1:]))


@pytest.mark.parametrize("channel", MESSAGING)
def test_messaging_platforms_are_told_what_they_are_once(channel):
    notice, plain = told("utter_messaging_notice")["text"], told("utter_faq/ptsd")["text"]
    assert "not private" in notice and "911" in notice and "988" in notice
    assert told("utter_faq/ptsd", channel=channel)["text"] == f"{notice}\n{plain}"
    assert notice not in told("utter_faq/ptsd", turn=1, channel=channel)["text"]
    crisis = told("utter_crisis/suicide", channel=channel)["text"]
    assert crisis.startswith(told("utter_crisis/suicide")["text"]) and crisis.endswith(notice)


def test_same_small_talk_is_not_said_twice_running():
    for name in (n for n in WHOLE if n.startswith("utter_chitchat/")):
        assert told(name, 0)["text"] != told(name, 1)["text"]


def test_answers_show_their_section():
    reply = told("utter_faq/ptsd")
    assert 'From the clinic\'s document: "Other Uses".' in reply["text"] and "ptsd-symptoms" in reply["sources"]


def test_buttons_have_titles_and_payloads():
    for name in WHOLE:
        for button in told(name).get("buttons", []):
            assert button["title"] and len(button["title"]) <= 30 and button["payload"].startswith("/")


PINNED = pins.pinned()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", [n for n in WHOLE if n.startswith("utter_crisis/")])
def test_crisis_wording_is_pinned(name, language):
    text = told(name, language=language)["text"]
    assert text == PINNED[language][name], pins.changed()
    assert "911" in text and "988" in text
    if language == "es":
        assert "marque 2" in text or "marcar 2" in text
        assert "AYUDA" in text


def test_crisis_numbers_come_from_settings(monkeypatch):
    monkeypatch.setattr(replies_module, "settings", lambda: Settings(emergency_number="112", crisis_line="116123"))
    text = told("utter_crisis/suicide")["text"]
    assert "112" in text and "116123" in text and "911" not in text


def test_after_a_crisis_replies_stay_careful():
    events = [
        BotUttered("...", metadata={"utter_action": "utter_crisis/suicide"}),
        SlotSet("careful", True),
        UserUttered("does it help depression", parse_data={"language": "en", "intent": {"name": "faq"}}),
    ]
    tracker = DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)
    assert "988" in asyncio.run(NLG.generate("utter_faq/depression", tracker, "rest"))["text"].splitlines()[-1]
    assert "988" in told("utter_chitchat/smalltalk", slots={"careful": True})["text"]


def test_the_clinics_own_answer_takes_the_place(monkeypatch):
    own = {"uncovered/cost": {"text": "One visit costs 1 dollar.", "reviewed_by": "Dr. A", "reviewed_on": "2026-01-31"}}
    monkeypatch.setattr(replies_module, "clinic_answers", lambda: own)
    reply = told("utter_uncovered/cost")
    text = reply["text"]
    assert reply["sources"] == ["clinic"]
    assert text.startswith("From the clinic: One visit costs 1 dollar.") and "doesn't give prices" not in text
    assert PROFESSIONAL.search(text.splitlines()[-1])
