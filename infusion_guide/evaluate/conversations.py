"""Conversations to measure on (tests/conversations/heldout/): what every turn must hold, and how many do."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT

FOLDER = ROOT / "tests" / "conversations" / "heldout"
# Least shares; the most of fallbacks.
TURNS, WHOLE, FALLBACKS = 0.80, 0.50, 0.08

# Common words that tell the language of a line; six words are enough.
_WORDS = {
    "es": frozenset(
        [
            "el",
            "la",
            "los",
            "las",
            "de",
            "que",
            "y",
            "en",
            "un",
            "una",
            "es",
            "por",
            "para",
            "con",
            "se",
            "su",
            "si",
            "usted",
            "al",
            "lo",
            "le",
            "como",
            "puede",
            "llame",
            "está",
        ]
    ),
    "en": frozenset(
        [
            "the",
            "of",
            "and",
            "to",
            "in",
            "is",
            "you",
            "your",
            "for",
            "it",
            "that",
            "can",
            "call",
            "if",
            "or",
            "with",
            "not",
            "on",
            "this",
            "i",
            "are",
            "be",
            "at",
            "from",
        ]
    ),
}


@dataclass(frozen=True)
class Conversation:
    """One conversation; of each of `turns`: `say`, and what may be expected of the reply.

    `kind` one of them is a kind of the turn; `not_kind` none is; `says` every pattern is found; `never` none is; `language` of
    every longer line. Whatever is expected, nothing is said twice word for word.
    """

    id: str
    area: str
    turns: Sequence[Mapping[str, Any]]

    @property
    def says(self) -> List[str]:
        """The patient's messages."""
        return [turn["say"] for turn in self.turns]


@dataclass
class Played:
    """What became of one conversation: turns that were right, of how many; fallbacks and repeats; a line for each fault."""

    area: str
    right: int = 0
    turns: int = 0
    fallbacks: int = 0
    repeats: int = 0
    faults: List[str] = field(default_factory=list)


def conversations(folder: Path = FOLDER) -> List[Conversation]:
    """Every conversation of the folder, a file an area; none where it is missing."""
    return [
        Conversation(str(talk["id"]), path.stem, talk["turns"])
        for path in sorted(folder.glob("*.yml"))
        for talk in read_yaml(path)["talks"]
    ]


def judged(talk: Conversation, outcomes: Sequence[Mapping[str, Any]]) -> Played:
    """`talk` with what `make eval` made of its turns."""
    played, said = Played(talk.area), set()
    for expected, outcome in zip(talk.turns, outcomes):
        faults = list(_faults(expected, outcome))
        first = outcome["reply_text"].strip().lower().partition("\n")[0]
        if first and first in said:
            played.repeats += 1
            faults.append("said before, word for word")
        said.add(first)
        played.turns += 1
        played.right += not faults
        played.fallbacks += outcome["kind"] == "fallback"
        if faults:
            replies = ", ".join(outcome["replies"])
            played.faults.append(f"{talk.id}: {expected['say']!r} -> {replies}: {'; '.join(faults)}")
    return played


def figures(played: Sequence[Played]) -> Tuple[str, bool]:
    """A table by area, and whether the bounds are kept."""
    areas: Dict[str, Counter] = defaultdict(Counter)
    for talk in played:
        for name in (talk.area, "all"):
            areas[name].update(
                turns=talk.turns,
                right=talk.right,
                talks=1,
                whole=talk.right == talk.turns,
                fallbacks=talk.fallbacks,
                repeats=talk.repeats,
            )
    lines = [f"{'area':20} {'turns right':>15} {'talks whole':>15} {'fallbacks':>10} {'repeats':>8}"]
    for name, count in areas.items():
        right, whole = f"{count['right']} of {count['turns']}", f"{count['whole']} of {count['talks']}"
        lines.append(f"{name:20} {right:>15} {whole:>15} {count['fallbacks']:10} {count['repeats']:8}")
    whole = areas["all"]
    holds = (
        whole["right"] >= TURNS * whole["turns"]
        and whole["whole"] >= WHOLE * whole["talks"]
        and whole["fallbacks"] <= FALLBACKS * whole["turns"]
        and not whole["repeats"]
    )
    lines.append(
        f"bounds: turns {TURNS}, whole {WHOLE}, fallbacks at most {FALLBACKS}, no repeat: {'kept' if holds else 'MISSED'}"
    )
    return "\n".join(lines), holds


def _faults(expected: Mapping[str, Any], outcome: Mapping[str, Any]) -> Iterator[str]:
    text, kind = outcome["reply_text"], outcome["kind"]
    if not text.strip():
        yield "silence"
    kinds = {kind, *(name.removeprefix("utter_").partition("/")[0] for name in outcome["replies"] if "/" in name)}
    if "kind" in expected and not kinds & set(expected["kind"]):
        yield f"kind {kind}, not {' or '.join(expected['kind'])}"
    for bad in kinds & set(expected.get("not_kind", [])):
        yield f"kind {bad}"
    for pattern in expected.get("says", []):
        if not re.search(pattern, text, re.IGNORECASE):
            yield f"lacks {pattern[:60]}"
    for pattern in expected.get("never", []):
        if re.search(pattern, text, re.IGNORECASE):
            yield f"holds {pattern[:60]}"
    if "language" in expected and not _speaks(text, expected["language"]):
        yield f"not in {expected['language']}"


def _speaks(text: str, language: str) -> bool:
    lines = [re.findall(r"[^\W\d_]+", line.lower()) for line in text.split("\n")]
    own, other = _WORDS[language], _WORDS["en" if language == "es" else "es"]
    return all(sum((word in own) - (word in other) for word in words) > 0 for words in lines if len(words) >= 6)
