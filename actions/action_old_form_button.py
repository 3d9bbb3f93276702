"""Answers what is said of a call-back request that is over: a second tap on "Send it", "what happens now", "change my number"."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language
from infusion_guide.callbacks.fields import REFERENCE
from infusion_guide.clinic.hours import by_opening_hours

# What is said to a question about a request that was sent, by the question (callbacks/reading.py, AFTER).
_SAID = {"after_next": "utter_callback_after_next", "after_change": "utter_callback_after_change"}


class ActionOldFormButton(Action):
    """Nothing is sent again, and nothing is changed: staff may have read it already."""

    def name(self) -> str:
        """See parent."""
        return "action_old_form_button"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        sent = tracker.get_slot(REFERENCE)  # then "closed" would sound like "withdrawn", and the call comes all the same
        asked = tracker.latest_message.get("form_answer")
        if sent and asked == "after_when":
            dispatcher.utter_message(**by_opening_hours("utter_callback_after_when", language=language(tracker)))
        elif sent and asked in _SAID:
            dispatcher.utter_message(response=_SAID[asked])
        else:
            dispatcher.utter_message(response="utter_callback_sent_before" if sent else "utter_callback_over")
        return []
