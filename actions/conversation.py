"""What the actions read of a conversation: small pure helpers on Rasa SDK trackers."""

from typing import Any, Dict, List, Optional

from rasa_sdk import Tracker

from infusion_guide.replies.book import is_answerable


def replies(tracker: Tracker) -> List[Dict[str, Any]]:
    """Metadata of the bot's replies, oldest first: `utter_action` and `sources`."""
    return [event.get("metadata") or {} for event in tracker.events if event.get("event") == "bot"]


def last_topical_reply(tracker: Tracker) -> Optional[Dict[str, Any]]:
    """Metadata of the last reply on a topic of the register, or None."""
    for metadata in reversed(replies(tracker)):
        if is_answerable((metadata.get("utter_action") or "")[len("utter_") :]):
            return metadata
    return None


def kept_back(tracker: Tracker) -> Optional[str]:
    """The label that the safety guard kept back at its last check-in or alarm, or None."""
    for event in reversed(tracker.events):
        if event.get("event") == "user" and (event.get("parse_data") or {}).get("ordinary"):
            return event["parse_data"]["ordinary"]
    return None
