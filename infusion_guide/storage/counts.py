"""What reports count: rows that tell what happened in which hour and on which channel, and nothing of who it was.

`what` and `name` of a row: "conversation" (one began; no name); "turn" (a message was answered; name: its outcome, see
OUTCOMES); "reply" (a reply on a topic was said; name: utter_faq/cost); "up" and "down" (a visitor's thumb; name: the reply);
"request" (somebody asked for a call-back; no name).
"""

import time
from typing import Any, Dict, List, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.replies.clinic_answers import clinic_answers
from infusion_guide.storage.tables import facts

HOUR = 3600.0  # seconds

# What became of a message. "answered": from the document or the clinic's own words; "uncovered": the document says nothing
# on it; "declined": a personal medical question or misuse; "missed": not understood; "other": greetings, steering, forms.
OUTCOMES = ("crisis", "check_in", "missed", "declined", "uncovered", "answered", "other")

Fact = Dict[str, Any]


def outcome_of(names: Sequence[str]) -> str:
    """What became of the message that was answered with the replies `names`: the first of OUTCOMES that fits one."""
    found = {_outcome(name) for name in names} or {"other"}
    return next(outcome for outcome in OUTCOMES if outcome in found)


def _outcome(name: str) -> str:
    label = name[len("utter_") :]
    kind = label.split("/", 1)[0] if "/" in label else ""
    if kind == "crisis":
        return "check_in" if label == "crisis/check_in" else "crisis"
    if name.startswith("utter_fallback"):
        return "other" if name.startswith(("utter_fallback_empty", "utter_fallback_too_long")) else "missed"
    if kind == "uncovered":
        return "answered" if label in clinic_answers() else "uncovered"
    return {"faq": "answered", "advice": "declined", "misuse": "declined"}.get(kind, "other")


def of_turn(channel: str, names: Sequence[str], began: bool) -> List[Fact]:
    """The rows of one turn with the replies `names`; `began`: it is the first of its conversation."""
    rows = [_fact(channel, "turn", outcome_of(names))]
    rows += [_fact(channel, "reply", name) for name in names if "/" in name]
    return [_fact(channel, "conversation"), *rows] if began else rows


def put(connection: Connection, rows: List[Fact]) -> None:
    """Stores `rows`."""
    if rows:
        connection.execute(sa.insert(facts), rows)


def count(connection: Connection, channel: str, what: str, name: Optional[str] = None, number: int = 1) -> None:
    """Stores one row; `number` -1 takes an earlier one back."""
    put(connection, [{**_fact(channel, what, name), "count": number}])


def _fact(channel: str, what: str, name: Optional[str] = None) -> Fact:
    return {"hour": time.time() // HOUR * HOUR, "channel": channel, "what": what, "name": name, "count": 1}
