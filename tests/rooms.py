"""Reads the rooms as plain YAML, for tests that need no model."""

from pathlib import Path
from typing import Dict, List

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu.followups import followups
from infusion_guide.replies.topic import KINDS
from infusion_guide.storage import taught as room
from infusion_guide.storage.taught import same

RETRIEVAL = tuple(KINDS)


def label_of(path: Path, room: Path) -> str:
    """faq/depression for data/nlu/faq/depression.yml."""
    return str(path.relative_to(room).with_suffix(""))


def files(*parts: str) -> List[Path]:
    """Every YAML file of a folder of the project, sorted."""
    return sorted(ROOT.joinpath(*parts).glob("**/*.yml"))


def trained() -> Dict[str, List[str]]:
    """Training sentences by label, all languages, also what staff taught."""
    found: Dict[str, List[str]] = {}
    for path in [*files("data", "nlu"), *room.files()]:
        for label, lines in room.sentences(path).items():
            found.setdefault(label, []).extend(lines)
    return found


def followed() -> Dict[str, List[str]]:
    """What is said after a reply (data/followups/), by the label that answers it."""
    found: Dict[str, List[str]] = {}
    for example in followups():
        found.setdefault(example.label, []).append(example.text)
    return found


def responses() -> Dict[str, List[dict]]:
    """Variations by reply name."""
    found: Dict[str, List[dict]] = {}
    for path in files("data", "responses"):
        found.update(read_yaml(path)["responses"])
    return found


def measured(folder: str) -> Dict[str, List[str]]:
    """Sentences of tests/heldout or tests/development by label."""
    found = {}
    for path in files("tests", folder):
        sentences = read_yaml(path)["sentences"]
        found[label_of(path, ROOT / "tests" / folder)] = [s["text"] if isinstance(s, dict) else s for s in sentences]
    return found


def domain() -> dict:
    """domain.yml."""
    return read_yaml(ROOT / "domain.yml")


__all__ = [
    "DATA",
    "RETRIEVAL",
    "ROOT",
    "domain",
    "files",
    "followed",
    "label_of",
    "measured",
    "read_yaml",
    "responses",
    "same",
    "trained",
]
