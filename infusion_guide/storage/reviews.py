"""Signatures of clinicians under replies: each counts for the words whose digest it names, and for no others."""

import time
from typing import Dict, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.storage.tables import reviews


def sign(connection: Connection, name: str, digest: str, by: str) -> None:
    """Stores that the clinician `by` has read the reply `name` in the words of `digest` and answers for them."""
    connection.execute(sa.insert(reviews).values(name=name, digest=digest, reviewed_by=by, at=time.time()))


def newest(connection: Connection) -> Dict[Tuple[str, str], Row]:
    """The newest signature by name of the reply and digest of its words."""
    rows = connection.execute(sa.select([reviews]).order_by(reviews.c.at, reviews.c.id))
    return {(row.name, row.digest): row for row in rows}
