"""Call-back requests as staff work on them: listed, searched, taken, given back, done; with notes."""

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.storage import accounts as staff
from infusion_guide.storage.sealing import Unreadable, seal, unseal
from infusion_guide.storage.tables import audit, request_notes, requests

STATUSES = ("new", "taken", "done")
MOST_SEARCHED = 2000  # newest requests that a search opens: what is sealed, the database cannot search
LONGEST_NOTE = 2000  # characters
_TWICE = 60.0  # seconds within which the same note of the same person is a double tap

# What can be done with a request, what the audit log calls it, and in which states it can be done.
_ACTIONS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "take": ("took a request", ("new",)),
    "give-back": ("gave a request back", ("taken",)),
    "done": ("closed a request", ("new", "taken")),
    "open-again": ("opened a request again", ("done",)),
}
ACTIONS = tuple(_ACTIONS)
_NOTED = "wrote a note"
_SEALED = ("name", "contact", "best_time", "topic")


class TooLate(RuntimeError):
    """Somebody else was faster; the message says who did what."""


@dataclass(frozen=True)
class Request:
    """A request, opened. Times are Unix seconds; `readable` is False where ENCRYPTION_KEY does not open it."""

    reference: str
    sender_id: str
    channel: str
    at: float
    updated: float
    status: str
    taken_by: Optional[str]
    taken: Optional[float]
    done: Optional[float]
    name: Optional[str]
    contact: Optional[str]
    best_time: Optional[str]
    topic: Optional[str]
    readable: bool

    @property
    def is_email(self) -> bool:
        """Whether the contact is an e-mail address; else it is a phone number."""
        return "@" in (self.contact or "")


@dataclass(frozen=True)
class Note:
    """What somebody wrote down about a request; `words` is None where ENCRYPTION_KEY does not open it."""

    staff: str
    at: float
    words: Optional[str]


@dataclass(frozen=True)
class Found:
    """Part of a list; `total` is the length of the whole, `cut` says that older ones were not searched."""

    requests: List[Request]
    total: int
    cut: bool = False


def listed(connection: Connection, status: str = "", search: str = "", limit: int = 25, offset: int = 0) -> Found:
    """Requests with `status` ("" for any) that hold `search` in reference, name, contact or topic; newest first."""
    wanted = [requests.c.status == status] if status else []
    rows = sa.select(requests).where(*wanted).order_by(requests.c.at.desc(), requests.c.id.desc())
    total = connection.execute(sa.select(sa.func.count()).select_from(requests).where(*wanted)).scalar()
    if not search.strip():
        return Found([_opened(row) for row in connection.execute(rows.limit(limit).offset(offset))], total)
    found = [each for each in map(_opened, connection.execute(rows.limit(MOST_SEARCHED))) if _holds(each, search)]
    return Found(found[offset : offset + limit], len(found), cut=total > MOST_SEARCHED)


def counts(connection: Connection) -> Dict[str, int]:
    """How many requests there are with each status."""
    found = connection.execute(sa.select(requests.c.status, sa.func.count()).group_by(requests.c.status))
    return {**dict.fromkeys(STATUSES, 0), **dict(found.fetchall())}


def oldest_waiting(connection: Connection) -> Optional[Row]:
    """Reference and time of the request that has been new for longest, or None."""
    waiting = sa.select(requests.c.reference, requests.c.at).where(requests.c.status == "new")
    return connection.execute(waiting.order_by(requests.c.at, requests.c.id).limit(1)).first()


def one(connection: Connection, reference: str) -> Optional[Request]:
    """The request with `reference`, or None."""
    found = connection.execute(sa.select(requests).where(requests.c.reference == reference)).first()
    return _opened(found) if found else None


