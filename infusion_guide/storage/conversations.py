"""The conversations that staff may look at: those with a crisis, a request or feedback; what tells who somebody is taken out."""

import re
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.callbacks.fields import PRIVATE
from infusion_guide.replies.book import names, unfilled
from infusion_guide.replies.reply import Reply
from infusion_guide.storage.callbacks import words
from infusion_guide.storage.sealing import unseal
from infusion_guide.storage.tables import conversations, events, feedback, requests
from infusion_guide.storage.transcript import Exchange, exchanges

_CRISIS = conversations.c.crisis.isnot(None)
_REQUEST = sa.exists().where(requests.c.sender_id == conversations.c.sender_id)
_FEEDBACK = sa.exists().where(feedback.c.sender_id == conversations.c.sender_id)
# Why a conversation may be looked at.
REASONS = {"crisis": _CRISIS, "request": _REQUEST, "feedback": _FEEDBACK}

_TURNS = (
    sa.select(sa.func.count())
    .select_from(events)
    .where(events.c.sender_id == conversations.c.sender_id, events.c.type_name == "user")
    .scalar_subquery()
)
_COLUMNS = [
    conversations.c.sender_id,
    conversations.c.started,
    conversations.c.updated,
    conversations.c.language,
    *(sa.case((condition, True), else_=False).label(reason) for reason, condition in REASONS.items()),
]
_MOST_LINES = 10  # that are looked at one by one, 10 ms each; a message of 2,000 characters could have 500
_TELLING = tuple(field for field in PRIVATE if field.telling)

Secret = Tuple[str, str]  # words, and what stands in their place


def listed(connection: Connection, reason: Optional[str], limit: int, offset: int, language: str = "") -> Tuple[List[Row], int]:
    """The conversations that may be looked at for `reason` (one of REASONS, None for any), newest first; how many in all.

    `language`: only those in it ("" for any). A row has sender_id, started, updated (Unix seconds), language, turns, and a
    truth for each of REASONS.
    """
    wanted = REASONS[reason] if reason else sa.or_(*REASONS.values())
    wanted = sa.and_(wanted, conversations.c.language == language) if language else wanted
    total = connection.execute(sa.select(sa.func.count()).select_from(conversations).where(wanted)).scalar()
    chosen = sa.select(*_COLUMNS, _TURNS.label("turns")).where(wanted)
    newest_first = chosen.order_by(conversations.c.updated.desc(), conversations.c.sender_id)
    return connection.execute(newest_first.limit(limit).offset(offset)).fetchall(), total


def find(connection: Connection, sender_id: str) -> Optional[Row]:
    """The row of `listed` of one conversation, without `turns`; None when staff may not look at it, or there is none."""
    wanted = (conversations.c.sender_id == sender_id, sa.or_(*REASONS.values()))
    return connection.execute(sa.select(*_COLUMNS).where(*wanted)).first()


def why(row: Row) -> List[str]:
    """The REASONS that hold for a row of `listed` or `find`."""
    return [reason for reason in REASONS if getattr(row, reason)]


@dataclass(frozen=True)
class Sealed:
    """All that is stored of a conversation's talk, as it is stored: `opened` reads it, and needs no connection."""

    events: Sequence[str]
    state: Optional[str]
    requests: Sequence[str]


def sealed(connection: Connection, sender_id: str) -> Sealed:
    """The talk of `sender_id`; empty when there is none."""
    said = sa.select(events.c.data).where(events.c.sender_id == sender_id).order_by(events.c.id)
    state = sa.select(conversations.c.state).where(conversations.c.sender_id == sender_id)
    asked = sa.select(requests.c.given).where(requests.c.sender_id == sender_id)
    found = [connection.execute(chosen).scalars().all() for chosen in (said, asked)]
    return Sealed(found[0], connection.execute(state).scalar(), found[1])


def opened(stored: Sealed) -> Tuple[List[Exchange], List[Secret]]:
    """What was said, and what the patient has told of who they are. Raises sealing.Unreadable."""
    talk = exchanges([unseal(data) for data in stored.events])
    slots = unseal(stored.state).get("slots", {}) if stored.state else {}
    under_way = {field.name: slots.get(field.slot) for field in _TELLING}  # of a request that is being made
    given = [under_way, *(words(given, _TELLING) for given in stored.requests)]
    told = [(each.get(field.name), f"[{field.title.lower()}]") for field in _TELLING for each in given]
    return talk, [(str(secret), placeholder) for secret, placeholder in told if secret]


def redacted(talk: Sequence[Exchange], secrets: Sequence[Secret]) -> List[Exchange]:
    """`talk` without what tells who the patient is, as far as patterns find it; loads spaCy the first time, seconds.

    The patient's words, and the assistant's where words of the patient stand in them.
    """
    return [_hidden(each, secrets) for each in talk]


def _hidden(each: Exchange, secrets: Sequence[Secret]) -> Exchange:
    replies = [
        replace(said, reply=replace(said.reply, text=_redacted(said.reply.text, secrets))) if _may_quote(said.reply) else said
        for said in each.replies
    ]
    return replace(each, text=each.text and _redacted(each.text, secrets), replies=replies)


def without_names(words: str) -> str:
    """What staff wrote, for the audit log, which outlives every erasure; loads spaCy the first time, seconds."""
    return _redacted(words, []) if words else ""


def _may_quote(reply: Reply) -> bool:
    """Whether words of the patient may stand in a reply: its braces are filled by more than settings, or it is unknown."""
    return reply.name not in names() or bool(unfilled(reply.name))


def _redacted(text: str, secrets: Sequence[Secret]) -> str:
    from infusion_guide.text.redaction import redact

    for secret, placeholder in secrets:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", placeholder, text, flags=re.IGNORECASE)
        if placeholder == "[name]":
            for part in re.findall(r"\w{2,}", secret):  # as it is written: "will" is no Will
                text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", placeholder, text)
    lines = text.split("\n")
    return "\n".join(map(redact, lines)) if len(lines) <= _MOST_LINES else redact(text)
