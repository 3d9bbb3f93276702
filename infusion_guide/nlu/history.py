"""What components and policies read of the conversation so far."""

from typing import List

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.nlu.gate import CHOICES


def said(tracker: DialogueStateTracker) -> List[str]:
    """Names of the replies the bot has said in this conversation, oldest first."""
    return [event.metadata.get("utter_action", "") for event in tracker.events if isinstance(event, BotUttered)]


def choices(tracker: DialogueStateTracker) -> List[str]:
    """The topics that the last message not understood may have meant; "say that again" may have come after it."""
    heard = (event.parse_data or {} for event in reversed(tracker.events) if isinstance(event, UserUttered))
    return next((parsed[CHOICES] for parsed in heard if parsed.get(CHOICES)), [])
