"""What components and policies read of the conversation so far."""

from typing import List, Optional

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.nlu.gate import CHOICES
from infusion_guide.replies.care import is_alarm, is_check_in
from infusion_guide.replies.language import LANGUAGE, latest
from infusion_guide.replies.topic import TOOL, Topic

# Replies that leave the conversation where it was.
_PASSING = {
    "chitchat/greet", "chitchat/thanks", "chitchat/goodbye", "chitchat/affirm", "chitchat/deny", "chitchat/unsure",
    "chitchat/repeat", "chitchat/explain", "chitchat/react_positive", "chitchat/react_negative", "chitchat/frustrated",
    "chitchat/not_my_question", "chitchat/bot_challenge", "chitchat/bot_identity",
}  # fmt: skip


def said(tracker: DialogueStateTracker) -> List[str]:
    """Names of the replies the bot has said in this conversation, oldest first."""
    return [event.metadata.get("utter_action", "") for event in tracker.events if isinstance(event, BotUttered)]


def choices(tracker: DialogueStateTracker) -> List[str]:
    """The topics that the last message not understood may have meant; "say that again" may have come after it."""
    heard = (event.parse_data or {} for event in reversed(tracker.events) if isinstance(event, UserUttered))
    return next((parsed[CHOICES] for parsed in heard if parsed.get(CHOICES)), [])


def topic_before(tracker: DialogueStateTracker) -> Optional[str]:
    """The topic that the conversation is at, for example faq/cravings: that of the last reply on one; None before the first."""
    topics = (Topic.of(name) for name in reversed(said(tracker)))
    topics = (topic.widest if topic.kind == TOOL else topic for topic in topics)
    return next((topic.label for topic in topics if topic.kind and topic.label not in _PASSING), None)


def just_checked_in(tracker: DialogueStateTracker) -> bool:
    """Whether the last thing said was a gentle question of an unsure guard."""
    return any(is_check_in(name) for name in said(tracker)[-1:])


def alarmed(tracker: DialogueStateTracker) -> bool:
    """Whether a full crisis reply was given in this conversation."""
    return any(is_alarm(name) for name in said(tracker))


def spoken(tracker: DialogueStateTracker) -> str:
    """The language of the conversation, "en" or "es": that of the last message whose language could be told; else LANGUAGE."""
    return latest((event.parse_data or {}).get(LANGUAGE) for event in reversed(tracker.events) if isinstance(event, UserUttered))
