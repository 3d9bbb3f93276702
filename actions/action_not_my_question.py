"""Answers "that's not what I asked": asks which of the likeliest others was meant."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import likely_before, replies

_CHOICES = 3


class ActionNotMyQuestion(Action):
    """What the message before may have meant besides what was answered, as buttons."""

    def name(self) -> str:
        """See parent."""
        return "action_not_my_question"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        said = {reply.topic.label for reply in replies(tracker)}
        others = [topic.label for topic in likely_before(tracker) if topic.label not in said][:_CHOICES]
        dispatcher.utter_message(
            response="utter_chitchat/not_my_question", **({"next": [*others, "talk_to_person"]} if others else {})
        )
        return []
