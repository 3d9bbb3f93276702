"""What must hold when a clock is wrong, a database is altered, a ticket is stolen or a password is known."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds tables and columns; changes no row."""
    op.create_table(
        "marks",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.add_column("audit", sa.Column("link", sa.String(64)))
    op.create_table(
        "ended",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("ix_ended_at", "ended", ["at"])
    op.create_table(
        "staff_tries",
        sa.Column("staff_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.Float),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("ix_staff_tries_at", "staff_tries", ["at"])
    op.create_table(
        "staff_factors",
        sa.Column("staff_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.Float),
    )


def downgrade() -> None:
    """Takes them away again, with what stands in them."""
    op.drop_table("staff_factors")
    op.drop_table("staff_tries")
    op.drop_table("ended")
    op.drop_column("audit", "link")
    op.drop_table("marks")
