"""What turns caused outside the database: read from the outbox and delivered, again and again until it worked."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
import time
from typing import Awaitable, Callable, Dict, List

import aiohttp
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.settings import settings
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.tables import outbox
from infusion_guide.storage.turn import Effect

logger = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks into the outbox
_BATCH = 5  # the slowest of these deliveries end before _CLAIMED
_CLAIMED = 60.0  # seconds that a worker has for what it took; then another may take it
_LONGEST_WAIT = 120.0  # seconds between two tries: a crisis notice must not wait long once the receiver is back
_SECONDS = 10.0  # for one delivery

Entry = Dict[str, str]  # "kind", "key", "sender_id", "payload" (JSON)
Handler = Callable[[Entry], Awaitable[None]]


class NotDelivered(RuntimeError):
    """A delivery failed; it is tried again later. The message never holds a patient's words."""


def crisis_notice(conversation: str, message_id: str) -> List[Effect]:
    """The notice to staff of a crisis reply, where NOTICE_WEBHOOK is set. It says that, and in which conversation."""
    if not settings().notice_webhook:
        return []
    return [Effect("crisis", f"crisis {conversation} {message_id}", {"kind": "crisis", "conversation": conversation})]


async def post_notice(entry: Entry) -> None:
    """POSTs the payload to NOTICE_WEBHOOK, signed: X-Signature is the hex HMAC-SHA-256 of the body under SECRET_KEY.

    X-Idempotency-Key lets the receiver ignore a repetition: delivery is at least once.
    """
    from infusion_guide.channels.identity import secret

    body = json.dumps({"key": entry["key"], **json.loads(entry["payload"])}).encode()
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


HANDLERS: Dict[str, Handler] = {"crisis": post_notice}


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
    """Tries once to deliver what is due now; the number of deliveries that worked."""
    entries = await database.run(lambda connection: _claim(connection, time.time()))
    delivered = 0
    for entry in entries:
        try:
            await asyncio.wait_for(HANDLERS[entry["kind"]](entry), _SECONDS + 1)
        except Exception as error:  # whatever breaks one delivery must not stop the others
            logger.warning("Outbox entry %s not delivered yet: %s", entry["id"], _reason(error))
            continue
        entry_id = entry["id"]
        await database.run(lambda c, i=entry_id: c.execute(sa.update(outbox).where(outbox.c.id == i).values(done=time.time())))
        delivered += 1
    return delivered


def _claim(connection: Connection, now: float) -> List[Dict]:
    """Entries that are due, put off at once so that no other worker takes them and a crash only delays them."""
    due = sa.select([outbox]).where(outbox.c.done.is_(None), outbox.c.due <= now).order_by(outbox.c.id).limit(_BATCH)
    claimed = []
    for row in map(dict, connection.execute(due.with_for_update(skip_locked=True)).fetchall()):
        wait = min(_LONGEST_WAIT, _CLAIMED * 2 ** min(row["attempts"], 10)) * random.uniform(0.9, 1.1)
        # Where the database locks no rows (SQLite), another worker may have counted up first: then it has the entry.
        mine = sa.update(outbox).where(outbox.c.id == row["id"], outbox.c.attempts == row["attempts"])
        if connection.execute(mine.values(due=now + wait, attempts=row["attempts"] + 1)).rowcount:
            claimed.append(row)
    return claimed


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, NotDelivered) else type(error).__name__
