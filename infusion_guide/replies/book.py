"""Every reply with what a clinician must know to answer for it: its words as patients read them, what it rests on, who signed."""

import asyncio
import hashlib
import json
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.replies.library import DATA, ClinicAnswer, authorities, claims, section_labels, topic_title, variations

# The kinds of replies, by folder, in the order in which they matter to a clinician; "" are lines and steering.
KINDS = {
    "crisis": "Crisis",
    "faq": "From the clinic's document",
    "uncovered": "Not in the document",
    "advice": "Personal medical questions",
    "misuse": "Misuse",
    "chitchat": "Small talk",
    "": "Steering, forms and single lines",
}


@dataclass(frozen=True)
class Reading:
    """One variation as a patient reads it; `when` says when it is said, "" for always."""

    lines: Tuple[str, ...]
    buttons: Tuple[str, ...]
    when: str


@dataclass(frozen=True)
class Source:
    """What a reply rests on: a claim of the clinic's document, a fact of an authority, or the clinic itself."""

    where: str
    words: str = ""
    qualification: str = ""
    authority: bool = False


@dataclass(frozen=True)
class Review:
    """Who answers for a reply's present words, since when, and how we know: "file", "signature" or "own answer"."""

    by: str
    on: date
    how: str


@dataclass(frozen=True)
class Reply:
    """One reply; `own` is the clinic's own answer that is said in its place, `digest` names the present words."""

    name: str
    own: Optional[ClinicAnswer]
    digest: str
    review: Optional[Review]

    @property
    def label(self) -> str:
        """uncovered/cost"""
        return self.name[len("utter_") :]

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return _kind(self.name)

    @property
    def title(self) -> str:
        """What a person calls it: the words on its button, or its name."""
        return topic_title(self.label)

    @property
    def readings(self) -> Tuple[Reading, ...]:
        """Every variation, complete; not in an event loop. The first call of a process loads Rasa: two seconds."""
        return readings(self.name, self.own["text"] if self.own else "")

    @property
    def sources(self) -> List[Source]:
        """What its words rest on."""
        if self.own:
            return [Source("The clinic itself")]
        named = dict.fromkeys(source for variation in variations(self.name) for source in variation["metadata"]["sources"])
        return [source for name in named for source in _source(name)]

    def is_overdue(self, today: date) -> bool:
        """Whether nobody has reviewed the present words, or longer ago than REVIEW_MONTHS."""
        return self.review is None or self.review.on < months_before(today, settings().review_months)


@cache
def names() -> Tuple[str, ...]:
    """The names of all replies, crisis first."""
    found = [f"utter_{path.relative_to(DATA / 'responses').with_suffix('')}" for path in (DATA / "responses").rglob("*.yml")]
    order = list(KINDS)
    return tuple(sorted(found, key=lambda name: (order.index(_kind(name)), name)))


def _kind(name: str) -> str:
    return name[len("utter_") :].split("/")[0] if "/" in name else ""


def book(own: Mapping[str, ClinicAnswer], signatures: Mapping[Tuple[str, str], Tuple[str, date]]) -> List[Reply]:
    """All replies. `own`: the clinic's own answers in force, by topic; `signatures`: by whom and when, by name and digest."""
    return [_reply(name, own.get(name[len("utter_") :]), signatures) for name in names()]


def _reply(name: str, own: Optional[ClinicAnswer], signatures: Mapping[Tuple[str, str], Tuple[str, date]]) -> Reply:
    words = digest(name, own["text"] if own else "")
    signed = Review(*signatures[name, words], how="signature") if (name, words) in signatures else None
    found = [review for review in (signed, _written(own) if own else _header(name)) if review]
    return Reply(name, own, words, max(found, key=lambda review: review.on, default=None))


def _written(own: ClinicAnswer) -> Review:
    return Review(str(own["reviewed_by"]), date.fromisoformat(str(own["reviewed_on"])), "own answer")


@cache
def _header(name: str) -> Optional[Review]:
    """The review that a reply's file names in its header, None when nobody has signed there."""
    head = (DATA / "responses" / f"{name[len('utter_') :]}.yml").read_text(encoding="utf-8").splitlines()[:3]
    said = dict(re.findall(r"^# (Reviewed by|Reviewed on): (.+)$", "\n".join(head), re.M))
    try:
        return Review(said["Reviewed by"].strip(), date.fromisoformat(said["Reviewed on"].strip()), "file")
    except (KeyError, ValueError):
        return None


