"""Calls that nobody answered; the words behind signatures, comments on replies, releases."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds two columns to `requests`, and three tables."""
    op.add_column("requests", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("requests", sa.Column("next_try", sa.Float))
    op.create_table(
        "signed_words",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "reply_comments",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("staff", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("settled_by", sa.String(64)),
        sa.Column("settled", sa.Float),
    )
    op.create_index("ix_reply_comments_name", "reply_comments", ["name"])
    op.create_table(
        "releases",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("replies", sa.Text, nullable=False),
        sa.Column("signed_by", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Takes them away, with what stands in them."""
    for name in ("releases", "reply_comments", "signed_words"):
        op.drop_table(name)
    op.drop_column("requests", "next_try")
    op.drop_column("requests", "tries")
