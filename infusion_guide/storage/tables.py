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
    sa.Column("crisis", sa.Float),  # Unix seconds of the last crisis reply: staff may look at such conversations
    sa.Column("language", sa.String(8), nullable=False, server_default="en"),  # "en" or "es"
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
# keyed hash of an address (clinic/identity.py), and without the row we would write to somebody who said no.
opt_outs = sa.Table(
    "opt_outs",
    metadata,
    sa.Column("conversation", sa.String(255), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),  # Unix seconds
)

# Conversations that were erased: their tickets open nothing any more (ended.py). `digest`: SHA-256 of the id.
ended = sa.Table(
    "ended",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", sa.Float, nullable=False, index=True),  # Unix seconds
)

# Call-back requests. They outlive their conversation's time (nothing a patient asks gets lost), not its erasure.
requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("reference", sa.String(16), nullable=False, unique=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),  # Unix seconds, as all times here
    sa.Column("updated", sa.Float, nullable=False, index=True),
    sa.Column("given", sa.Text, nullable=False),  # JSON: what the patient gave, by name (callbacks/fields.py), each sealed
    sa.Column("status", sa.String(8), nullable=False),  # "new", "taken" or "done"
    sa.Column("taken_by", sa.String(64)),
    sa.Column("taken", sa.Float),  # first time
    sa.Column("done", sa.Float),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # calls that nobody answered (desk.py)
    sa.Column("next_try", sa.Float),  # before it, nobody need call
    sa.Column("language", sa.String(8), nullable=False, server_default="en"),  # "en" or "es"
)

# What staff wrote down about a request.
request_notes = sa.Table(
    "request_notes",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("reference", sa.String(16), nullable=False, index=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),  # of the request: erased with it
    sa.Column("staff", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("words", sa.Text, nullable=False),  # sealed
)

# Messages that were answered badly, for staff to look at; one row a message, erased with the conversation.
misses = sa.Table(
    "misses",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False),
    sa.Column("message_id", sa.String(255), nullable=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("reason", sa.String(16), nullable=False),  # "fallback", "low_confidence" or "thumbs_down"
    sa.Column("said", sa.String(255), nullable=False),  # name of the reply (utter_...)
    sa.Column("label", sa.String(255)),  # what the message was taken for
    sa.Column("confidence", sa.Float),
    sa.Column("words", sa.Text, nullable=False),  # sealed
    sa.Column("decision", sa.String(16)),  # null, "taught", "new_topic" or "ignored"
    sa.Column("topic", sa.String(255)),  # of the decision
    sa.Column("decided_by", sa.String(64)),
    sa.Column("decided", sa.Float),
    sa.UniqueConstraint("sender_id", "message_id"),
)

# What reports count. No conversation, no words, and the time cut to the hour: these rows tell nothing of a person.
facts = sa.Table(
    "facts",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("hour", sa.Float, nullable=False, index=True),  # Unix seconds of its beginning
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("what", sa.String(32), nullable=False),  # see facts.py
    sa.Column("name", sa.String(255)),
    sa.Column("count", sa.Integer, nullable=False),
)

# The clinic's own answers, written on the staff pages; the highest version of a topic counts, an empty text withdraws it.
clinic_answers = sa.Table(
    "clinic_answers",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("topic", sa.String(255), nullable=False),  # uncovered/cost
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("written_by", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.UniqueConstraint("topic", "version"),
)

# The words that a signature was given for, as patients read them: what changed since is shown as a difference.
signed_words = sa.Table(
    "signed_words",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # as in reviews
    sa.Column("words", sa.Text, nullable=False),
)

# What a reader of a reply tells its author.
reply_comments = sa.Table(
    "reply_comments",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, index=True),  # utter_...
    sa.Column("digest", sa.String(64), nullable=False),  # of the words that were read
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("staff", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("settled_by", sa.String(64)),
    sa.Column("settled", sa.Float),
)

# The whole set of replies as it was signed, under a name; the newest is in force.
releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("digest", sa.String(64), nullable=False),  # of the list to sign (review.digest_of_all)
    sa.Column("replies", sa.Text, nullable=False),  # JSON: digest of each reply by its name
    sa.Column("signed_by", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

# A clinician's signature under a reply: it counts for the words whose digest it names, and no longer once they change.
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, index=True),  # utter_...
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256, hexadecimal
    sa.Column("reviewed_by", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

# What the assistant remembers of itself between two starts: "seen", the time of the last purge (privacy.py);
# "audit", the end of the audit log (audit_chain.py).
marks = sa.Table(
    "marks",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# Who may sign in to the staff pages.
staff = sa.Table(
    "staff",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),  # to sign in with
    sa.Column("role", sa.String(16), nullable=False),  # "front_desk", "clinician" or "admin"
    sa.Column("password", sa.String(255), nullable=False),  # Argon2id
    sa.Column("must_change", sa.Boolean, nullable=False),  # somebody else chose the password
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),  # wrong passwords since the last right one, from anywhere
    sa.Column("locked_until", sa.Float),  # for browsers that nobody has signed in with as this account
)

# Wrong passwords of one account from one place: a browser that it has signed in with before, or an internet address, both as
# keyed hashes. Forgotten after a day.
staff_tries = sa.Table(
    "staff_tries",
    metadata,
    sa.Column("staff_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),  # since the last right one
    sa.Column("locked_until", sa.Float),
    sa.Column("at", sa.Float, nullable=False, index=True),  # of the last one
)

# Second factors (second_factor.py). `secret`: encrypted; `codes`: hashes of recovery codes, JSON.
staff_factors = sa.Table(
    "staff_factors",
    metadata,
    sa.Column("staff_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),  # 30 seconds, since 1970, of the last code that was used
    sa.Column("codes", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),  # wrong codes since the last right one
    sa.Column("locked_until", sa.Float),
)

# Who is signed in. `token` is the hash of what the browser holds.
staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),  # SHA-256, hexadecimal
    sa.Column("staff_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("began", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False, index=True),
)

# Who saw or changed what on the staff pages. Never a patient's words.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("staff", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("object", sa.String(255), nullable=False),
    sa.Column("detail", sa.String(255)),
    sa.Column("link", sa.String(64)),  # audit_chain.py; null in entries from before it
)
