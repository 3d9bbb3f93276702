"""Rasa's door to the replies: what is read of a tracker, what is handed back, and where the words come from."""

import pytest
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from infusion_guide.callbacks import fields as callback
from infusion_guide.clinic.data import read_yaml
from infusion_guide.engine import replies
from infusion_guide.engine.replies import ReviewedReplies, situation
from infusion_guide.replies import clinic_answers
from infusion_guide.replies.book import line, names
from infusion_guide.replies.clinic_answers import ClinicAnswer
from tests.actions.trackers import at
from tests.rooms import ROOT

DOMAIN = Domain.load(str(ROOT / "domain.yml"))


def heard(language="en", **metadata):
    return UserUttered("...", parse_data={"language": language, "intent": {"name": "x"}}, metadata=metadata)


def tracker(*events):
    return DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)


def said(name):
    return BotUttered("...", metadata={"utter_action": name})


@pytest.mark.parametrize(
    "events, what, value",
    [
        ([], "said", []),
        ([said("utter_faq/ptsd"), heard(), said("utter_chitchat/thanks")], "said", ["utter_faq/ptsd", "utter_chitchat/thanks"]),
        ([], "language", "en"),
        ([heard("es")], "language", "es"),
        ([heard("other")], "language", "en"),
        ([heard()], "careful", False),
        ([SlotSet("careful", True)], "careful", True),
        ([SlotSet("careful", True), SlotSet("careful", None)], "careful", False),
        ([heard()], "in_form", False),
        ([ActiveLoop(callback.FORM)], "in_form", True),
        ([ActiveLoop(callback.FORM), ActiveLoop(None)], "in_form", False),
        ([heard()], "request_sent", False),
        ([SlotSet(callback.REFERENCE, "K7M-2QX")], "request_sent", True),
        ([], "notice", False),
        ([heard()], "notice", False),
        ([heard(messaging=True)], "notice", True),
        ([heard(messaging=True), heard()], "notice", False),
    ],
)
def test_what_is_read_of_a_conversation(events, what, value):
    assert getattr(situation("utter_faq/ptsd", tracker(*events), {}), what) == value


def test_what_an_action_gives_is_offered_or_fills_braces():
    given = {"next": ["faq/ptsd"], "closes": "today at 5 PM"}
    now = situation("utter_tell_me_more", tracker(SlotSet(callback.CONTACT, "+12125550142")), given)
    assert now.offered == ["faq/ptsd"] and now.words["closes"] == "today at 5 PM"
    assert now.words[callback.CONTACT] == "(212) 555-0142" and now.words[callback.NAME] == line("utter_callback_skipped")
    assert not situation("utter_tell_me_more", tracker(), {}).offered


def test_the_clinics_own_answer_in_force_is_said(monkeypatch):
    monkeypatch.setattr(clinic_answers, "_in_force", {"uncovered/cost": ClinicAnswer("1 dollar.", "Dr. A", "2026-01-31")})
    assert situation("utter_uncovered/cost", tracker(), {}).own == "1 dollar."
    assert situation("utter_uncovered/insurance", tracker(), {}).own == ""


async def test_hours_are_told_with_booking_and_truly(monkeypatch):
    async def told(name):
        return (await ReviewedReplies().generate(name, tracker(), "rest"))["text"]

    at(monkeypatch, "2026-11-23 15:00", "Mon-Sun 0:01-23:59")
    assert "every day 12:01 AM to 11:59 PM" in await told("utter_uncovered/booking_logistics")
    at(monkeypatch, "2026-11-23 15:00", "")
    assert "I don't know the clinic's hours" in await told("utter_uncovered/booking_logistics")
    assert "hours" not in await told("utter_uncovered/cost")


async def test_rasa_gets_its_own_form():
    reply = await ReviewedReplies().generate("utter_faq/ptsd", tracker(), "rest")
    assert set(reply) == {"text", "buttons", "utter_action", "sources", "language"} and reply["utter_action"] == "utter_faq/ptsd"
    assert reply["buttons"][0] == {"title": "Anxiety", "payload": "/faq/anxiety"} and "ptsd-symptoms" in reply["sources"]
    plain = await ReviewedReplies().generate("utter_callback_contact_unusable", tracker(), "rest")
    assert set(plain) == {"text", "utter_action", "sources", "language"} and plain["sources"] == []
    assert plain["language"] == "en"


async def test_the_words_are_those_on_disk_and_the_models_do_not_count():
    type_of = read_yaml(ROOT / "endpoints.yml")["nlg"]["type"]
    learned = Domain.from_dict({"responses": {"utter_faq/ptsd": [{"text": "Old words."}], "utter_gone": [{"text": "Gone."}]}})
    replies = NaturalLanguageGenerator.create(EndpointConfig(type=type_of), learned)
    assert isinstance(replies, ReviewedReplies) and "utter_gone" not in names()
    said = await replies.generate("utter_faq/ptsd", tracker(), "rest")
    assert said["text"].startswith(line("utter_faq/ptsd")) and "Old words." not in said["text"]
    assert await replies.generate("utter_gone", tracker(), "rest") is None


def test_opening_hours_are_worked_out_for_replies_that_tell_them(monkeypatch):
    monkeypatch.setattr(replies, "by_opening_hours", lambda name, language: {"response": f"{name}_open"})
    assert situation("utter_uncovered/booking_logistics", tracker(), {}).hours == {"response": "utter_clinic_hours_open"}
    assert situation("utter_faq/ptsd", tracker(), {}).hours == {}
