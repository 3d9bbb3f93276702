"""What a patient gives for a call-back stands in one column, so that a new field of the form needs no other."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FIELDS = ("name", "contact", "best_time", "topic")
_requests = sa.table("requests", *(sa.column(name, sa.Text) for name in ("reference", "given", *_FIELDS)))


def upgrade() -> None:
    """Moves four sealed columns into one, each as it is sealed: no key is needed."""
    op.add_column("requests", sa.Column("given", sa.Text))
    for row in _rows():
        _set(row, given=json.dumps({name: sealed for name in _FIELDS if (sealed := getattr(row, name)) is not None}))
    with op.batch_alter_table("requests") as table:
        table.alter_column("given", existing_type=sa.Text, nullable=False)
        for name in _FIELDS:
            table.drop_column(name)


def downgrade() -> None:
    """Moves them back; what other fields hold is lost."""
    for name in _FIELDS:
        op.add_column("requests", sa.Column(name, sa.Text))
    for row in _rows():
        given = json.loads(row.given)
        _set(row, **{name: given.get(name) for name in _FIELDS})
    with op.batch_alter_table("requests") as table:
        for name in _FIELDS[:2]:
            table.alter_column(name, existing_type=sa.Text, nullable=False)
        table.drop_column("given")


def _rows() -> list:
    return op.get_bind().execute(sa.select(_requests)).fetchall()


def _set(row: sa.engine.Row, **values: str) -> None:
    op.get_bind().execute(sa.update(_requests).where(_requests.c.reference == row.reference).values(**values))
