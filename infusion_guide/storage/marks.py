"""What the assistant remembers of itself between two starts, one value for each name."""

from typing import Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.storage.tables import marks


def get(connection: Connection, name: str) -> Optional[str]:
    """The value of `name`, or None."""
    return connection.execute(sa.select(marks.c.value).where(marks.c.name == name)).scalar()


def put(connection: Connection, name: str, value: str) -> None:
    """Remembers `value`; of two who do so at once for the first time one counts."""
    own = marks.c.name == name
    if connection.execute(sa.update(marks).where(own).values(value=value)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(marks).values(name=name, value=value))
    except sa.exc.IntegrityError:
        connection.execute(sa.update(marks).where(own).values(value=value))
