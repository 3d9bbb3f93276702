"""Labelled sentences to measure on: the project's own files, and outside ones where they are present."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import List

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.replies.topic import Topic

HELDOUT = ROOT / "tests" / "heldout"
DEVELOPMENT = ROOT / "tests" / "development"
OUTSIDE = ROOT.parent / "shared" / "eval"

_OUTSIDE_KINDS = {
    "crisis": "crisis",
    "benign_lookalike": "lookalike",
    "medical_advice": "advice",
    "misuse": "misuse",
    "faq": "faq",
    "chitchat": "chitchat",
    "out_of_scope": "fallback",
}
_OWN_KINDS = {"out_of_scope": "fallback", "spanish_crisis": "crisis"}


@dataclass
class Sentence:
    """A text, the kind it should get, and the topics that are right (empty: any)."""

    text: str
    kind: str
    topics: List[str] = field(default_factory=list)


def own(folder: Path) -> List[Sentence]:
    """Sentences of tests/heldout or tests/development; file names are labels."""
    sentences = []
    for path in sorted(folder.glob("**/*.yml")):
        label = str(path.relative_to(folder).with_suffix(""))
        if label == "two_questions":
            continue
        kind, _, topic = label.partition("/")
        kind = _OWN_KINDS.get(kind, kind if "/" in label else "other")
        for text in read_yaml(path)["sentences"]:
            sentences.append(Sentence(text, kind, [Topic.of(label).widest.name] if topic else []))
    return sentences


def outside(folder: Path = OUTSIDE) -> List[Sentence]:
    """Sentences of a folder `shared/eval` beside the project; an empty list where there is none: they are not ours to keep."""
    sentences = []
    for name, kind in _OUTSIDE_KINDS.items():
        path = folder / f"{name}.jsonl"
        if not path.exists():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            topics = [row["label"], *row.get("alt_labels", [])] if kind == "faq" else []
            sentences.append(Sentence(row["text"], kind, topics))
    return sentences
