"""Answers the separate questions of one message, in the order they were asked."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from infusion_guide.replies.topic import Topic


class ActionAnswerQuestions(Action):
    """Says one reply for each label that the confidence gate found in the message."""

    def name(self) -> str:
        """See parent."""
        return "action_answer_questions"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        for label in tracker.latest_message.get("questions", []):
            dispatcher.utter_message(response=Topic.of(label).reply)
        return []
