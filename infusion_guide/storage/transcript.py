"""A conversation as its patient saw it: each message with its answers."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.replies.reply import Reply
from infusion_guide.storage.sealing import unseal
from infusion_guide.storage.tables import events

_USER, _BOT = "user", "bot"  # Rasa's names of events; Rasa itself takes seconds to load, and the staff pages do without

_EVENTS_A_TURN = 20  # more than any turn here has; six are usual


@dataclass(frozen=True)
class Said:
    """One reply, and when it was said (Unix seconds)."""

    at: float
    reply: Reply


@dataclass(frozen=True)
class Exchange:
    """A message and what was answered to it. `at`: Unix seconds; `message_id`: the caller's own, if there was one.

    `text` of a pressed button is what was read on it; None where something was said that nobody had asked.
    """

    message_id: Optional[str]
    text: Optional[str]
    at: float
    replies: List[Said] = field(default_factory=list)


def exchanges(stored: Sequence[Mapping[str, Any]]) -> List[Exchange]:
    """What was said in Rasa's events (as_dict, oldest first). Answers to nothing stand in a first one without a text."""
    found: List[Exchange] = []
    titles: Dict[str, str] = {}  # of the buttons that were offered, by what pressing one sends
    for event in stored:
        if event["event"] == _USER:
            text = event.get("text") or ""
            found.append(Exchange(_as_sent(event.get("message_id")), titles.get(text, text), event["timestamp"]))
        elif event["event"] == _BOT:
            reply = Reply.of_message({**(event.get("data") or {}), **event})
            titles.update({button.payload: button.title for button in reply.buttons})
            if not found:
                found.append(Exchange(None, None, event["timestamp"]))
            found[-1].replies.append(Said(event["timestamp"], reply))
    return found


def latest(connection: Connection, conversation: str, most: int) -> List[Exchange]:
    """The last `most` whole exchanges of `conversation`, oldest first. Raises sealing.Unreadable."""
    chosen = sa.select(events.c.data).where(events.c.sender_id == conversation).order_by(events.c.id.desc())
    rows = connection.execute(chosen.limit(most * _EVENTS_A_TURN)).fetchall()
    return [each for each in exchanges([unseal(row.data) for row in reversed(rows)]) if each.text is not None][-most:]


def _as_sent(message_id: Optional[str]) -> Optional[str]:
    """The caller's own id: the door adds a blank and a part of the text's hash."""
    return message_id.rsplit(" ", 1)[0] if message_id else None
