"""Every reply with what a clinician must know to answer for it: its words as patients read them, what it rests on, who signed."""

import hashlib
import json
import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from infusion_guide.clinic.hours import by_opening_hours
from infusion_guide.clinic.settings import settings
from infusion_guide.replies import guided
from infusion_guide.replies.book import RESPONSES, names, topic_title, unfilled, variations
from infusion_guide.replies.clinic_answers import ClinicAnswer
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.replies.sources import CLINIC, Source, described
from infusion_guide.replies.topic import KINDS, TOOL, Topic

# What replies are grouped by, crisis first: their kinds, and "" for what has no topic.
GROUPS = {**KINDS, TOOL: "Guided tools, step by step", "": "Steering, forms and single lines"}

# How a review stands, and what staff call it.
STATES = {
    "unsigned": "Not signed yet",
    "changed": "Changed since it was signed",
    "overdue": "Overdue for review",
    "signed": "Signed",
}

Signatures = Mapping[Tuple[str, str], Tuple[str, date]]  # by whom and when, by a reply's name and digest


@dataclass(frozen=True)
class Reading:
    """One variation as a patient reads it; `when` says when it is said, "" for always."""

    lines: Tuple[str, ...]
    buttons: Tuple[str, ...]
    when: str
    language: str = "en"


@dataclass(frozen=True)
class Review:
    """Who answers for a reply's present words, since when, and how we know: "file", "signature" or "own answer"."""

    by: str
    on: date
    how: str


@dataclass(frozen=True)
class Entry:
    """One reply; `own` is the clinic's own answer that is said in its place, `digest` names the present words.

    `changed`: nobody has signed the present words, but somebody signed others before.
    """

    name: str
    own: Optional[ClinicAnswer]
    digest: str
    review: Optional[Review]
    changed: bool = False

    @property
    def topic(self) -> Topic:
        """What it is about."""
        return Topic.of(self.name)

    @property
    def title(self) -> str:
        """What a person calls it: the words on its button, or its name."""
        return topic_title(self.name)

    @property
    def readings(self) -> Tuple[Reading, ...]:
        """Every variation, complete."""
        return readings(self.name, self.own.text if self.own else "")

    @property
    def sources(self) -> List[Source]:
        """What its words rest on."""
        named = dict.fromkeys(source for each in variations(self.name) for source in each.sources)
        return described([CLINIC] if self.own else named)

    def is_overdue(self, today: date) -> bool:
        """Whether the present words were reviewed, but longer ago than REVIEW_MONTHS: nothing is overdue that was never due."""
        return self.review is not None and self.review.on < months_before(today, settings().review_months)

    def needs_signature(self, today: date) -> bool:
        """Whether nobody has reviewed the present words, or too long ago."""
        return self.review is None or self.is_overdue(today)

    def state(self, today: date) -> str:
        """How its review stands, one of STATES."""
        if self.review is None:
            return "changed" if self.changed else "unsigned"
        return "overdue" if self.is_overdue(today) else "signed"


def entries(own: Mapping[str, ClinicAnswer], signatures: Signatures) -> List[Entry]:
    """All replies, crisis first; `own`: the clinic's own answers in force, by topic."""
    once = {name for name, _ in signatures}
    return [_entry(name, own.get(Topic.of(name).label), signatures, name in once) for name in names()]


def _entry(name: str, own: Optional[ClinicAnswer], signatures: Signatures, once: bool) -> Entry:
    words = digest(name, own.text if own else "")
    signed = Review(*signatures[name, words], how="signature") if (name, words) in signatures else None
    written = Review(own.reviewed_by, date.fromisoformat(own.reviewed_on), "own answer") if own else _header(name)
    newest = max(filter(None, (signed, written)), key=lambda review: review.on, default=None)
    return Entry(name, own, words, newest, changed=once and newest is None)


@cache
def _header(name: str) -> Optional[Review]:
    """The review that a reply's file names in its header, None when nobody has signed there."""
    topic = Topic.of(name)
    file = guided.TOOLS / f"{topic.name.partition('/')[0]}.yml" if topic.kind == TOOL else RESPONSES / f"{topic.label}.yml"
    head = file.read_text(encoding="utf-8").splitlines()[:3]
    said = dict(re.findall(r"^# (Reviewed by|Reviewed on): (.+)$", "\n".join(head), re.M))
    try:
        return Review(said["Reviewed by"].strip(), date.fromisoformat(said["Reviewed on"].strip()), "file")
    except (KeyError, ValueError):
        return None


def is_signed_in_file(name: str) -> bool:
    """Whether a clinician has signed the reply in the header of its file."""
    return _header(name) is not None


def digest(name: str, own: str) -> str:
    """SHA-256 of a reply as it is written, with the clinic's `own` text in its place or ""; hexadecimal.

    Without the next topics that it offers: these are signed with their own replies.
    """
    written = [
        {**said, "metadata": {key: value for key, value in said["metadata"].items() if key != "next"}}
        for said in (variation.written for variation in variations(name))
    ]
    return hashlib.sha256(json.dumps([name, written, own], sort_keys=True).encode()).hexdigest()


def as_text(found: Sequence[Reading]) -> str:
    """What a signature is given for: each reading under a line that says when it is said."""
    parts = []
    for reading in found:
        buttons = [f"Buttons: {' | '.join(reading.buttons)}"] if reading.buttons else []
        parts.append("\n".join([f"[{reading.when or 'always'}]", *reading.lines, *buttons]))
    return "\n\n".join(parts)


def digest_of_all(replies: Sequence[Entry], *others: Any) -> str:
    """SHA-256 over every reply's digest and `others` (JSON): a signed printout belongs to the release with the same one."""
    whole = [[reply.digest for reply in replies], *others]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def readings(name: str, own: str = "") -> Tuple[Reading, ...]:
    """The reply `name` as patients read it in each variation; with the text `own` of the clinic in its place, if any.

    Words that only a conversation knows stand as [words in brackets].
    """
    hours = {language: by_opening_hours("utter_clinic_hours", language=language) for language in LANGUAGES}
    now = Situation(own=own, words=unfilled(name))
    turns: Dict[Tuple[str, bool], int] = {}
    found: Dict[Reading, None] = {}  # an own text stands in the place of all variations
    for each in variations(name):
        turn = turns.get((each.language, each.careful), 0)
        turns[each.language, each.careful] = turn + 1
        reply = complete(
            name, replace(now, said=[name] * turn, language=each.language, careful=each.careful, hours=hours[each.language])
        )
        to = ["to somebody who writes Spanish"] * (each.language == "es") + ["after a crisis"] * each.careful
        titles = tuple(button.title for button in reply.buttons)
        found[Reading(tuple(reply.text.split("\n")), titles, " and ".join(to), each.language)] = None
    return tuple(found)
