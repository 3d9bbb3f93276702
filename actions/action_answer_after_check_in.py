"""Goes back to the question that the safety guard had kept back, once the patient says they are OK."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import kept_back


class ActionAnswerAfterCheckIn(Action):
    """Answers what was asked, or asks what was meant; the conversation need not stay careful."""

    def name(self) -> str:
        """See parent."""
        return "action_answer_after_check_in"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        asked = kept_back(tracker)
        if asked and asked.is_answerable:
            dispatcher.utter_message(response="utter_check_in_ok")
            dispatcher.utter_message(response=asked.reply)
        else:
            dispatcher.utter_message(response="utter_check_in_sorry")
        return [SlotSet("careful", None)]
