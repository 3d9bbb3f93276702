"""Fills the slots of the call-back request from what the patient said or pressed."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language, leads_to_the_phone
from infusion_guide.callbacks import reading
from infusion_guide.callbacks.contact import contact_in
from infusion_guide.callbacks.fields import CHANGES, CONSENT, CONTACT, LONGEST, NAME, OPTIONAL, SEND, SLOTS, TIME

REQUESTED_SLOT = "requested_slot"
SKIPPED = ""  # of an optional slot; None would be asked for again


class ValidateCallbackForm(Action):
    """Decides on the slot that was asked for. An answer that does not fit the question leaves it open: it is asked again.

    How the message answers the form was read already (ConfidenceGate): its property `form_answer` is a choice, "words", or
    missing when it is no answer; then nothing is filled, and Rasa lets other policies answer.
    """

    def name(self) -> str:
        """See parent."""
        return "validate_callback_form"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        step = tracker.get_slot(REQUESTED_SLOT)
        choice = tracker.latest_message.get("form_answer")
        if choice is None or step not in SLOTS:
            return []
        text = tracker.latest_message.get("text") or ""
        if choice == reading.BACK:
            earlier = reading.before(step)
            return _leave(step) if earlier is None else [SlotSet(earlier, None), SlotSet(step, None)]
        if choice == reading.STOP or (choice == reading.DECLINE and step == CONSENT):
            # Rasa leaves a form whose requested slot is taken away.
            return [SlotSet(step, False if choice == reading.DECLINE else None), SlotSet(REQUESTED_SLOT, None)]
        if choice in CHANGES and SLOTS.index(CHANGES[choice]) < SLOTS.index(step):
            return _changed(CHANGES[choice], step, text, tracker.get_slot(TIME))
        if choice == reading.SKIP:
            return [SlotSet(step, SKIPPED if step in OPTIONAL else None)]
        if choice in reading.TIMES:
            return [SlotSet(step, reading.button_words(choice, language(tracker)) if step == TIME else None)]
        if choice in (reading.AGREE, reading.SEND_IT):
            fits = step == {reading.AGREE: CONSENT, reading.SEND_IT: SEND}[choice]
            return [SlotSet(step, True if fits else None), *_wished(step, text)]
        value = _value(step, text) if choice == reading.WORDS else None
        if value is None and step == CONTACT:
            if leads_to_the_phone(tracker):
                return _leave(step)
            dispatcher.utter_message(response="utter_callback_contact_unusable")
        return [SlotSet(step, value), *_wished(step, text)]


def _leave(step: str) -> List[Dict[str, Any]]:
    """Rasa leaves a form whose requested slot is taken away; nothing is sent."""
    return [SlotSet(step, None), SlotSet(REQUESTED_SLOT, None)]


def _wished(step: str, text: str) -> List[Dict[str, Any]]:
    """Before the question on the time, a wish such as "no voicemail" is its answer: it must not be lost."""
    wish = reading.wish_in(text) if step in (CONSENT, CONTACT) else None
    return [SlotSet(TIME, wish)] if wish else []


def _changed(slot: str, step: str, text: str, time: Any) -> List[Dict[str, Any]]:
    """The slot opened again, or filled at once where the words that asked for it hold the new value; `step` stays open."""
    fresh = contact_in(text) if slot == CONTACT else reading.new_name_in(text) if slot == NAME and step != SEND else None
    if slot == TIME and reading.names_a_time(text):
        fresh = reading.words_in(text, TIME)
    elif slot == TIME and reading.wish_in(text):
        fresh = reading.with_wish(time, reading.words_in(text, TIME))
    wish = reading.wish_in(text) if slot == CONTACT else None
    kept = [SlotSet(TIME, reading.with_wish(time, wish))] if wish else []
    return [SlotSet(slot, fresh), SlotSet(step, None), *kept]


def _value(step: str, text: str) -> Any:
    """What `text` gives for `step`; None when nothing can be used."""
    if step == NAME:
        return reading.name_in(text) or None
    if step == CONTACT:
        return contact_in(text)
    return reading.words_in(text, step) or None if step in LONGEST else None
