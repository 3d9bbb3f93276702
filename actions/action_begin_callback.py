"""Opens the form of a call-back request with nothing filled in."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from infusion_guide.callbacks.fields import COUNT, MOST_REQUESTS, SLOTS


class ActionBeginCallback(Action):
    """Each request has its own consent; whoever has sent several is asked to phone instead."""

    def name(self) -> str:
        """See parent."""
        return "action_begin_callback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        emptied = [SlotSet(slot, None) for slot in SLOTS]
        if (tracker.get_slot(COUNT) or 0) < MOST_REQUESTS:
            return emptied
        dispatcher.utter_message(response="utter_callback_enough")
        return [*emptied, FollowupAction("action_listen")]  # in the place of the form, which the rule has next
