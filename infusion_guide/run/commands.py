"""The commands of the servers, what they need in their environment, and where this machine reaches them."""

import os
import sys
from pathlib import Path
from typing import Dict, List

from infusion_guide.clinic.settings import Settings

_OURS = [sys.executable, "-W", "ignore", "-m"]


def environment(chosen: Settings) -> Dict[str, str]:
    """What our processes need in their environment: the setting that endpoints.yml names, telemetry off."""
    return {
        "OPENBLAS_NUM_THREADS": "1",  # one core a process; more cores are for more assistants (docs/scaling.md)
        **os.environ,
        "DATABASE_URL": chosen.database_url,
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONWARNINGS": "ignore",
    }


def assistant(model: Path) -> List[str]:
    """The assistant of `model`, on HOST and PORT."""
    return role("assistant", str(model))


def role(name: str, *words: str) -> List[str]:
    """One role of `python -m infusion_guide.run`, see __main__.py."""
    return [*_OURS, "infusion_guide.run", name, *words]


def training() -> List[str]:
    """Trains the model when its inputs changed."""
    return [*_OURS, "infusion_guide.teaching.train"]


def local_url(chosen: Settings, port: int = 0) -> str:
    """Where this machine reaches the assistant (or what listens on `port`), also when it listens on every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host, chosen.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port or chosen.port}"
