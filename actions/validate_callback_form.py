"""Fills the slots of the call-back request from what the patient said or pressed."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from infusion_guide.callbacks import reading as callback
from infusion_guide.callbacks.reading import CONSENT, CONTACT, NAME, OPTIONAL, SEND, TIME

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
        if choice is None or step not in callback.SLOTS:
            return []
        text = tracker.latest_message.get("text") or ""
        if choice == callback.STOP or (choice == callback.DECLINE and step == CONSENT):
            # Rasa leaves a form whose requested slot is taken away.
            return [SlotSet(step, False if choice == callback.DECLINE else None), SlotSet(REQUESTED_SLOT, None)]
        if choice in callback.CHANGES and step == SEND:
            return _changed(callback.CHANGES[choice], text, tracker.get_slot(TIME))
        if choice == callback.SKIP:
            return [SlotSet(step, SKIPPED if step in OPTIONAL else None)]
        if choice in callback.TIMES:
            return [SlotSet(step, callback.button_words(choice) if step == TIME else None)]
        if choice in (callback.AGREE, callback.SEND_IT):
            fits = step == {callback.AGREE: CONSENT, callback.SEND_IT: SEND}[choice]
            return [SlotSet(step, True if fits else None), *_wished(step, text)]
        value = _value(step, text) if choice == callback.WORDS else None
        if value is None and step == CONTACT:
            dispatcher.utter_message(response="utter_callback_contact_unusable")
        return [SlotSet(step, value), *_wished(step, text)]


def _wished(step: str, text: str) -> List[Dict[str, Any]]:
    """Before the question on the time, a wish such as "no voicemail" is its answer: it must not be lost."""
    wish = callback.wish_in(text) if step in (CONSENT, CONTACT) else None
    return [SlotSet(TIME, wish)] if wish else []


def _changed(slot: str, text: str, time: Any) -> List[Dict[str, Any]]:
    """The slot opened again, or filled at once where the words that asked for the change hold the new value."""
    fresh = callback.contact_in(text) if slot == CONTACT else None
    if slot == TIME and callback.names_a_time(text):
        fresh = callback.words_in(text, TIME)
    elif slot == TIME and callback.wish_in(text):
        fresh = callback.with_wish(time, callback.words_in(text, TIME))
    return [SlotSet(slot, fresh), SlotSet(SEND, None)]


def _value(step: str, text: str) -> Any:
    """What `text` gives for `step`; None when nothing can be used."""
    if step == NAME:
        return callback.name_in(text) or None
    if step == CONTACT:
        return callback.contact_in(text)
    return callback.words_in(text, step) or None if step in OPTIONAL else None
