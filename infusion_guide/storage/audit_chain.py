"""The audit log as a chain: each entry carries a keyed hash of itself and of the entry before it.

Whoever can change the database but does not know SECRET_KEY can neither change, add, reorder nor take out an entry without
`make doctor` telling; the mark "audit" holds the newest link and how many there are, so that the end cannot be cut off
either. Not seen: the whole database put back to an earlier state, with the mark as it was then.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Dict, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.clinic.identity import keys
from infusion_guide.storage import marks
from infusion_guide.storage.tables import audit

_LOCK = 71063  # PostgreSQL's advisory lock: one entry after the other
_MARK = "audit"
_LOOKS = 3
_KEY_IS_GONE = " Or SECRET_KEY was changed without leaving the former one behind it."


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: how many entries it looked at, since when (Unix seconds), and what is wrong, in a sentence."""

    entries: int
    since: Optional[float]
    older: int  # from before there was a chain
    broken: str = ""


def put(connection: Connection, staff_name: str, action: str, object: str, detail: Optional[str] = None) -> None:
    """Adds an entry. The last thing in a transaction that changes rows of patients: others who note something wait for it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    row = {"at": time.time(), "staff": staff_name[:64], "action": action[:64], "object": object[:255]}
    row["detail"] = detail and detail[:255]
    # Added first: in SQLite this is what others wait for. Only then the one before is looked at.
    id_ = connection.execute(sa.insert(audit).values(**row)).inserted_primary_key[0]
    head = _head(connection)
    link = _link(keys()[0], {"id": id_, **row}, head["link"] if head else "")
    connection.execute(sa.update(audit).where(audit.c.id == id_).values(link=link))
    fresh = {"id": id_, "link": link, "count": (head["count"] if head else 0) + 1}
    marks.put(connection, _MARK, json.dumps({**fresh, "seal": _seal(keys()[0], fresh)}))


def verify(connection: Connection, newest: int = 0) -> Verdict:
    """Looks at the `newest` entries, or at all of them (0); again where somebody may have added one meanwhile."""
    found = _verdict(connection, newest)
    for _ in range(_LOOKS - 1):
        found = _verdict(connection, newest) if found.broken else found
    return found


def _verdict(connection: Connection, newest: int) -> Verdict:
    head = _head(connection)
    chained = audit.c.link.isnot(None)
    total = connection.execute(sa.select(sa.func.count()).select_from(audit).where(chained)).scalar() or 0
    older = (connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar() or 0) - total
    first = connection.execute(sa.select(sa.func.min(audit.c.id)).where(chained)).scalar()
    if newest and newest < total:
        first = connection.execute(
            sa.select(audit.c.id).where(chained).order_by(audit.c.id.desc()).offset(newest).limit(1)
        ).scalar()
    known, previous, entries, since, row = keys(), None, 0, None, None
    rows = sa.select(audit).where(audit.c.id >= first).order_by(audit.c.id) if first is not None else sa.select(audit).limit(0)
    for row in connection.execution_options(yield_per=1000).execute(rows):
        start = previous is None
        previous_link, previous = previous, row.link
        if start and newest and newest < total:
            continue  # only where the part that is looked at begins
        if row.link is None or not any(_holds(key, row, previous_link or "") for key in known):
            lost = _KEY_IS_GONE if start else ""
            return Verdict(
                entries, since, older, f"The audit log was altered at or before entry {row.id} ({_day(row.at)}).{lost}"
            )
        entries, since = entries + 1, since or row.at
    if not entries and not head:
        return Verdict(0, None, older)
    if not head or not any(hmac.compare_digest(head["seal"], _seal(key, head)) for key in known):
        return Verdict(entries, since, older, "The audit log's end is not sealed: its mark was altered or taken out.")
    if row is None or (head["id"], head["link"]) != (row.id, row.link) or head["count"] != total:
        return Verdict(entries, since, older, f"Entries of the audit log are missing: {total} of {head['count']} are there.")
    return Verdict(entries, since, older)


def _head(connection: Connection) -> Optional[Dict[str, Any]]:
    stored = marks.get(connection, _MARK)
    try:
        found = json.loads(stored or "null")
        return {name: found[name] for name in ("id", "link", "count", "seal")} if found else None
    except (ValueError, KeyError, TypeError):
        return None


def _holds(key: bytes, row: Any, previous: str) -> bool:
    return hmac.compare_digest(row.link, _link(key, row._mapping, previous))


def _link(key: bytes, row: Any, previous: str) -> str:
    return _mac(key, [*(row[name] for name in ("id", "at", "staff", "action", "object", "detail")), previous])


def _seal(key: bytes, head: Dict[str, Any]) -> str:
    return _mac(key, ["the end", head["id"], head["link"], head["count"]])


def _mac(key: bytes, parts: Sequence[Any]) -> str:
    return hmac.new(b"audit " + key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
