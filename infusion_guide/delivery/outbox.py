"""What turns caused outside the database: read from the outbox and delivered, again and again until it worked."""

import asyncio
import hashlib
import hmac
import logging
import random
import time
from dataclasses import replace
from typing import Any, Awaitable, Callable, Dict, List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.clinic.identity import secret
from infusion_guide.clinic.settings import settings
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.sealing import seal, unseal
from infusion_guide.storage.tables import outbox
from infusion_guide.storage.turn import MAIL, WEBHOOK, Effect
from infusion_guide.watch import metrics

logger = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks into the outbox
_AT_ONCE = 20  # queues of one kind that one process works off at the same time
_CLAIMED = 60.0  # seconds that a worker has for what it took; then another may take it
_FIRST_WAIT = 2.0  # seconds after the first failure, twice as many after each further one
_LONGEST_WAIT = 120.0  # seconds between two tries: a crisis notice must not wait long once the receiver is back
_SECONDS = 10.0  # for one delivery
MAIL_SECONDS = 45.0  # for an e-mail: some servers examine it at length, and one that is hung up on would get it again
_LONGEST_KEY = 240  # characters; the column has 255
# Seconds after which an answer to a patient is given up: the talk has gone on elsewhere. A crisis reply has longer.
MESSAGES_END = 3600.0
CRISES_END = 24 * 3600.0
_CRISIS = " crisis"  # ends the kind of a crisis reply: a queue of its own, which no refused answer holds up

Handler = Callable[["Entry"], Awaitable[None]]

# Who delivers which kind. Everybody who delivers adds itself: notices, and messaging platforms under the channel's name.
HANDLERS: Dict[str, Handler] = {}


class NotDelivered(RuntimeError):
    """A delivery failed. The message never holds a patient's words, an address or a token.

    It is tried again later, not before `retry_after` seconds; never when it is `final`.
    """

    def __init__(self, words: str, retry_after: float = 0.0, final: bool = False) -> None:
        super().__init__(words)
        self.retry_after, self.final = retry_after, final


class Entry(Dict[str, Any]):
    """A row of the outbox."""

    @property
    def payload(self) -> Dict[str, Any]:
        """What the effect holds. Raises sealing.Unreadable."""
        found: Dict[str, Any] = unseal(self["payload"])
        return found


def put(connection: Connection, sender_id: str, effects: List[Effect]) -> None:
    """Writes `effects` of the conversation `sender_id` into the outbox; one whose key is there already is left as it is."""
    now = time.time()
    for effect in effects:
        if connection.execute(sa.select(outbox.c.id).where(outbox.c.key == effect.key)).first() is None:
            fresh = {"kind": effect.kind, "sender_id": sender_id, "key": effect.key, "payload": seal(effect.payload)}
            connection.execute(sa.insert(outbox).values(at=now, due=now, attempts=0, **fresh))


def crisis_notice(conversation: str, message_id: str) -> List[Effect]:
    """The notices to staff of a crisis reply: the webhook hears of each, a mailbox of one an hour in a conversation."""
    by_hour = time.strftime("%Y-%m-%dT%H", time.gmtime())
    return _by_webhook("crisis", conversation, message_id) + _by_mail("crisis", conversation, by_hour)