def digest(name: str, own: str) -> str:
    """SHA-256 of a reply as it is written, with the clinic's `own` text in its place or ""; hexadecimal.

    Without the next topics that it offers: these are signed with their own replies.
    """
    written = [
        {**variation, "metadata": {key: value for key, value in variation["metadata"].items() if key != "next"}}
        for variation in variations(name)
    ]
    return hashlib.sha256(json.dumps([name, written, own], sort_keys=True).encode()).hexdigest()


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _source(name: str) -> List[Source]:
    if name in claims():
        claim = claims()[name]
        qualification = "" if claim["qualification"].startswith("None needed") else claim["qualification"]
        return [Source(f"The clinic's document: {section_labels()[claim['section']]}", claim["claim"], qualification)]
    authority = authorities()[name]
    return [Source(authority["name"], fact, authority=True) for fact in authority["facts"]]


# ---- As patients read it ----


def readings(name: str, own: str = "") -> Tuple[Reading, ...]:
    """The reply `name` as patients read it in each variation; with the text `own` of the clinic in its place, if any.

    Words that only a conversation knows stand as [words in brackets]. Not to be called in an event loop.
    """
    return _readings(name, own, settings())


@lru_cache(maxsize=1024)
def _readings(name: str, own: str, _: Settings) -> Tuple[Reading, ...]:
    found: List[Reading] = []
    turns: Dict[Tuple[str, str], int] = {}
    for variation in variations(name):
        language = variation["metadata"].get("language", "en")
        condition = {each["name"]: each["value"] for each in variation.get("condition", [])}
        turn = turns.setdefault((language, str(condition)), 0)
        turns[language, str(condition)] += 1
        message = asyncio.run(_said(name, own, turn, language, condition))
        reading = Reading(
            tuple(message["text"].split("\n")),
            tuple(button["title"] for button in message.get("buttons") or []),
            _when(language, condition),
        )
        if reading not in found:  # an own text stands in the place of all variations
            found.append(reading)
    return tuple(found)


async def _said(name: str, own: str, turn: int, language: str, condition: Mapping[str, Any]) -> Dict[str, Any]:
    """What is said the `turn`-th time, counted from 0, when the slots fulfill `condition`."""
    from rasa.shared.core.events import BotUttered, UserUttered
    from rasa.shared.core.slots import AnySlot
    from rasa.shared.core.trackers import DialogueStateTracker

    conditions = {each["name"] for variation in variations(name) for each in variation.get("condition", [])}
    slots = [AnySlot(slot, mappings=[], initial_value=condition.get(slot)) for slot in sorted(conditions)]
    events = [BotUttered("", metadata={"utter_action": name}) for _ in range(turn)]
    heard = UserUttered("", parse_data={"language": language, "intent": {"name": "shown"}}, input_channel="staff")
    tracker = DialogueStateTracker.from_events("shown", [*events, heard], slots=slots)
    message: Dict[str, Any] = await _speaker(own).generate(name, tracker, "staff", **unfilled(name))
    return message


@lru_cache(maxsize=64)
def _speaker(own: str) -> Any:
    """Who says replies as the assistant does, but the text `own` in the place of every one, if there is any."""
    from infusion_guide.replies.complete import ReviewedReplies  # Rasa: seconds to import, and only readings need it

    class Speaker(ReviewedReplies):
        @staticmethod
        def own_answer(label: str) -> Optional[ClinicAnswer]:
            return {"text": own} if own else None

    return Speaker()


def unfilled(name: str) -> Dict[str, str]:
    """The braces of a reply that settings do not fill, by what stands in them."""
    braces = {brace for variation in variations(name) for brace in re.findall(r"{(\w+)}", variation["text"])}
    return {brace: f"[{brace.replace('_', ' ')}]" for brace in braces - set(settings().words())}


def _when(language: str, condition: Mapping[str, Any]) -> str:
    said = ["to somebody who writes Spanish"] if language == "es" else []
    for slot, value in condition.items():
        said.append("after a crisis" if (slot, value) == ("careful", True) else f"{slot} is {value}")
    return " and ".join(said)


def digest_of_all(replies: Sequence[Reply], *others: Any) -> str:
    """SHA-256 over every reply's digest and `others` (JSON): a signed printout belongs to the release with the same one."""
    whole = [[reply.digest for reply in replies], *others]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
