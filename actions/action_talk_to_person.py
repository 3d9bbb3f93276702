"""Says how to reach a person, and whether somebody is there now."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language
from infusion_guide.clinic.hours import by_opening_hours


class ActionTalkToPerson(Action):
    """Promises nobody who is not there: without CLINIC_HOURS it says nothing of hours."""

    def name(self) -> str:
        """See parent."""
        return "action_talk_to_person"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        dispatcher.utter_message(**by_opening_hours("utter_talk_to_person", language=language(tracker)))
        return []