def unstored_crisis_notice(conversation: Optional[str], sender: str) -> List[Effect]:
    """The notices to staff of a crisis reply that no stored turn holds: one an hour in a conversation, by each way.

    `conversation` None: nobody knows it; then `sender` (an address, say) tells two apart, and is not shown.
    """
    unknown = hmac.new(secret(), f"sender {sender}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]
    which = time.strftime(f"{'' if conversation else unknown + ' '}unstored %Y-%m-%dT%H", time.gmtime())
    found = notice("crisis", conversation or "", which)
    return [replace(effect, payload={**effect.payload, "stored": False}) for effect in found]


def crisis_kind(name: str) -> str:
    """The kind under which the platform `name` delivers crisis replies, beside its own name: they overtake everything else."""
    return name + _CRISIS


def notice(kind: str, conversation: str, which: str) -> List[Effect]:
    """What tells staff of `kind` ("crisis", "request", "undelivered") in `conversation`; none when nobody is to be told.

    `which` tells two of them apart: the reference of a request, else any id. Each way (NOTICE_WEBHOOK, NOTICE_EMAIL) is an
    effect of its own, so that one that fails neither stops nor repeats the other.
    """
    return _by_webhook(kind, conversation, which) + _by_mail(kind, conversation, which)


def _by_webhook(kind: str, conversation: str, which: str) -> List[Effect]:
    if not settings().notice_webhook:
        return []
    return [Effect(WEBHOOK, _key(kind, conversation, which), _payload(kind, conversation, which))]


def _by_mail(kind: str, conversation: str, which: str) -> List[Effect]:
    if not settings().notice_email:
        return []
    return [Effect(MAIL, f"{_key(kind, conversation, which)} {MAIL}", _payload(kind, conversation, which))]


def _key(kind: str, conversation: str, which: str) -> str:
    key = f"{kind} {conversation} {which}"
    return key if len(key) <= _LONGEST_KEY else f"{kind} {hashlib.sha256(key.encode()).hexdigest()}"


def _payload(kind: str, conversation: str, which: str) -> Dict[str, Any]:
    return {"kind": kind, "conversation": conversation, **({"reference": which} if kind == "request" else {})}


async def deliver_forever(database: Database) -> None:
    """Delivers what is due, until the task is cancelled; failures are logged and tried again.

    Each kind goes its own way: a mail server that hangs keeps no other waiting.
    """
    under_way: Dict[str, "asyncio.Task[None]"] = {}
    try:
        while True:
            for kind in await _logged(_due_kinds(database)) or []:
                if kind not in under_way or under_way[kind].done():
                    under_way[kind] = asyncio.create_task(_logged(_deliver_all(database, kind)))
            await asyncio.sleep(LOOK)
    finally:
        for task in under_way.values():
            task.cancel()


async def _logged(work: Awaitable[Any]) -> Any:
    """What `work` gives, None when it fails: the task that delivers must never end."""
    try:
        return await work
    except DatabaseUnavailable as error:
        logger.warning("The outbox waits: %s", error)
    except Exception as error:
        logger.error("The outbox waits: %s", type(error).__name__)


async def _deliver_all(database: Database, kind: str) -> None:
    while await _deliver_kind(database, kind):
        pass


async def deliver_due(database: Database) -> int:
    """Works off the queues that are due now, side by side; the number of deliveries that worked."""
    return sum(await asyncio.gather(*(_deliver_kind(database, kind) for kind in await _due_kinds(database))))


async def _due_kinds(database: Database) -> List[str]:
    return await database.read(lambda connection: connection.execute(_DUE_KINDS, {"now": time.time()}).scalars().all())


async def _deliver_kind(database: Database, kind: str) -> int:
    due = {"now": time.time(), "kind": kind}
    senders = await database.read(lambda connection: connection.execute(_DUE_SENDERS, due).scalars().all())
    return sum(await asyncio.gather(*(deliver_queue(database, sender, kind) for sender in senders)))


async def deliver_queue(database: Database, sender_id: str, kind: str) -> int:
    """Delivers entries of one conversation and kind, oldest first, until one fails or none is due; how many worked.

    A queue stops at an entry that fails, so that a patient reads answers in order; other queues go on.

    Raises:
        DatabaseUnavailable: what was delivered last may be delivered again.
    """
    delivered = 0
    while True:
        entry = await database.run(lambda connection: _claim(connection, sender_id, kind, time.time()))
        if entry is None or not await _deliver(database, entry):
            return delivered
        delivered += 1


async def _deliver(database: Database, entry: Entry) -> bool:
    """Whether the queue may go on: delivered, or given up."""
    try:
        await asyncio.wait_for(HANDLERS[entry["kind"]](entry), MAIL_SECONDS if entry["kind"] == MAIL else _SECONDS)
    except Exception as error:  # whatever breaks one delivery must not stop the others
        words = str(error) if isinstance(error, NotDelivered) else type(error).__name__
        logger.warning("Outbox entry %s not delivered yet: %s", entry["id"], words)
        final = isinstance(error, NotDelivered) and error.final
        is_notice = entry["kind"] in (WEBHOOK, MAIL)
        left = entry["at"] + (CRISES_END if entry["kind"].endswith(_CRISIS) else MESSAGES_END) - time.time()
        if not is_notice and (final or left <= 0):
            await database.run(lambda connection: _give_up(connection, entry, words))
            return True
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(entry["attempts"], 10)) * random.uniform(0.8, 1.0)
        after = max(wait, getattr(error, "retry_after", 0.0))
        if not is_notice:
            after = min(after, max(left, 0.0))  # the last try is at its end, whatever the platform wants
        await database.run(lambda connection: _update(connection, entry, due=time.time() + after))
        return False
    # The address and the words that were sent are not needed any more; the key stays, against repetitions.
    await database.run(lambda connection: _update(connection, entry, done=time.time(), payload=seal({})))
    return True


