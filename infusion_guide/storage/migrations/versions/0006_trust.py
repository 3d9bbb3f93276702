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


def downgrade() -> None:
    """Takes them away again, with what stands in them."""
    op.drop_table("marks")
