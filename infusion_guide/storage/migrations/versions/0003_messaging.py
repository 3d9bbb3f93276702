"""Messaging platforms: deliveries that were given up, and people who want nothing more."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds a column and an index to `outbox`, and the table `opt_outs`."""
    op.add_column("outbox", sa.Column("failed", sa.String(255)))
    op.execute("UPDATE outbox SET kind = 'notice' WHERE kind = 'crisis'")
    op.create_index("ix_outbox_done", "outbox", ["done"])
    op.create_table(
        "opt_outs",
        sa.Column("conversation", sa.String(255), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Takes them away."""
    op.drop_table("opt_outs")
    op.drop_index("ix_outbox_done", "outbox")
    op.drop_column("outbox", "failed")
