"""Missed questions as staff see them: what waits for a decision, and what was decided."""

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.storage.sealing import Unreadable, unseal
from infusion_guide.storage.tables import misses

DAYS = 30  # that a miss is shown
MOST = 3000  # that are shown at once, the newest
REASONS = {"fallback": "not understood", "low_confidence": "unsure", "thumbs_down": "thumbs down"}
_CHUNK = 500  # ids in one statement: SQLite takes 999 values


@dataclass(frozen=True)
class Miss:
    """A message that was answered badly; `at` is Unix seconds, `said` a reply's name, `label` the best guess."""

    id: int
    at: float
    reason: str
    said: str
    label: Optional[str]
    words: str


def undecided(connection: Connection, since: float, reason: str = "") -> List[Row]:
    """Rows since `since` (Unix seconds) without a decision, newest first, at most MOST; their words are sealed."""
    wanted = [misses.c.decision.is_(None), misses.c.at >= since]
    if reason:
        wanted.append(misses.c.reason == reason)
    return connection.execute(sa.select(misses).where(*wanted).order_by(misses.c.id.desc()).limit(MOST)).fetchall()


def opened(rows: Sequence[Row]) -> Tuple[List[Miss], int]:
    """The rows with their words; and how many cannot be read, because their key is gone or they are damaged."""
    found = []
    for row in rows:
        try:
            words = unseal(row.words)
        except (Unreadable, ValueError):
            continue
        if isinstance(words, str):
            found.append(Miss(row.id, row.at, row.reason, row.said, row.label, words))
    return found, len(rows) - len(found)


def decide(connection: Connection, ids: Sequence[int], decision: str, topic: Optional[str], by: str, at: float) -> int:
    """Stores a decision ("taught", "new_topic" or "ignored") for those of `ids` that have none yet; how many these were."""
    values = {"decision": decision, "topic": topic and topic[:255], "decided_by": by[:64], "decided": at}
    changed = 0
    for start in range(0, len(ids), _CHUNK):
        own = (misses.c.id.in_(ids[start : start + _CHUNK]), misses.c.decision.is_(None))
        changed += connection.execute(sa.update(misses).where(*own).values(**values)).rowcount
    return changed


def decided(connection: Connection, limit: int = 100) -> List[Any]:
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
