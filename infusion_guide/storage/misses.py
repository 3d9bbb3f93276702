"""Messages that were answered badly: kept for staff, who teach, ignore, or ask for a new topic."""

import dataclasses
import time
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.replies.topic import Topic
from infusion_guide.storage.counts import outcome_of
from infusion_guide.storage.sealing import Unreadable, seal_words, unseal
from infusion_guide.storage.tables import misses

DAYS = 30  # that a miss is shown
MOST = 3000  # that are shown at once, the newest
REASONS = {"fallback": "not understood", "low_confidence": "unsure", "thumbs_down": "thumbs down"}
# Least confidence of an answer that nobody needs to look at. Of the answers on a topic to the development sentences lie
# below it 59 of 68 wrong ones (87 %) and 180 of 1,149 right ones (16 %), so that one look in four finds a mistake (held out:
# 80 %, 14 %). The next 0.05 would find 5 more wrong ones among 80; 0.05 less would lose 7.
LOW = 0.55
_CHUNK = 500  # ids in one statement: SQLite takes 999 values


@dataclass(frozen=True)
class Miss:
    """A message that was answered badly, with one of REASONS.

    `said`: the name of its reply; `label`: what it was taken for, best guess (uncovered/cost); `at`: Unix seconds; `words`:
    the patient's, sealed until `opened`; `id`: of its row, 0 before it is stored.
    """

    sender_id: str
    message_id: str
    reason: str
    said: str
    words: str
    label: Optional[str] = None
    confidence: Optional[float] = None
    at: float = field(default_factory=time.time)
    id: int = 0


_COLUMNS = [misses.c[each.name] for each in dataclasses.fields(Miss)]


def reason_of(names: Sequence[str], confidence: float) -> Optional[str]:
    """Why staff should look at a message that got the replies `names`, taken for its topic with `confidence`; None: no need."""
    if outcome_of(names) == "missed":
        return "fallback"
    unsure = names and Topic.of(names[0]).is_answerable and confidence < LOW
    return "low_confidence" if unsure else None


def put(connection: Connection, miss: Miss) -> None:
    """Stores `miss`, whose words are sealed."""
    row = dataclasses.asdict(miss)
    del row["id"]
    connection.execute(sa.insert(misses).values(**row))


def thumbs_down(connection: Connection, sender_id: str, message_id: str, said: str, words: str) -> None:
    """Stores that a visitor disliked the reply `said` to `words`, unless the message is known as a miss already."""
    own = (misses.c.sender_id == sender_id, misses.c.message_id == message_id)
    if connection.execute(sa.select(misses.c.id).where(*own)).first() is None:
        put(connection, Miss(sender_id, message_id, "thumbs_down", said, seal_words(words)))


def not_disliked(connection: Connection, sender_id: str, message_id: str) -> None:
    """Forgets `thumbs_down` of a message, if nobody has decided on it."""
    own = (misses.c.sender_id == sender_id, misses.c.message_id == message_id)
    undecided_thumb = (misses.c.reason == "thumbs_down", misses.c.decision.is_(None))
    connection.execute(sa.delete(misses).where(*own, *undecided_thumb))


def undecided(connection: Connection, since: float, reason: str = "") -> List[Miss]:
    """What waits for a decision since `since` (Unix seconds), newest first, at most MOST, as it is stored."""
    wanted = [misses.c.decision.is_(None), misses.c.at >= since]
    if reason:
        wanted.append(misses.c.reason == reason)
    rows = connection.execute(sa.select(*_COLUMNS).where(*wanted).order_by(misses.c.id.desc()).limit(MOST))
    return [Miss(*row) for row in rows]


def opened(stored: Sequence[Miss]) -> Tuple[List[Miss], int]:
    """The same with their words; and how many cannot be read, because their key is gone or they are damaged."""
    found = []
    for miss in stored:
        try:
            words = unseal(miss.words)
        except (Unreadable, ValueError):
            continue
        if isinstance(words, str):
            found.append(dataclasses.replace(miss, words=words))
    return found, len(stored) - len(found)


def decide(connection: Connection, ids: Sequence[int], decision: str, topic: Optional[str], by: str, at: float) -> int:
    """Stores a decision ("taught", "new_topic" or "ignored") for those of `ids` that have none yet; how many these were."""
    values = {"decision": decision, "topic": topic and topic[:255], "decided_by": by[:64], "decided": at}
    changed = 0
    for start in range(0, len(ids), _CHUNK):
        own = (misses.c.id.in_(ids[start : start + _CHUNK]), misses.c.decision.is_(None))
        changed += connection.execute(sa.update(misses).where(*own).values(**values)).rowcount
    return changed


def decided(connection: Connection, limit: int = 100) -> Sequence[Row]:
    """The latest decisions: rows of decision, topic, decided_by, decided, count."""
    columns = [misses.c.decision, misses.c.topic, misses.c.decided_by, misses.c.decided]
    chosen = sa.select(*columns, sa.func.count().label("count")).where(misses.c.decision.isnot(None))
    return connection.execute(chosen.group_by(*columns).order_by(misses.c.decided.desc()).limit(limit)).fetchall()


def undo(connection: Connection, by: str, at: float) -> Optional[str]:
    """Takes back what `by` decided at `at` (Unix seconds); which decision it was, or None when there is none."""
    own = (misses.c.decided_by == by, misses.c.decided == at)
    decision = connection.execute(sa.select(misses.c.decision).where(*own).limit(1)).scalar()
    nothing = {"decision": None, "topic": None, "decided_by": None, "decided": None}
    connection.execute(sa.update(misses).where(*own).values(**nothing))
    return decision
