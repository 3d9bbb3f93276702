"""Signatures of clinicians under replies: each counts for the words whose digest it names, and for no others."""

import time
from datetime import date
from typing import Dict, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.clinic.clock import clinic_time
from infusion_guide.storage.tables import facts, reviews


def sign(connection: Connection, name: str, digest: str, by: str) -> None:
    """Stores that the clinician `by` has read the reply `name` in the words of `digest` and answers for them."""
    connection.execute(sa.insert(reviews).values(name=name, digest=digest, reviewed_by=by, at=time.time()))


def newest(connection: Connection) -> Dict[Tuple[str, str], Tuple[str, date]]:
    """The newest signature, by whom and on which day, by name of the reply and digest of its words."""
    rows = connection.execute(sa.select(reviews).order_by(reviews.c.at, reviews.c.id))
    return {(row.name, row.digest): (row.reviewed_by, clinic_time(row.at).date()) for row in rows}


def use_since(connection: Connection, since: float) -> Dict[str, Dict[str, int]]:
    """How often each reply was said ("reply") and judged ("up", "down") since the Unix second `since`, by its name.

    Only replies on a topic are counted when they are said.
    """
    wanted = (facts.c.what.in_(("reply", "up", "down")), facts.c.hour >= since)
    columns = [facts.c.name, facts.c.what, sa.func.sum(facts.c.count).label("number")]
    found: Dict[str, Dict[str, int]] = {}
    for row in connection.execute(sa.select(*columns).where(*wanted).group_by(facts.c.name, facts.c.what)):
        found.setdefault(row.name, {})[row.what] = int(row.number)
    return found
