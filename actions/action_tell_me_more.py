"""Offers what people ask next after the last answer."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import last_topical_reply
from infusion_guide.replies.book import variations


class ActionTellMeMore(Action):
    """Nothing is invented beyond the reviewed reply: more means the neighbouring topics, as buttons."""

    def name(self) -> str:
        """See parent."""
        return "action_tell_me_more"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        last = last_topical_reply(tracker)
        if last is None:
            dispatcher.utter_message(response="utter_tell_me_more_first")
            return []
        dispatcher.utter_message(response="utter_tell_me_more", next=list(variations(last.name)[0].next))
        return []
