"""A conversation as its patient saw it: turns, each a message with its answers."""

from typing import Any, Dict, List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.storage.sealing import unseal
from infusion_guide.storage.tables import events

Turn = Dict[str, Any]

_USER, _BOT = "user", "bot"  # Rasa's names of events; Rasa itself takes seconds to load, and the staff pages do without

_EVENTS_A_TURN = 20  # more than any turn here has; six are usual


def turns_of(stored: List[Dict[str, Any]]) -> List[Turn]:
    """The turns of Rasa's events (as_dict, oldest first).

    A turn is {"message_id", "text", "at", "replies"}; a reply is {"text", "at", "buttons", "metadata"}; times are Unix
    seconds. The text of a pressed button is what was read on it. Answers to nothing stand in a first turn whose text is
    None.
    """
    found: List[Turn] = []
    titles: Dict[str, str] = {}  # of the buttons that were offered, by what pressing one sends
    for event in stored:
        if event["event"] == _USER:
            text = event.get("text") or ""
            found.append(_turn(_as_sent(event.get("message_id")), titles.get(text, text), event["timestamp"]))
        elif event["event"] == _BOT:
            buttons = (event.get("data") or {}).get("buttons") or []
            titles.update({button["payload"]: button["title"] for button in buttons})
            reply = {"text": event.get("text") or "", "at": event["timestamp"], "buttons": buttons}
            named = {key: value for key, value in (event.get("metadata") or {}).items() if key in ("utter_action", "sources")}
            if not found:
                found.append(_turn(None, None, event["timestamp"]))
            found[-1]["replies"].append({**reply, "metadata": named})
    return found


def latest(connection: Connection, conversation: str, most: int) -> List[Turn]:
    """The last `most` whole turns of `conversation`, oldest first. Raises sealing.Unreadable."""
    chosen = sa.select(events.c.data).where(events.c.sender_id == conversation).order_by(events.c.id.desc())
    rows = connection.execute(chosen.limit(most * _EVENTS_A_TURN)).fetchall()
    return [turn for turn in turns_of([unseal(row.data) for row in reversed(rows)]) if turn["text"] is not None][-most:]


def _turn(message_id: Optional[str], text: Optional[str], at: float) -> Turn:
    return {"message_id": message_id, "text": text, "at": at, "replies": []}


def _as_sent(message_id: Optional[str]) -> Optional[str]:
    """The caller's own id: the door adds a blank and a part of the text's hash."""
    return message_id.rsplit(" ", 1)[0] if message_id else None
