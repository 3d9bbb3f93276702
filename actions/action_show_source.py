"""Shows where the last answer comes from: the section and the claims of the clinic's document, or the authority."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import language, last_topical_reply
from infusion_guide.replies.sources import AUTHORITY, CLINIC, DOCUMENT, sources

_MOST_CLAIMS = 2


class ActionShowSource(Action):
    """Names the sources of the last reply on a topic; with no such reply, says what the answers rest on."""

    def name(self) -> str:
        """See parent."""
        return "action_show_source"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        last = last_topical_reply(tracker)
        found = sources(last.sources if last else (), language(tracker))
        document = [source for source in found if source.kind == DOCUMENT]
        authorities = [source for source in found if source.kind == AUTHORITY]
        if any(source.kind == CLINIC for source in found):
            dispatcher.utter_message(response="utter_clinic_source")
        elif document:
            told = [words for source in document for words in source.told]
            dispatcher.utter_message(response="utter_source", section=document[0].name, claims=" ".join(told[:_MOST_CLAIMS]))
        elif authorities:
            dispatcher.utter_message(response="utter_source_authority", authority=authorities[0].name)
        else:
            dispatcher.utter_message(response="utter_source_none")
        return []
