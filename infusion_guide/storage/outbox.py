"""What turns caused outside the database: read from the outbox and delivered, again and again until it worked."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional

import aiohttp
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.server import metrics
from infusion_guide.settings import settings
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.sealing import seal, unseal
from infusion_guide.storage.tables import outbox
from infusion_guide.storage.turn import Effect

logger = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks into the outbox
_AT_ONCE = 20  # queues that one process works off at the same time
_CLAIMED = 60.0  # seconds that a worker has for what it took; then another may take it
_FIRST_WAIT = 2.0  # seconds after the first failure, twice as many after each further one
_LONGEST_WAIT = 120.0  # seconds between two tries: a crisis notice must not wait long once the receiver is back
_SECONDS = 10.0  # for one delivery
MESSAGES_END = 24 * 3600.0  # seconds after which an answer to a patient is given up: the talk has gone on elsewhere

Handler = Callable[["Entry"], Awaitable[None]]


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
        if connection.execute(sa.select([outbox.c.id]).where(outbox.c.key == effect.key)).first() is None:
            fresh = {"kind": effect.kind, "sender_id": sender_id, "key": effect.key, "payload": seal(effect.payload)}
            connection.execute(sa.insert(outbox).values(at=now, due=now, attempts=0, **fresh))


def crisis_notice(conversation: str, message_id: str) -> List[Effect]:
    """The notice to staff of a crisis reply, where NOTICE_WEBHOOK is set. It says that, and in which conversation."""
    return notice("crisis", conversation, message_id)


def notice(kind: str, conversation: str, which: str) -> List[Effect]:
    """What tells staff of `kind` ("crisis", "request", "undelivered") in `conversation`; `which` tells two of them apart."""
    if not settings().notice_webhook:
        return []
    return [Effect("notice", f"{kind} {conversation} {which}", {"kind": kind, "conversation": conversation})]


async def post_notice(entry: Entry) -> None:
    """POSTs the payload to NOTICE_WEBHOOK, signed: X-Signature is the hex HMAC-SHA-256 of the body under SECRET_KEY.

    X-Idempotency-Key lets the receiver ignore a repetition: delivery is at least once.
    """
    from infusion_guide.channels.identity import secret

    body = json.dumps({"key": entry["key"], **entry.payload}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Idempotency-Key": entry["key"],
        "X-Signature": hmac.new(secret(), body, hashlib.sha256).hexdigest(),
    }
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
            async with session.post(settings().notice_webhook, data=body, headers=headers, allow_redirects=False) as answered:
                if answered.status >= 300:
                    raise NotDelivered(f"NOTICE_WEBHOOK answered {answered.status}.")
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise NotDelivered(f"NOTICE_WEBHOOK cannot be reached ({type(error).__name__}).") from None


# Who delivers which kind. Channels of messaging platforms add themselves: the kind is the channel's name.
HANDLERS: Dict[str, Handler] = {"notice": post_notice}


async def deliver_forever(database: Database) -> None:
    """Delivers what is due, until the task is cancelled; failures are logged and tried again."""
    while True:
        try:
            delivered = await deliver_due(database)
        except DatabaseUnavailable as error:
            logger.warning("The outbox waits: %s", error)
            delivered = 0
        except Exception as error:  # this task must never end
            logger.error("The outbox waits: %s", type(error).__name__)
            delivered = 0
        if not delivered:
            await asyncio.sleep(LOOK)


async def deliver_due(database: Database) -> int:
    """Works off the queues that are due now, side by side; the number of deliveries that worked."""
    queues = await database.read(lambda connection: connection.execute(_DUE, {"now": time.time()}).fetchall())
    return sum(await asyncio.gather(*(deliver_queue(database, row.sender_id, row.kind) for row in queues)))


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
        await asyncio.wait_for(HANDLERS[entry["kind"]](entry), _SECONDS + 1)
    except Exception as error:  # whatever breaks one delivery must not stop the others
        words = str(error) if isinstance(error, NotDelivered) else type(error).__name__
        logger.warning("Outbox entry %s not delivered yet: %s", entry["id"], words)
        final = isinstance(error, NotDelivered) and error.final
        if entry["kind"] != "notice" and (final or time.time() - entry["at"] > MESSAGES_END):
            await database.run(lambda connection: _give_up(connection, entry, words))
            return True
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(entry["attempts"], 10)) * random.uniform(0.9, 1.1)
        after = max(wait, getattr(error, "retry_after", 0.0))
        await database.run(lambda connection: _update(connection, entry, due=time.time() + after))
        return False
    # The address and the words that were sent are not needed any more; the key stays, against repetitions.
    await database.run(lambda connection: _update(connection, entry, done=time.time(), payload=seal({})))
    return True


def _give_up(connection: Connection, entry: Entry, words: str) -> None:
    """An answer that nobody gets: recorded, counted, and told to staff."""
    metrics.count_given_up(entry["kind"])
    _update(connection, entry, done=time.time(), failed=words[:255], payload=seal({}))
    put(connection, entry["sender_id"], notice("undelivered", entry["sender_id"], str(entry["id"])))


def record_failure(connection: Connection, sender_id: str, kind: str, report: str, words: str) -> None:
    """An answer that a platform took and could not deliver after all, as its report with the id `report` says; once."""
    key = f"{kind} {sender_id} report {report}"
    if connection.execute(sa.select([outbox.c.id]).where(outbox.c.key == key)).first() is not None:
        return
    now = time.time()
    row = {"kind": kind, "sender_id": sender_id, "key": key, "payload": seal({}), "at": now, "due": now, "attempts": 1}
    connection.execute(sa.insert(outbox).values(**row, done=now, failed=words[:255]))
    metrics.count_given_up(kind)
    put(connection, sender_id, notice("undelivered", sender_id, report))


def _update(connection: Connection, entry: Entry, **values: Any) -> None:
    connection.execute(sa.update(outbox).where(outbox.c.id == entry["id"]).values(**values))


_OLDEST = (
    sa.select([sa.func.min(outbox.c.id).label("id")])
    .where(outbox.c.done.is_(None))
    .group_by(outbox.c.sender_id, outbox.c.kind)
    .subquery()
)
_DUE = (
    sa.select([outbox.c.sender_id, outbox.c.kind])
    .select_from(outbox.join(_OLDEST, outbox.c.id == _OLDEST.c.id))
    .where(outbox.c.due <= sa.bindparam("now"))
    .order_by(outbox.c.id)
    .limit(_AT_ONCE)
)


def _claim(connection: Connection, sender_id: str, kind: str, now: float) -> Optional[Entry]:
    """The oldest entry of a queue if it is due, put off at once: no other worker takes it, a crash only delays it."""
    queue = (outbox.c.sender_id == sender_id, outbox.c.kind == kind, outbox.c.done.is_(None))
    row = connection.execute(sa.select([outbox]).where(*queue).order_by(outbox.c.id).limit(1).with_for_update()).first()
    if row is None or row.due > now:
        return None
    # Where the database locks no rows (SQLite), another worker may have counted up first: then it has the entry.
    mine = sa.update(outbox).where(outbox.c.id == row.id, outbox.c.attempts == row.attempts)
    if connection.execute(mine.values(due=now + _CLAIMED, attempts=row.attempts + 1)).rowcount:
        return Entry(row)
    return None
