"""Says the last reply once more."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import replies


class ActionRepeat(Action):
    """Repeats the reply before; a check-in and its numbers are repeated like any other."""

    def name(self) -> str:
        """See parent."""
        return "action_repeat"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        names = [reply["utter_action"] for reply in replies(tracker) if reply.get("utter_action")]
        dispatcher.utter_message(response=names[-1] if names else "utter_chitchat/repeat")
        return []
