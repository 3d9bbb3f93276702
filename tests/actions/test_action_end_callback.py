import re

import pytest
from rasa_sdk.events import SlotSet

from actions.action_end_callback import ActionEndCallback
from infusion_guide.callbacks.fields import CONSENT, COUNT, REFERENCE, SEND, SLOTS
from tests.actions.trackers import at, bot, run

EMPTIED = [SlotSet(slot, None) for slot in SLOTS]


def test_sent_gives_a_number_before_the_slots_are_emptied(monkeypatch):
    at(monkeypatch, "2026-11-21 15:00", "Mon-Fri 9:00-17:00")
    said, events = run(ActionEndCallback(), slots={CONSENT: True, SEND: True})
    number = said[0]["callback_reference"]
    assert re.fullmatch(r"[B-Y346789]{3}-[B-Y346789]{3}", number)
    assert said[0]["response"] == "utter_callback_sent_closed"
    assert said[0]["clinic_hours"] == "Monday to Friday 9 AM to 5 PM"
    assert events == [SlotSet(REFERENCE, number), SlotSet(COUNT, 1), *EMPTIED]


@pytest.mark.parametrize(
    "slots, reply", [({CONSENT: False}, "utter_callback_declined"), ({CONSENT: True}, "utter_callback_left")]
)
def test_not_sent_gives_none(slots, reply):
    said, events = run(ActionEndCallback(), slots=slots)
    assert said == [{"response": reply}] and events == EMPTIED


def test_after_five_tries_the_phone_is_named():
    told = [bot("utter_ask_callback_name"), bot("utter_fallback_rephrase")] * 4
    assert run(ActionEndCallback(), told, slots={CONSENT: True})[0] == [{"response": "utter_callback_phone"}]
