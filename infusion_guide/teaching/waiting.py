"""Sentences that wait for a trial: data/taught/waiting.yml, and what may be written there."""

import fcntl
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import yaml

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.replies import topic
from infusion_guide.replies.book import topic_title
from infusion_guide.storage import taught as room
from infusion_guide.text.cleaning import clean

MOST = 20  # sentences at a time
SHORTEST, LONGEST = 2, 200  # characters
_SHORT = 3  # words: fewer are nobody's own ("hello"), so the measured sentences may hold them, too (tests/test_consistency.py)

_HEADER = """\
# Sentences that staff want the assistant to learn; `make teach` tries them. Written by the staff pages; Rasa does not read it.
# withdraw: a taught sentence that is to be taken out. held: why the last trial did not let it pass.
"""
# Danger is the safety guard's, other languages have their own replies, and a miss is no topic.
_NOT_TAUGHT = ("crisis", "spanish", "other_language", "out_of_scope")
KINDS = {**{kind: title for kind, title in topic.KINDS.items() if kind != "crisis"}, "": "Steering the talk"}


@dataclass(frozen=True)
class Line:
    """A sentence for `topic` (uncovered/cost); `on` is UTC, 2026-11-23T09:05:00.000Z."""

    topic: str
    text: str
    taught_by: str
    on: str
    withdraw: bool = False
    held: str = ""

    @property
    def key(self) -> Tuple[str, str, bool]:
        """What is asked: the same line whoever wrote it, and held or not."""
        return self.topic, self.text, self.withdraw


def utc(seconds: float) -> str:
    """A time (Unix seconds) as lines hold it, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- The file ----


def waiting(project: Path = ROOT) -> List[Line]:
    """Every line that waits, oldest first. Raises ValueError: somebody edited the file and it cannot be read."""
    path = room.folder(project) / room.WAITING
    if not path.exists():
        return []
    known = {field.name for field in fields(Line)}
    try:
        rows = read_yaml(path)["waiting"] or []
        return [Line(**{key: value for key, value in row.items() if key in known}) for row in rows]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"data/taught/{room.WAITING} cannot be read: {type(error).__name__}. Restore it with git.") from None


def add(lines: Iterable[Line], project: Path = ROOT) -> List[Line]:
    """Puts `lines` at the end; returns those that were not there yet (the same words for the same topic)."""
    with _changing(project) as present:
        known = {(line.topic, room.same(line.text), line.withdraw) for line in present}
        fresh = [line for line in lines if (line.topic, room.same(line.text), line.withdraw) not in known]
        present.extend(fresh)
    return fresh


def remove(chosen: Callable[[Line], bool], project: Path = ROOT) -> List[Line]:
    """Takes out the lines that are `chosen`; returns them."""
    with _changing(project) as present:
        gone = [line for line in present if chosen(line)]
        present[:] = [line for line in present if not chosen(line)]
    return gone


def hold(lines: Sequence[Line], why: str, project: Path = ROOT) -> None:
    """Writes to `lines` why a trial did not let them pass."""
    tried = {line.key for line in lines}
    with _changing(project) as present:
        present[:] = [replace(line, held=why) if line.key in tried else line for line in present]


@contextmanager
def _changing(project: Path) -> Iterator[List[Line]]:
    """The lines, to be changed in place; nobody else changes them meanwhile (a lock on the folder)."""
    folder = room.folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = waiting(project)
        before = list(lines)
        yield lines
        if lines != before:
            rows = [{key: value for key, value in asdict(line).items() if value not in ("", False)} for line in lines]
            dumped = yaml.safe_dump({"waiting": rows}, sort_keys=False, allow_unicode=True, width=1000)
            room.replace(folder / room.WAITING, _HEADER + dumped)
    finally:
        os.close(lock)


def can_write(project: Path = ROOT) -> bool:
    """Whether lines can be kept here; in a container they cannot."""
    folder = room.folder(project)
    return os.access(folder if folder.exists() else folder.parent, os.W_OK)


# ---- What may be taught ----


def topics(project: Path = ROOT) -> Dict[str, List[str]]:
    """Labels that may be taught, by kind ("" has those without a topic)."""
    written = [path.read_text(encoding="utf-8") for path in (project / "data" / "nlu").glob("**/*.yml")]
    labels = {label for text in written for label in re.findall(r"^- intent: (\S+)$", text, re.M)}
    found: Dict[str, List[str]] = {kind: [] for kind in KINDS}
    for label in sorted(labels):
        if label.split("/")[0] not in _NOT_TAUGHT:
            found.setdefault(label.split("/")[0] if "/" in label else "", []).append(label)
    return found


class Checks:
    """What is wrong with a sentence that somebody wants to teach. Reads the training sentences once: half a second."""

    def __init__(self, redact: Callable[[str], str], dangerous: Callable[[str], bool], project: Path = ROOT) -> None:
        self._redact, self._dangerous = redact, dangerous
        self._labels = {label for labels in topics(project).values() for label in labels}
        self._trained: Dict[str, str] = {}
        for path in [*sorted((project / "data" / "nlu").glob("**/*.yml")), *room.files(project)]:
            for label, lines in room.sentences(path).items():
                self._trained.update((room.same(line) or line, label) for line in lines)
        self._waiting = {room.same(line.text): line.topic for line in waiting(project) if not line.withdraw}
        self._measured = set()
        for path in sorted((project / "tests").glob("*/**/*.yml")):
            if path.relative_to(project / "tests").parts[0] in ("heldout", "development"):
                entries = read_yaml(path)["sentences"]
                self._measured.update(room.same(entry["text"] if isinstance(entry, dict) else entry) for entry in entries)

    def is_trained(self, text: str, topic: str) -> bool:
        """Whether `topic` knows the sentence already."""
        return self._trained.get(room.same(text) or text) == topic

    def complaint(self, text: str, topic: str) -> Optional[str]:
        """What is wrong with teaching `text` for `topic`, in words for staff; None when nothing is."""
        if topic not in self._labels:
            return "Please choose a topic from the list."
        if not SHORTEST <= len(text) <= LONGEST:
            return f"A sentence has {SHORTEST} to {LONGEST} characters; this one has {len(text)}."
        if re.search(r"[\[\]{}]", text):
            return "Please write something general in place of what stands in brackets, or leave it out."
        if text != clean(text) or not room.same(text):
            return "Please write it in plain words on one line."
        if self._dangerous(text):
            return "This reads like somebody in danger. Such sentences are not taught here: a clinician and the engineer do it."
        if self._redact(text) != text:
            return f"This may tell who somebody is ({self._redact(text)}). Please say it in general words."
        return self._known_elsewhere(text, topic)

    def _known_elsewhere(self, text: str, topic: str) -> Optional[str]:
        other = self._trained.get(room.same(text), topic)
        if other != topic:
            return f"The assistant has learned these very words for the topic {topic_title(other)}. An engineer can move them."
        other = self._waiting.get(room.same(text), topic)
        if other != topic:
            return f"These very words are waiting already, for the topic {topic_title(other)}."
        if room.same(text) in self._measured and len(text.split()) >= _SHORT:
            return (
                "This is one of the sentences that the assistant is measured with. If it were taught, the figures would say "
                "too much. Please write it in other words."
            )
        return None


def tidy(text: str) -> List[str]:
    """The sentences of a text field, one a line; empty lines and doubles left out."""
    found: Dict[str, str] = {}
    for line in text.splitlines():
        sentence = clean(line).lstrip("-/ ")
        if sentence:
            found.setdefault(room.same(sentence) or sentence, sentence)
    return list(found.values())
