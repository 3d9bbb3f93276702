"""Every table, in one place. `migrations/` creates them; tests/test_migrations.py holds the two against each other."""

import sqlalchemy as sa

metadata = sa.MetaData()

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only

# One row a conversation. `version` counts its stored turns: a turn that was worked out on an older version is refused,
# so that two workers never write over each other (a fencing token: Kleppmann, "How to do distributed locking", 2016).
# `state`: slots and active form, so that a turn need not read the conversation from its beginning.
conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("sender_id", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started", sa.Float, nullable=False),  # Unix seconds
    sa.Column("updated", sa.Float, nullable=False, index=True),
)

# Rasa's events, in the columns of Rasa's own SQL tracker store.
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
    sa.Index("ix_events_sender_id_id", "sender_id", "id"),
)

# One row an answered message: a message that arrives again gets the same replies and causes nothing.
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("sender_id", sa.String(255), primary_key=True),
    sa.Column("message_id", sa.String(255), primary_key=True),
    sa.Column("replies", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),  # Unix seconds
)

# What a turn caused outside the database, written in the turn's own transaction and delivered afterwards, at least once.
# Entries of one conversation and kind form a queue: the oldest that is not done goes first. `failed` says why one was
# given up; then it is done, too.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("sender_id", sa.String(255), nullable=False),
    sa.Column("key", sa.String(255), nullable=False, unique=True),  # idempotency key: one effect, one row
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),  # Unix seconds
    sa.Column("due", sa.Float, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("done", sa.Float, index=True),
    sa.Column("failed", sa.String(255)),
)

# What a visitor thought of an answer; `number` counts the answers to one message. One judgement an answer, the last one.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("sender_id", sa.String(255), primary_key=True),
    sa.Column("message_id", sa.String(255), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("utter_action", sa.String(255), nullable=False),
    sa.Column("value", sa.String(8), nullable=False),  # "up" or "down"
    sa.Column("reason", sa.Text),  # sealed
    sa.Column("at", sa.Float, nullable=False, index=True),  # Unix seconds
)

# Who asked a messaging platform's channel to write nothing more. Kept when a conversation is erased: `conversation` is the
# keyed hash of an address (channels/identity.py), and without the row we would write to somebody who said no.
opt_outs = sa.Table(
    "opt_outs",
    metadata,
    sa.Column("conversation", sa.String(255), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),  # Unix seconds
)
