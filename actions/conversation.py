"""What the actions read of a conversation: small pure helpers on Rasa SDK trackers."""

from typing import List, Optional

from rasa_sdk import Tracker

from infusion_guide.replies.book import topic_title
from infusion_guide.replies.care import MOST_FORM_MISSES, NO_CALLBACK, form_misses
from infusion_guide.replies.language import LANGUAGE, latest
from infusion_guide.replies.reply import Reply
from infusion_guide.replies.topic import Topic


def replies(tracker: Tracker) -> List[Reply]:
    """What the bot has said, oldest first."""
    return [Reply.of_message(event) for event in tracker.events if event.get("event") == "bot"]


def last_topical_reply(tracker: Tracker) -> Optional[Reply]:
    """The last reply on a topic that has an answer, or None."""
    return next((reply for reply in reversed(replies(tracker)) if reply.topic.is_answerable), None)


def kept_back(tracker: Tracker) -> Optional[Topic]:
    """What the safety guard kept back at its last check-in or alarm, or None."""
    heard = (event.get("parse_data") or {} for event in reversed(tracker.events) if event.get("event") == "user")
    label = next((parsed["ordinary"] for parsed in heard if parsed.get("ordinary")), None)
    return Topic.of(label) if label else None


def likely_before(tracker: Tracker) -> List[Topic]:
    """The topics that the message before this one may have been about, likeliest first: only such as may be offered."""
    heard = [event.get("parse_data") or {} for event in tracker.events if event.get("event") == "user"]
    ranking = heard[-2].get("intent_ranking", []) if len(heard) > 1 else []
    return [topic for topic in (Topic.of(entry["name"]) for entry in ranking) if topic.kind in ("faq", "uncovered")]


def language(tracker: Tracker) -> str:
    """The language of the conversation, "en" or "es"."""
    heard = (event for event in reversed(tracker.events) if event.get("event") == "user")
    return latest((event.get("parse_data") or {}).get(LANGUAGE) for event in heard)


def topic_for_staff(tracker: Tracker) -> Optional[str]:
    """What the talk was about, in words that may stand in a request; None: nothing, or what nobody should have to tell.

    Misuse and personal medical questions are left to the patient's own words.
    """
    topic = next((reply.topic for reply in reversed(replies(tracker)) if reply.topic.is_answerable), None)
    if topic is None or topic.kind not in ("faq", "uncovered") or topic.reply in NO_CALLBACK:
        return None
    return topic_title(topic.label, language(tracker))


def leads_to_the_phone(tracker: Tracker) -> bool:
    """Whether the form's question got nothing that it can use too often, this turn's answer among them."""
    return form_misses([reply.name for reply in replies(tracker)]) >= MOST_FORM_MISSES - 1
