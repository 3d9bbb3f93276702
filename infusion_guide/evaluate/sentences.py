"""Labelled sentences to measure on: the project's own files, and outside ones where they are present."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple, Union

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.replies.topic import Topic

Said = Union[str, Sequence[str]]  # one message, or the messages of one conversation
HELDOUT = ROOT / "tests" / "heldout"
DEVELOPMENT = ROOT / "tests" / "development"
OUTSIDE = ROOT.parent / "shared" / "eval"

# What the files of a folder of outsiders' sentences hold.
_OUTSIDE_KINDS = {
    "crisis": "crisis",
    "benign_lookalike": "lookalike",
    "medical_advice": "advice",
    "misuse": "misuse",
    "faq": "faq",
    "uncovered": "uncovered",
    "chitchat": "chitchat",
    "out_of_scope": "fallback",
    "spanish": "spanish",
    "other_language": "other_language",
}
_OWN_KINDS = {
    "out_of_scope": "fallback",
    "spanish_crisis": "spanish_crisis",
    "crisis_outside": "crisis",
    "lookalikes": "lookalike",
    "spanish_topics": "spanish",
}
_FAIR = ("hyperbole_hard", "hyperbole", "history", "grief_stress")  # of look-alikes: a gentle question is fair
_CALM = {"benign", "calm"}


@dataclass(frozen=True)
class Sentence:
    """A text, the kind it should get, and the topics that are right (empty: any).

    `kind`: one of the six, "fallback", "lookalike" (sounds like danger and is none), "spanish_crisis", "spanish_calm",
    "spanish" (whose `topics` are whole labels), "other_language" (a crisis), or "other". `source`: whose sentence it is;
    `family`: what it has in common with others of its file.
    """

    text: str
    kind: str
    topics: Tuple[str, ...] = ()
    source: str = ""
    family: str = ""


def own(folder: Path) -> List[Sentence]:
    """Sentences of tests/heldout or tests/development; file names are labels, unless a sentence names its own."""
    sentences = []
    for path in sorted(folder.glob("**/*.yml")):
        label = str(path.relative_to(folder).with_suffix(""))
        if label == "two_questions":
            continue
        for each in read_yaml(path)["sentences"]:
            written = each if isinstance(each, dict) else {"text": each}
            sentences.append(_own(written, label))
    return sentences


def _own(written: Mapping[str, str], file: str) -> Sentence:
    text, family = written["text"], written.get("why") or written.get("topic") or ""
    if file == "spanish_topics":
        return _spanish(text, [written["label"]], file)
    topic = Topic.of(file)
    kind = _OWN_KINDS.get(file, topic.kind or "other")
    return Sentence(text, kind, (topic.widest.name,) if topic.kind else (), file, family)


def _spanish(text: str, labels: Sequence[str], source: str) -> Sentence:
    labels = [label.replace(":", "/") for label in labels]
    if labels[0].startswith("crisis"):
        return Sentence(text, "spanish_crisis", (), source)
    if labels[0] in _CALM:
        return Sentence(text, "spanish_calm", (), source)
    return Sentence(text, "spanish", tuple(labels), source)


def outside(folder: Path = OUTSIDE) -> List[Sentence]:
    """Sentences of a folder `shared/eval` beside the project; an empty list where there is none: they are not ours to keep."""
    sentences = []
    for name, kind in _OUTSIDE_KINDS.items():
        path = folder / f"{name}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            row = json.loads(line)
            labels, source, family = [row["label"], *row.get("alt_labels", [])], row.get("source", ""), row.get("subtype") or ""
            if kind == "spanish":
                sentences.append(_spanish(row["text"], labels, source))
            elif kind == "other_language" and not labels[0].startswith("crisis"):
                continue
            elif kind == "lookalike" and family in _FAIR:
                sentences.append(Sentence(row["text"], "hyperbole", (), source, family))
            else:
                topics = tuple(label for label in labels if ":" not in label) if kind in ("faq", "uncovered") else ()
                sentences.append(Sentence(row["text"], kind, topics, source, family))
    return sentences
