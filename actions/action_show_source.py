"""Shows where the last answer comes from: the section and the claims of the clinic's document, or the authority."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import last_topical_reply
from infusion_guide.replies.book import CLINIC, authorities, claim_words, claims, section_labels

_MOST_CLAIMS = 2


class ActionShowSource(Action):
    """Names the sources of the last reply on a topic; with no such reply, says what the answers rest on."""

    def name(self) -> str:
        """See parent."""
        return "action_show_source"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        sources = (last_topical_reply(tracker) or {}).get("sources") or []
        from_document = [source for source in sources if source in claims()]
        from_authorities = [authorities()[source] for source in sources if source in authorities()]
        if CLINIC in sources:
            dispatcher.utter_message(response="utter_clinic_source")
        elif from_document:
            dispatcher.utter_message(
                response="utter_source",
                section=section_labels()[claims()[from_document[0]]["section"]],
                claims=" ".join(claim_words(claim) for claim in from_document[:_MOST_CLAIMS]),
            )
        elif from_authorities:
            dispatcher.utter_message(response="utter_source_authority", authority=from_authorities[0]["name"])
        else:
            dispatcher.utter_message(response="utter_source_none")
        return []
