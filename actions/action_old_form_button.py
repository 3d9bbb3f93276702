"""Answers a press on a button of a call-back request that is over, such as a second tap on "Send it"."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from infusion_guide.callbacks.fields import REFERENCE


class ActionOldFormButton(Action):
    """Nothing is sent again."""

    def name(self) -> str:
        """See parent."""
        return "action_old_form_button"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        sent = tracker.get_slot(REFERENCE)  # then "closed" would sound like "withdrawn", and the call comes all the same
        dispatcher.utter_message(response="utter_callback_sent_before" if sent else "utter_callback_over")
        return []
