"""The people behind the assistant: requests, missed questions, counts for reports, the clinic's answers, staff."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "requests",
    "request_notes",
    "misses",
    "facts",
    "clinic_answers",
    "reviews",
    "staff",
    "staff_sessions",
    "audit",
)


def upgrade() -> None:
    """Adds a column to `conversations`, and nine tables."""
    op.add_column("conversations", sa.Column("crisis", sa.Float))
    op.create_table(
        "requests",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("reference", sa.String(16), nullable=False, unique=True),
        sa.Column("sender_id", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("best_time", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("taken_by", sa.String(64)),
        sa.Column("taken", sa.Float),
        sa.Column("done", sa.Float),
    )
    op.create_table(
        "request_notes",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("sender_id", sa.String(255), nullable=False),
        sa.Column("staff", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "misses",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("sender_id", sa.String(255), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("said", sa.String(255), nullable=False),
        sa.Column("label", sa.String(255)),
        sa.Column("confidence", sa.Float),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("topic", sa.String(255)),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided", sa.Float),
        sa.UniqueConstraint("sender_id", "message_id"),
    )
    op.create_table(
        "facts",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("hour", sa.Float, nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "clinic_answers",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("topic", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_by", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.UniqueConstraint("topic", "version"),
    )
    op.create_table(
        "reviews",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reviewed_by", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "staff",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.Float),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("began", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("staff", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("object", sa.String(255), nullable=False),
        sa.Column("detail", sa.String(255)),
    )
    op.create_index("ix_requests_sender_id", "requests", ["sender_id"])
    op.create_index("ix_requests_at", "requests", ["at"])
    op.create_index("ix_requests_updated", "requests", ["updated"])
    op.create_index("ix_request_notes_reference", "request_notes", ["reference"])
    op.create_index("ix_request_notes_sender_id", "request_notes", ["sender_id"])
    op.create_index("ix_misses_at", "misses", ["at"])
    op.create_index("ix_facts_hour", "facts", ["hour"])
    op.create_index("ix_reviews_name", "reviews", ["name"])
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])
    op.create_index("ix_staff_sessions_seen", "staff_sessions", ["seen"])
    op.create_index("ix_audit_at", "audit", ["at"])


def downgrade() -> None:
    """Takes them away."""
    for name in _TABLES:
        op.drop_table(name)
    op.drop_column("conversations", "crisis")
