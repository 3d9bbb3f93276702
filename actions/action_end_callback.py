"""Says how a call-back request ended: sent, with its number and the opening hours, declined, or left."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language, leads_to_the_phone
from infusion_guide.callbacks.callback import new_reference
from infusion_guide.callbacks.fields import CONSENT, COUNT, REFERENCE, SEND, SLOTS
from infusion_guide.clinic.hours import by_opening_hours


class ActionEndCallback(Action):
    """The request itself is stored with this turn, by the tracker store, when the slot of its number is set."""

    def name(self) -> str:
        """See parent."""
        return "action_end_callback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        emptied = [SlotSet(slot, None) for slot in SLOTS]
        if tracker.get_slot(SEND) is not True:
            dispatcher.utter_message(response=_left(tracker))
            return emptied
        reference = new_reference()
        dispatcher.utter_message(
            **by_opening_hours("utter_callback_sent", language=language(tracker)), callback_reference=reference
        )
        # The number first: what the slots hold when it is set becomes the request (infusion_guide/engine/turn_records.py).
        sent = [SlotSet(REFERENCE, reference), SlotSet(COUNT, (tracker.get_slot(COUNT) or 0) + 1)]
        return [*sent, *emptied]


def _left(tracker: Tracker) -> str:
    if tracker.get_slot(CONSENT) is False:
        return "utter_callback_declined"
    return "utter_callback_phone" if leads_to_the_phone(tracker) else "utter_callback_left"
