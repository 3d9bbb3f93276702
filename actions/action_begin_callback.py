"""Opens the form of a call-back request with nothing filled in but what the talk was about."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language, topic_for_staff
from infusion_guide.callbacks.callback import speaks
from infusion_guide.callbacks.fields import COUNT, MOST_REQUESTS, SLOTS, TOPIC


class ActionBeginCallback(Action):
    """Each request has its own consent; whoever has sent several is asked to phone instead.

    The topic is that of the talk, so that nobody is asked what they have said; the summary shows it before it is sent. Whoever
    writes Spanish hears first in which language they will be called.
    """

    def name(self) -> str:
        """See parent."""
        return "action_begin_callback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        emptied = [SlotSet(slot, None) for slot in SLOTS]
        if (tracker.get_slot(COUNT) or 0) < MOST_REQUESTS:
            spoken = language(tracker)
            if spoken != "en":
                dispatcher.utter_message(response="utter_callback_in_spanish" if speaks(spoken) else "utter_callback_language")
            about = topic_for_staff(tracker)
            return [*emptied, SlotSet(TOPIC, about)] if about else emptied
        dispatcher.utter_message(response="utter_callback_enough")
        return [*emptied, FollowupAction("action_listen")]  # in the place of the form, which the rule has next
