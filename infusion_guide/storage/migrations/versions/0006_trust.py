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


def downgrade() -> None:
    """Takes them away again, with what stands in them."""
    op.drop_table("ended")
    op.drop_column("audit", "link")
    op.drop_table("marks")
