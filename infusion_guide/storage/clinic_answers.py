"""The clinic's own answers as staff write them: every version is kept, the newest counts."""

import logging
import time
from typing import Dict, List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.clinic.clock import clinic_time
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.clinic_answers import ClinicAnswer, use_clinic_answers
from infusion_guide.replies.signed import use_signed
from infusion_guide.storage import refreshing, reviews
from infusion_guide.storage.database import Database
from infusion_guide.storage.tables import clinic_answers

logger = logging.getLogger(__name__)

REFRESH = 15.0  # seconds from one look at the database to the next

_newest = (
    sa.select(clinic_answers.c.topic, sa.func.max(clinic_answers.c.version).label("version"))
    .group_by(clinic_answers.c.topic)
    .subquery()
)
_NEWEST = sa.select(clinic_answers).select_from(
    clinic_answers.join(
        _newest, sa.and_(clinic_answers.c.topic == _newest.c.topic, clinic_answers.c.version == _newest.c.version)
    )
)


class Overtaken(RuntimeError):
    """Somebody else saved a version of the same answer meanwhile; nothing was saved."""


def newest(connection: Connection) -> Dict[str, ClinicAnswer]:
    """The newest version of each answer by topic; withdrawn ones have no text."""
    return {row.topic: _answer(row) for row in connection.execute(_NEWEST)}


def _answer(row: Row) -> ClinicAnswer:
    return ClinicAnswer(row.text, row.written_by, clinic_time(row.at).date().isoformat())


def history(connection: Connection, topic: str) -> List[Row]:
    """Every version of the answer on `topic`, newest first."""
    chosen = sa.select(clinic_answers).where(clinic_answers.c.topic == topic)
    return connection.execute(chosen.order_by(clinic_answers.c.version.desc())).fetchall()


def version_of(connection: Connection, topic: str, version: int) -> Optional[Row]:
    """One version of the answer on `topic`, or None."""
    wanted = (clinic_answers.c.topic == topic, clinic_answers.c.version == version)
    return connection.execute(sa.select(clinic_answers).where(*wanted)).first()


def save(connection: Connection, topic: str, text: str, by: str, seen: int) -> int:
    """Stores `text` as the newest version of the answer on `topic`; its number. An empty text withdraws the answer.

    `seen` is the version that the writer had before them, 0 for none.

    Raises:
        Overtaken: it was not the newest any more.
    """
    known = sa.select(sa.func.coalesce(sa.func.max(clinic_answers.c.version), 0)).where(clinic_answers.c.topic == topic)
    if connection.execute(known).scalar() != seen:
        raise Overtaken
    row = {"topic": topic, "version": seen + 1, "text": text, "written_by": by, "at": time.time()}
    try:
        connection.execute(sa.insert(clinic_answers).values(**row))
    except sa.exc.IntegrityError:
        raise Overtaken from None
    return seen + 1


async def refresh(database: Database) -> None:
    """Has this process say what is written and signed in `database`. Raises DatabaseUnavailable: it goes on with what it had."""
    use_clinic_answers(await database.read(newest))
    if not settings().serve_unsigned:
        use_signed(await database.read(reviews.newest))


async def refresh_forever(database: Database) -> None:
    """Refreshes every REFRESH seconds until the task is cancelled; failures are logged, once for each time it goes wrong."""
    await refreshing.forever(refresh, database, REFRESH, logger, "The clinic's own answers stay as they were")
