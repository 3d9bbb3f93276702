"""Conversations that were erased: their tickets open nothing any more, wherever a copy of one may be.

Only a hash of the id is kept, and only as long as a ticket could still open something. Every assistant process asks every
few seconds; the one that erased knows at once.
"""

import logging
import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import settings
from infusion_guide.storage import refreshing
from infusion_guide.storage.database import Database
from infusion_guide.storage.tables import ended

logger = logging.getLogger(__name__)

REFRESH = 3.0  # seconds


def end(connection: Connection, conversation: str) -> None:
    """Stores that the tickets of `conversation` are over; once more does no harm."""
    digest, now = identity.digest(conversation), time.time()
    if not connection.execute(sa.update(ended).where(ended.c.digest == digest).values(at=now)).rowcount:
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(ended).values(digest=digest, at=now))
        except sa.exc.IntegrityError:
            pass  # another did so at the same moment


def over(now: float) -> sa.ColumnElement[bool]:
    """Which rows need not be kept any longer: no ticket of theirs would open anything anyway."""
    return ended.c.at < now - (settings().session_hours + 1) * 3600


async def refresh(database: Database) -> None:
    """Has this process refuse what was ended anywhere. Raises DatabaseUnavailable: it goes on with what it knows."""
    rows = await database.read(lambda connection: connection.execute(sa.select(ended.c.digest)).scalars().all())
    identity.end_all(rows)


async def watch_ended(database: Database) -> None:
    """Refreshes until the task is cancelled; failures are logged, once for each time it goes wrong."""
    await refreshing.forever(refresh, database, REFRESH, logger, "Tickets of erased conversations are not known anew")
