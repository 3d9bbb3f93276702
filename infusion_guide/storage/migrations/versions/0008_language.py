"""Which language a conversation is in, and a request for a call asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Before, only English was answered as a whole: what is stored counts as English."""
    for name in ("conversations", "requests"):
        op.add_column(name, sa.Column("language", sa.String(8), nullable=False, server_default="en"))


def downgrade() -> None:
    """Forgets it."""
    for name in ("conversations", "requests"):
        with op.batch_alter_table(name) as table:
            table.drop_column("language")