def _give_up(connection: Connection, entry: Entry, words: str) -> None:
    """An answer that nobody gets: recorded, counted, and told to staff."""
    metrics.count_given_up(entry["kind"].removesuffix(_CRISIS))
    _update(connection, entry, done=time.time(), failed=words[:255], payload=seal({}))
    put(connection, entry["sender_id"], notice("undelivered", entry["sender_id"], str(entry["id"])))


def record_failure(connection: Connection, sender_id: str, kind: str, report: str, words: str) -> None:
    """An answer that a platform took and could not deliver after all, as its report with the id `report` says; once."""
    key = f"{kind} {sender_id} report {report}"
    if connection.execute(sa.select(outbox.c.id).where(outbox.c.key == key)).first() is not None:
        return
    now = time.time()
    row = {"kind": kind, "sender_id": sender_id, "key": key, "payload": seal({}), "at": now, "due": now, "attempts": 1}
    connection.execute(sa.insert(outbox).values(**row, done=now, failed=words[:255]))
    metrics.count_given_up(kind)
    put(connection, sender_id, notice("undelivered", sender_id, report))


def _update(connection: Connection, entry: Entry, **values: Any) -> None:
    connection.execute(sa.update(outbox).where(outbox.c.id == entry["id"]).values(**values))


_OLDEST = (
    sa.select(sa.func.min(outbox.c.id).label("id"))
    .where(outbox.c.done.is_(None))
    .group_by(outbox.c.sender_id, outbox.c.kind)
    .subquery()
)
_DUE = outbox.join(_OLDEST, outbox.c.id == _OLDEST.c.id)
_IS_DUE = outbox.c.due <= sa.bindparam("now")
_DUE_KINDS = sa.select(outbox.c.kind).select_from(_DUE).where(_IS_DUE).distinct()
_DUE_SENDERS = (
    sa.select(outbox.c.sender_id)
    .select_from(_DUE)
    .where(_IS_DUE, outbox.c.kind == sa.bindparam("kind"))
    .order_by(outbox.c.id)
    .limit(_AT_ONCE)
)


def _claim(connection: Connection, sender_id: str, kind: str, now: float) -> Optional[Entry]:
    """The oldest entry of a queue if it is due, put off at once: no other worker takes it, a crash only delays it."""
    queue = (outbox.c.sender_id == sender_id, outbox.c.kind == kind, outbox.c.done.is_(None))
    row = connection.execute(sa.select(outbox).where(*queue).order_by(outbox.c.id).limit(1).with_for_update()).first()
    if row is None or row.due > now:
        return None
    # Where the database locks no rows (SQLite), another worker may have counted up first: then it has the entry.
    mine = sa.update(outbox).where(outbox.c.id == row.id, outbox.c.attempts == row.attempts)
    if connection.execute(mine.values(due=now + _CLAIMED, attempts=row.attempts + 1)).rowcount:
        return Entry(row._mapping)
    return None
