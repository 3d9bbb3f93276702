"""What the actions read of a conversation: small pure helpers on Rasa SDK trackers."""

from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from rasa_sdk import Tracker

from infusion_guide.hours import hours_words, opening_hours
from infusion_guide.words import is_answerable


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


def by_opening_hours(name: str) -> Dict[str, Any]:
    """What to utter for the reply `name` at this moment: its `_open` or `_closed` form with the hours that it speaks of.

    Without CLINIC_HOURS, or when no opening is in sight, `name` itself, which says nothing of hours.
    """
    hours, now = opening_hours(), datetime.now(timezone.utc)
    if hours is None or hours.next_opening(now) is None:
        return {"response": name}
    return {"response": f"{name}_open" if hours.is_open(now) else f"{name}_closed", **hours_words(now)}
