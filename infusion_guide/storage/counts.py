"""What reports count: rows that tell what happened in which hour and on which channel, and nothing of who it was.

`what` and `name` of a row: "conversation" (one began; no name); "turn" (a message was answered; name: its outcome, see
OUTCOMES); "reply" (a reply on a topic was said; name: utter_faq/cost); "up" and "down" (a visitor's thumb; name: the reply);
"request" (somebody asked for a call-back; no name); "language" (a message was answered in it; name: en, es).
"""

import time
from dataclasses import asdict, dataclass, field
from typing import List, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.replies.care import is_care, is_check_in
from infusion_guide.replies.clinic_answers import clinic_answers
from infusion_guide.replies.topic import TOOL, Topic
from infusion_guide.storage.tables import facts

HOUR = 3600.0  # seconds

# What became of a message. "answered": from the document or the clinic's own words; "uncovered": the document says nothing
# on it; "declined": a personal medical question or misuse; "missed": not understood; "other": greetings, steering, forms.
OUTCOMES = ("crisis", "check_in", "missed", "declined", "uncovered", "answered", "other")


@dataclass(frozen=True)
class Count:
    """One row; `count` -1 takes an earlier one back. `hour`: Unix seconds of its beginning."""

    channel: str
    what: str
    name: Optional[str] = None
    count: int = 1
    hour: float = field(default_factory=lambda: time.time() // HOUR * HOUR)


def outcome_of(names: Sequence[str]) -> str:
    """What became of the message that was answered with the replies `names`: the first of OUTCOMES that fits one."""
    found = {_outcome(name) for name in names} or {"other"}
    return next(outcome for outcome in OUTCOMES if outcome in found)


def _outcome(name: str) -> str:
    topic = Topic.of(name)
    if topic.kind == "crisis":
        if is_care(name):
            return "answered"  # of a question after the crisis, which was counted
        return "check_in" if is_check_in(name) else "crisis"
    if topic.is_fallback:
        return "other" if topic.name.startswith(("fallback_empty", "fallback_too_long")) else "missed"
    if topic.kind == "uncovered":
        return "answered" if topic.label in clinic_answers() else "uncovered"
    return {"faq": "answered", TOOL: "answered", "advice": "declined", "misuse": "declined"}.get(topic.kind, "other")


def of_turn(channel: str, names: Sequence[str], began: bool, language: str = "en") -> List[Count]:
    """The rows of one turn in `language` with the replies `names`; `began`: it is the first of its conversation."""
    rows = [Count(channel, "turn", outcome_of(names)), Count(channel, "language", language)]
    rows += [Count(channel, "reply", name) for name in names if "/" in name]
    return [Count(channel, "conversation"), *rows] if began else rows


def put(connection: Connection, rows: List[Count]) -> None:
    """Stores `rows`."""
    if rows:
        connection.execute(sa.insert(facts), [asdict(row) for row in rows])
