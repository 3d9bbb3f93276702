"""Trains the model when its inputs changed: `python -m infusion_guide.train`."""

import hashlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Iterator

from infusion_guide.settings import ROOT

MODELS = ROOT / "models"


def inputs() -> Iterator[Path]:
    """Every file that training reads, in a fixed order."""
    yield ROOT / "config.yml"
    yield ROOT / "domain.yml"
    yield ROOT / "requirements" / "base.txt"
    for room in ("nlu", "responses", "rules"):
        yield from sorted((ROOT / "data" / room).glob("**/*.yml"))
    for folder in ("nlu", "policies"):
        yield from sorted((ROOT / "infusion_guide" / folder).glob("*.py"))


def fingerprint() -> str:
    """Sixteen hexadecimal digits that change with any training input."""
    digest = hashlib.sha256()
    for path in inputs():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def model_path() -> Path:
    """Where the model of the present inputs stands, or will stand."""
    return MODELS / f"infusion-guide-{fingerprint()}.tar.gz"


def ensure_model() -> Path:
    """The fresh model; trains it when it is not there yet (two to four minutes on two cores)."""
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


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    sys.path.insert(0, str(ROOT))
    ensure_model()
