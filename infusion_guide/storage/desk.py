"""What the front desk looks at: who waits for a call, which calls nobody answered, which crises nobody has opened yet."""

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.fields import Field
from infusion_guide.storage import accounts, callbacks
from infusion_guide.storage.tables import audit, conversations, requests

CRISIS_DAYS = 7  # that a crisis nobody has opened is pointed at
TRIED = "tried, no answer"  # in the audit log
_OPENED = ("saw a conversation", "saw the original words")  # in the audit log
_MOST_CRISES = 20
_DAY = 86_400.0  # seconds


@dataclass(frozen=True)
class State:
    """How many wait, and what tells whether a list has changed; nothing in it says who somebody is.

    `requests`: requests that are to be called now; `crises`: conversations with a crisis that no member of staff has opened;
    `request_at` and `crisis_at`: when the newest of each came (Unix seconds, 0 for none); `changed`: of the list of requests.
    """

    requests: int
    crises: int
    request_at: float
    crisis_at: float
    changed: float


@dataclass(frozen=True)
class Tries:
    """Calls that nobody answered: how many, and before when nobody need call again (Unix seconds)."""

    count: int = 0
    next: Optional[float] = None


def _later(now: float) -> Any:
    return sa.and_(requests.c.status == "new", requests.c.next_try > now)


def _due(now: float) -> Any:
    return sa.and_(requests.c.status == "new", sa.or_(requests.c.next_try.is_(None), requests.c.next_try <= now))


def marks(connection: Connection) -> Tuple[Any, ...]:
    """What changes with every change of `state` but time's; each part is one look into an index."""
    newest = (sa.func.max(requests.c.updated), sa.func.max(conversations.c.updated), sa.func.max(audit.c.id))
    return tuple(connection.execute(sa.select(each)).scalar() for each in newest)


def state(connection: Connection, now: float) -> State:
    """How it stands at `now`."""
    columns = (
        sa.func.coalesce(sa.func.sum(sa.case((_due(now), 1), else_=0)), 0),
        sa.func.coalesce(sa.func.max(requests.c.at), 0.0),
        sa.func.coalesce(sa.func.max(requests.c.updated), 0.0),
    )
    due, request_at, changed = connection.execute(sa.select(*columns)).one()
    unseen = unseen_crises(connection, now)
    crisis_at = unseen[0].crisis if unseen else 0.0
    return State(int(due), len(unseen), request_at, crisis_at, changed)


def unseen_crises(connection: Connection, now: float) -> List[Row]:
    """Conversations (`sender_id`, `crisis`) of the last days that nobody of the staff has opened since; newest first."""
    since = now - CRISIS_DAYS * _DAY
    opened = sa.exists().where(
        audit.c.at >= since,
        audit.c.at >= conversations.c.crisis,
        audit.c.object == conversations.c.sender_id,
        audit.c.action.in_(_OPENED),
    )
    wanted = (conversations.c.updated >= since, conversations.c.crisis >= since, ~opened)
    chosen = sa.select(conversations.c.sender_id, conversations.c.crisis).where(*wanted)
    return connection.execute(chosen.order_by(conversations.c.crisis.desc()).limit(_MOST_CRISES)).fetchall()


def listed(
    connection: Connection,
    fields: Sequence[Field],
    status: str,
    search: str,
    limit: int,
    offset: int,
    now: float,
    language: str = "",
) -> callbacks.Found:
    """As callbacks.listed; those who wait come oldest first, and after them those who are not to be called before later."""
    if status not in ("new", "taken"):
        return callbacks.listed(connection, fields, status, search, limit, offset, language)
    order = (sa.case((_later(now), requests.c.next_try), else_=0.0), requests.c.at, requests.c.id)
    wanted = [requests.c.status == status, *([requests.c.language == language] if language else [])]
    chosen = sa.select(requests.c.reference).where(*wanted).order_by(*order)
    if search.strip():
        every = callbacks.listed(connection, fields, status, search, callbacks.MOST_SEARCHED, 0, language)
        found = {each.reference: each for each in every.requests}
        place = {reference: number for number, reference in enumerate(connection.execute(chosen).scalars())}
        ordered = sorted(found.values(), key=lambda each: place.get(each.reference, len(place)))
        return callbacks.Found(ordered[offset : offset + limit], every.total, every.cut)
    total = connection.execute(sa.select(sa.func.count()).select_from(requests).where(*wanted)).scalar()
    references = connection.execute(chosen.limit(limit).offset(offset)).scalars().all()
    opened = (callbacks.one(connection, reference, fields) for reference in references)
    return callbacks.Found([each for each in opened if each], total)


def next_due(connection: Connection, now: float, after: str = "") -> Optional[Row]:
    """Reference and time of the request that has waited longest of those to be called now, but for the one named `after`."""
    wanted = sa.select(requests.c.reference, requests.c.at).where(_due(now), requests.c.reference != after)
    return connection.execute(wanted.order_by(requests.c.at, requests.c.id).limit(1)).first()


def tries(connection: Connection, references: Sequence[str]) -> Dict[str, Tries]:
    """The calls that nobody answered, by reference, of those requests that had one."""
    chosen = sa.select(requests.c.reference, requests.c.tries, requests.c.next_try)
    found = connection.execute(chosen.where(requests.c.reference.in_(list(references)), requests.c.tries > 0))
    return {row.reference: Tries(row.tries, row.next_try) for row in found}


def tried(connection: Connection, reference: str, next_try: float, name: str) -> None:
    """The member `name` called and nobody answered: the request is everybody's again, and due at `next_try` (Unix seconds).

    Raises:
        callbacks.TooLate: it is closed or erased by now, or somebody else has it.
    """
    now = time.time()
    # In one statement, as callbacks.act has it.
    mine = sa.or_(requests.c.status == "new", sa.and_(requests.c.status == "taken", requests.c.taken_by == name))
    values = {"status": "new", "taken_by": None, "taken": sa.func.coalesce(requests.c.taken, now), "next_try": next_try}
    changed = sa.update(requests).where(requests.c.reference == reference, mine)
    if not connection.execute(changed.values(updated=now, tries=requests.c.tries + 1, **values)).rowcount:
        found = callbacks.one(connection, reference)
        raise callbacks.TooLate(
            "This request was erased."
            if found is None
            else f"{found.taken_by} {'closed' if found.status == 'done' else 'has'} this request."
        )
    accounts.note(connection, name, TRIED, reference)


def no_wait(connection: Connection, reference: str) -> None:
    """Somebody took the request or opened it again: it waits for no later time."""
    connection.execute(sa.update(requests).where(requests.c.reference == reference).values(next_try=None))


def history(connection: Connection, found: Callback) -> List[Row]:
    """callbacks.history, with the calls that nobody answered."""
    calls = sa.select(audit).where(audit.c.at >= found.at, audit.c.object == found.reference, audit.c.action == TRIED)
    rows = [*callbacks.history(connection, found), *connection.execute(calls).fetchall()]
    return sorted(rows, key=lambda row: row.id)
