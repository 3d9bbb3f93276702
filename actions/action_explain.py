"""Says the last reply in other words."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import replies
from infusion_guide.replies.topic import KINDS


class ActionExplain(Action):
    """Leads in, then gives the last topic's next wording: each says its topic another way, the second more simply."""

    def name(self) -> str:
        """See parent."""
        return "action_explain"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        last = next((r for r in reversed(replies(tracker)) if r.topic.kind in KINDS and r.topic.kind != "chitchat"), None)
        if last is None:
            dispatcher.utter_message(response="utter_chitchat/capabilities")
            return []
        if last.topic.kind != "crisis":  # then its words come first
            dispatcher.utter_message(response="utter_chitchat/explain")
        dispatcher.utter_message(response=last.name)
        return []
