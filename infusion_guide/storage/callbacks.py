"""Call-back requests: stored in the turn that confirms them; listed, searched, taken, given back, done; with notes of staff."""

import json
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.fields import PRIVATE, Field
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
_SEARCHED = ("name", "contact", "topic")


class TooLate(RuntimeError):
    """Somebody else was faster; the message says who did what."""


@dataclass(frozen=True)
class Note:
    """What somebody wrote down about a request; `words` is None where ENCRYPTION_KEY does not open it."""

    staff: str
    at: float
    words: Optional[str]


@dataclass(frozen=True)
class Found:
    """Part of a list; `total` is the length of the whole, `cut` says that older ones were not searched."""

    requests: List[Callback]
    total: int
    cut: bool = False


def put(connection: Connection, callback: Callback) -> None:
    """Stores the new request `callback`; each field is sealed by itself, so that a reader opens only what it may read."""
    given = json.dumps({name: seal(said) for name, said in callback.given.items()})
    row = {"reference": callback.reference, "sender_id": callback.conversation, "channel": callback.channel, "given": given}
    state = {"at": callback.at, "updated": callback.at, "status": callback.status, "language": callback.language}
    connection.execute(sa.insert(requests).values(**row, **state))


def of_conversation(connection: Connection, conversation: str) -> List[Callback]:
    """The requests of `conversation`, oldest first, whole. Raises Unreadable, ValueError: damaged."""
    rows = sa.select(requests).where(requests.c.sender_id == conversation).order_by(requests.c.id)
    return [_callback(row, words(row.given)) for row in connection.execute(rows)]


def listed(
    connection: Connection,
    fields: Sequence[Field],
    status: str = "",
    search: str = "",
    limit: int = 25,
    offset: int = 0,
    language: str = "",
) -> Found:
    """Requests with `status` and `language` ("" for any) that hold `search` in reference, name, contact or topic; newest first.

    `fields` are those that the reader may read: nothing else is opened, nor found by a search.
    """
    wanted = [requests.c.status == status] if status else []
    wanted += [requests.c.language == language] if language else []
    rows = sa.select(requests).where(*wanted).order_by(requests.c.at.desc(), requests.c.id.desc())
    total = connection.execute(sa.select(sa.func.count()).select_from(requests).where(*wanted)).scalar()
    if not search.strip():
        return Found([_opened(row, fields) for row in connection.execute(rows.limit(limit).offset(offset))], total)
    every = (_opened(row, fields) for row in connection.execute(rows.limit(MOST_SEARCHED)))
    found = [each for each in every if _holds(each, search)]
    return Found(found[offset : offset + limit], len(found), cut=total > MOST_SEARCHED)


def counts(connection: Connection) -> Dict[str, int]:
    """How many requests there are with each status."""
    found = connection.execute(sa.select(requests.c.status, sa.func.count()).group_by(requests.c.status))
    return {**dict.fromkeys(STATUSES, 0), **dict(found.fetchall())}


def oldest_waiting(connection: Connection) -> Optional[Row]:
    """Reference and time of the request that has been new for longest, or None."""
    waiting = sa.select(requests.c.reference, requests.c.at).where(requests.c.status == "new")
    return connection.execute(waiting.order_by(requests.c.at, requests.c.id).limit(1)).first()


def one(connection: Connection, reference: str, fields: Sequence[Field] = ()) -> Optional[Callback]:
    """The request with `reference`, of what the patient gave only `fields`; None when there is none."""
    found = connection.execute(sa.select(requests).where(requests.c.reference == reference)).first()
    return _opened(found, fields) if found else None


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


def write_note(connection: Connection, found: Callback, name: str, words: str) -> None:
    """Keeps the note `words` of the member `name`; the same once more within a minute is a double tap.

    Raises:
        TooLate: the request was erased meanwhile.
    """
    now = time.time()
    last = [each for each in notes(connection, found.reference) if each.staff == name][-1:]
    if last and last[0].words == words and last[0].at > now - _TWICE:
        return
    # First, because it holds the request's row: no note is written about what is being erased (privacy.py).
    own = sa.update(requests).where(requests.c.reference == found.reference, requests.c.sender_id == found.conversation)
    if not connection.execute(own.values(updated=now)).rowcount:
        raise TooLate("This request was erased.")
    row = {"reference": found.reference, "sender_id": found.conversation, "staff": name, "at": now, "words": seal(words)}
    connection.execute(sa.insert(request_notes).values(**row))
    staff.note(connection, name, _NOTED, found.reference)


def notes(connection: Connection, reference: str) -> List[Note]:
    """The notes about a request, oldest first."""
    rows = sa.select(request_notes).where(request_notes.c.reference == reference).order_by(request_notes.c.id)
    return [Note(row.staff, row.at, _open(row.words)) for row in connection.execute(rows)]


def history(connection: Connection, found: Callback) -> List[Row]:
    """What was done with a request, oldest first, as the audit log has it."""
    done = [words for words, _ in _ACTIONS.values()] + [_NOTED]
    wanted = (audit.c.at >= found.at, audit.c.object == found.reference, audit.c.action.in_(done))
    return connection.execute(sa.select(audit).where(*wanted).order_by(audit.c.id)).fetchall()


def words(sealed: str, fields: Sequence[Field] = PRIVATE) -> Dict[str, str]:
    """What the patient gave for `fields`, by name, of the column `given`. Raises Unreadable, ValueError: damaged."""
    kept = json.loads(sealed)
    return {field.name: str(unseal(kept[field.name])) for field in fields if field.name in kept}


def _opened(row: Row, fields: Sequence[Field]) -> Callback:
    try:
        return _callback(row, words(row.given, fields))
    except (Unreadable, ValueError):
        return _callback(row, {}, readable=False)


def _callback(row: Row, given: Dict[str, str], readable: bool = True) -> Callback:
    state = (row.status, row.taken_by, row.taken, row.done)
    return Callback(row.reference, row.sender_id, row.channel, row.at, given, *state, readable=readable, language=row.language)


def _open(sealed: str) -> Optional[str]:
    try:
        return str(unseal(sealed))
    except (Unreadable, ValueError):
        return None


def _holds(found: Callback, search: str) -> bool:
    wanted = search.strip().casefold()
    told = " ".join((found.reference, *(found.given.get(name, "") for name in _SEARCHED))).casefold()
    digits = _digits(search)
    # A phone number is found however it is written: (555) 010-0199 as +15550100199.
    is_number = len(digits) >= 3 and not any(letter.isalpha() for letter in search)
    return wanted in told or (is_number and not found.is_email and digits in _digits(found.given.get("contact", "")))


def _digits(words: str) -> str:
    return "".join(filter(str.isdigit, words))