def act(connection: Connection, reference: str, action: str, name: str) -> None:
    """Does `action` (one of ACTIONS) for the member `name`, and writes it into the audit log.

    Raises:
        TooLate: the request is in another state by now. Of two members at the same moment, one gets this.
    """
    words, before = _ACTIONS[action]
    now = time.time()
    values: Dict[str, Any] = {
        "take": {"status": "taken", "taken_by": name, "taken": sa.func.coalesce(requests.c.taken, now)},
        "give-back": {"status": "new", "taken_by": None},
        "done": {
            "status": "done",
            "done": now,
            "taken_by": sa.func.coalesce(requests.c.taken_by, name),
            "taken": sa.func.coalesce(requests.c.taken, now),
        },
        "open-again": {"status": "new", "taken_by": None, "done": None},
    }[action]
    # The state is compared and set in one statement, so no lock is needed and none can be forgotten.
    mine = sa.update(requests).where(requests.c.reference == reference, requests.c.status.in_(before))
    if not connection.execute(mine.values(updated=now, **values)).rowcount:
        raise TooLate(_who_has_it(connection, reference, name))
    staff.note(connection, name, words, reference)


def _who_has_it(connection: Connection, reference: str, name: str) -> str:
    found = one(connection, reference)
    if found is None:
        return "This request was erased."
    who = "You have" if found.taken_by == name else f"{found.taken_by} has"
    return {
        "new": "Nobody has this request now: it was given back or opened again.",
        "taken": f"{who} this request already.",
        "done": f"{who} closed this request already.",
    }[found.status]


def write_note(connection: Connection, found: Request, name: str, words: str) -> None:
    """Keeps the note `words` of the member `name`; the same once more within a minute is a double tap.

    Raises:
        TooLate: the request was erased meanwhile.
    """
    now = time.time()
    last = [each for each in notes(connection, found.reference) if each.staff == name][-1:]
    if last and last[0].words == words and last[0].at > now - _TWICE:
        return
    # First, because it holds the request's row: no note is written about what is being erased (privacy.py).
    own = sa.update(requests).where(requests.c.reference == found.reference, requests.c.sender_id == found.sender_id)
    if not connection.execute(own.values(updated=now)).rowcount:
        raise TooLate("This request was erased.")
    row = {"reference": found.reference, "sender_id": found.sender_id, "staff": name, "at": now, "words": seal(words)}
    connection.execute(sa.insert(request_notes).values(**row))
    staff.note(connection, name, _NOTED, found.reference)


def notes(connection: Connection, reference: str) -> List[Note]:
    """The notes about a request, oldest first."""
    rows = sa.select(request_notes).where(request_notes.c.reference == reference).order_by(request_notes.c.id)
    return [Note(row.staff, row.at, _open(row.words)) for row in connection.execute(rows)]


def history(connection: Connection, found: Request) -> List[Row]:
    """What was done with a request, oldest first, as the audit log has it."""
    done = [words for words, _ in _ACTIONS.values()] + [_NOTED]
    wanted = (audit.c.at >= found.at, audit.c.object == found.reference, audit.c.action.in_(done))
    return connection.execute(sa.select(audit).where(*wanted).order_by(audit.c.id)).fetchall()


def _opened(row: Row) -> Request:
    opened = {column: _open(getattr(row, column)) for column in _SEALED}
    readable = all(opened[column] is not None for column in _SEALED if getattr(row, column) is not None)
    plain = ("reference", "sender_id", "channel", "at", "updated", "status", "taken_by", "taken", "done")
    return Request(**{column: getattr(row, column) for column in plain}, **opened, readable=readable)


def _open(sealed: Optional[str]) -> Optional[str]:
    try:
        return None if sealed is None else str(unseal(sealed))
    except (Unreadable, ValueError):
        return None


def _holds(found: Request, search: str) -> bool:
    wanted = search.strip().casefold()
    words = " ".join(filter(None, (found.reference, found.name, found.contact, found.topic))).casefold()
    digits = _digits(search)
    # A phone number is found however it is written: (555) 010-0199 as +15550100199.
    is_number = len(digits) >= 3 and not any(letter.isalpha() for letter in search)
    return wanted in words or (is_number and not found.is_email and digits in _digits(found.contact or ""))


def _digits(words: str) -> str:
    return "".join(filter(str.isdigit, words))
