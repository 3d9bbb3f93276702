"""Says the last reply once more."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.action_show_source import ActionShowSource
from actions.conversation import language, replies
from infusion_guide.clinic.hours import by_opening_hours


class ActionRepeat(Action):
    """Repeats the reply before; a check-in and its numbers are repeated like any other."""

    def name(self) -> str:
        """See parent."""
        return "action_repeat"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        names = [reply.name for reply in replies(tracker) if reply.name]
        last = names[-1] if names else "utter_chitchat/repeat"
        by_hours = last.removesuffix("_open").removesuffix("_closed")
        if last in ("utter_source", "utter_source_authority"):  # which hold words that only this action knows
            return ActionShowSource().run(dispatcher, tracker, domain)
        said = by_opening_hours(by_hours, language=language(tracker)) if by_hours != last else {"response": last}
        dispatcher.utter_message(**said, repeated=True)
        return []
