"""The room data/taught/: sentences that staff taught and a trial let pass. Only `make teach` writes here.

`<kind>/<topic>.yml` are training files; `tried.yml` holds the digest of what the last trial let pass, so that nothing is
trained that was never tried; `waiting.yml` holds what waits for a trial (waiting.py).
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Dict, Iterator, List

import yaml

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT

WAITING = "waiting.yml"
_TRIED = "tried.yml"
_TRIED_HEADER = """\
# What the last `make teach` let pass: the digest of all sentences in this folder. `make train` and `make run` refuse others.
# Written by `make teach`; a merge of two branches that both taught is tried again (git checkout one side, then make teach).
"""
_FILE_HEADER = """\
# Purpose: what staff taught for {label}, from missed questions
# Written by: `make teach`, which tried it; never by hand
version: "3.1"
nlu:
- intent: {label}
  examples: |
"""


def folder(project: Path = ROOT) -> Path:
    """The room of the project in `project`."""
    return project / "data" / "taught"


def files(project: Path = ROOT) -> Iterator[Path]:
    """The room's training files, in a fixed order."""
    found = sorted(folder(project).glob("**/*.yml"))
    yield from (path for path in found if path.parent != folder(project) or path.name not in (WAITING, _TRIED))


def same(text: str) -> str:
    """The text as two people would call it the same sentence: letters and digits only, lower case."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def sentences(path: Path) -> Dict[str, List[str]]:
    """The sentences of one training file by label."""
    found: Dict[str, List[str]] = {}
    for block in read_yaml(path)["nlu"]:
        lines = [line[2:].strip() for line in block["examples"].splitlines() if line.strip()]
        found.setdefault(block["intent"], []).extend(lines)
    return found


def taught(project: Path = ROOT) -> Dict[str, List[str]]:
    """What stands in the room: sentences by label."""
    found: Dict[str, List[str]] = {}
    for path in files(project):
        for label, lines in sentences(path).items():
            found.setdefault(label, []).extend(lines)
    return found


def is_tried(project: Path = ROOT) -> bool:
    """Whether a trial let pass exactly what stands in the room."""
    path = folder(project) / _TRIED
    known = read_yaml(path)["digest"] if path.exists() else _digest({})
    return bool(known == _digest(taught(project)))


def write(wanted: Dict[str, List[str]], project: Path = ROOT) -> None:
    """Makes the room hold `wanted`, sentences by label, as tried. Done twice it does no harm; `tried.yml` comes last."""
    keep = set()
    for label, lines in sorted(wanted.items()):
        if lines:
            path = folder(project) / f"{label}.yml"
            keep.add(path)
            replace(path, _FILE_HEADER.format(label=label) + "".join(f"    - {line}\n" for line in lines))
    for path in list(files(project)):
        if path not in keep:
            path.unlink()
    record = yaml.safe_dump({"digest": _digest(taught(project))})
    replace(folder(project) / _TRIED, _TRIED_HEADER + record)


def replace(path: Path, text: str) -> None:
    """Writes a file so that a reader finds the old text or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _digest(wanted: Dict[str, List[str]]) -> str:
    """Of the sentences, not of the files' bytes: a checkout with other line ends is the same room."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
