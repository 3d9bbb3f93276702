"""Trains the model when its inputs changed: `python -m infusion_guide.engine.training`."""

import hashlib
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterable, Iterator

from infusion_guide.clinic.settings import ROOT
from infusion_guide.storage import taught as room

MODELS = ROOT / "models"


def inputs(project: Path = ROOT) -> Iterator[Path]:
    """Every file that training reads, in a fixed order."""
    yield project / "config.yml"
    yield project / "domain.yml"
    yield project / "requirements" / "base.txt"
    for folder in ("nlu", "responses", "rules"):
        yield from sorted((project / "data" / folder).glob("**/*.yml"))
    yield from room.files(project)
    for folder in ("nlu", "policies"):
        yield from sorted((project / "infusion_guide" / folder).glob("*.py"))


def fingerprint(project: Path = ROOT) -> str:
    """Sixteen hexadecimal digits that change with any training input."""
    return digest_of(inputs(project), project)


def digest_of(paths: Iterable[Path], project: Path = ROOT) -> str:
    """Sixteen hexadecimal digits that change with the name or content of any of `paths` in `project`."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def model_path(project: Path = ROOT) -> Path:
    """Where the model of the present inputs stands, or will stand."""
    return project / "models" / f"infusion-guide-{fingerprint(project)}.tar.gz"


def ensure_model() -> Path:
    """The fresh model; trains it when it is not there yet (two to four minutes on two cores)."""
    _refuse_untried()
    path = model_path()
    if path.exists():
        return path
    from rasa.model_training import train
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)

    print("Training the assistant. This takes a few minutes, once after each change of data/ or config.yml.", flush=True)
    start = time.time()
    result = train(
        str(ROOT / "domain.yml"),
        str(ROOT / "config.yml"),
        [str(ROOT / "data")],
        output=str(MODELS),
        fixed_model_name=path.name[: -len(".tar.gz")],
        force_training=True,
    )
    if result.code or not path.exists():
        raise SystemExit("Training failed; the messages above name the file to fix.")
    for old in MODELS.glob("infusion-guide-*.tar.gz"):
        if old != path:
            old.unlink()
    print(f"Trained in {time.time() - start:.0f} s: {path.relative_to(ROOT)}", flush=True)
    return path


def _refuse_untried(project: Path = ROOT) -> None:
    """What staff taught is trained only as a trial let it pass; everything else is under version control and `make test`."""
    if room.is_tried(project):
        return
    from infusion_guide.teaching import trial  # it needs this module

    with suppress(trial.Running):
        trial.recover(project)  # finishes a trial that was killed while going live
    if not room.is_tried(project):
        raise SystemExit(
            "data/taught/ holds sentences that no trial let pass. Take them back with git (`git checkout data/taught`) and "
            "teach on the staff pages, or put them into data/taught/waiting.yml and run `make teach`."
        )


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    sys.path.insert(0, str(ROOT))
    ensure_model()
