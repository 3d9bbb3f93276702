"""What components and policies read of the conversation so far."""

from typing import List

from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker


def said(tracker: DialogueStateTracker) -> List[str]:
    """Names of the replies the bot has said in this conversation, oldest first."""
    return [event.metadata.get("utter_action", "") for event in tracker.events if isinstance(event, BotUttered)]
