"""Messages that were answered badly: kept for staff, who teach, ignore, or ask for a new topic."""

import time
from typing import Any, Dict, Optional, Sequence

import sqlalchemy as sa
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection

from infusion_guide.replies.topic import Topic
from infusion_guide.storage.counts import outcome_of
from infusion_guide.storage.sealing import seal_words
from infusion_guide.storage.tables import misses

# Least confidence of an answer that nobody needs to look at. Of the answers on a topic to the development sentences lie
# below it 59 of 68 wrong ones (87 %) and 180 of 1,149 right ones (16 %), so that one look in four finds a mistake (held out:
# 80 %, 14 %). The next 0.05 would find 5 more wrong ones among 80; 0.05 less would lose 7.
LOW = 0.55

Miss = Dict[str, Any]


def of_turn(tracker: DialogueStateTracker, message_id: str, names: Sequence[str]) -> Optional[Miss]:
    """The row of a turn whose replies `names` did not help, or were chosen without much confidence; otherwise None."""
    heard = tracker.latest_message
    if heard is None or not (heard.text or "").strip():
        return None
    parsed = heard.parse_data or {}
    label, confidence = _label(parsed), float((parsed.get("intent") or {}).get("confidence") or 0.0)
    if outcome_of(names) == "missed":
        reason = "fallback"
    elif names and Topic.of(names[0]).is_answerable and confidence < LOW:
        reason = "low_confidence"
    else:
        return None
    return _row(tracker.sender_id, message_id, reason, names[0], heard.text or "", label, confidence)


def _row(
    sender_id: str,
    message_id: str,
    reason: str,
    said: str,
    words: str,
    label: Optional[str] = None,
    confidence: Optional[float] = None,
) -> Miss:
    return {
        "sender_id": sender_id,
        "message_id": message_id,
        "at": time.time(),
        "reason": reason,
        "said": said,
        "label": label,
        "confidence": confidence,
        "words": seal_words(words),
    }


def put(connection: Connection, miss: Miss) -> None:
    """Stores `miss`."""
    connection.execute(sa.insert(misses).values(**miss))


def thumbs_down(connection: Connection, sender_id: str, message_id: str, said: str, words: str) -> None:
    """Stores that a visitor disliked the reply `said` to `words`, unless the message is known as a miss already."""
    own = (misses.c.sender_id == sender_id, misses.c.message_id == message_id)
    if connection.execute(sa.select(misses.c.id).where(*own)).first() is None:
        put(connection, _row(sender_id, message_id, "thumbs_down", said, words))


def not_disliked(connection: Connection, sender_id: str, message_id: str) -> None:
    """Forgets `thumbs_down` of a message, if nobody has decided on it."""
    connection.execute(
        sa.delete(misses).where(
            misses.c.sender_id == sender_id,
            misses.c.message_id == message_id,
            misses.c.reason == "thumbs_down",
            misses.c.decision.is_(None),
        )
    )


def _label(parsed: Dict[str, Any]) -> Optional[str]:
    """What the message was taken for, best guess: uncovered/cost."""
    ranking = parsed.get("intent_ranking") or []
    best = ranking[0].get("name") if ranking else None
    selected = (parsed.get("response_selector") or {}).get(best) or {}
    return (selected.get("response") or {}).get("intent_response_key") or best
