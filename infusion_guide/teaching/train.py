"""Trains the model when its inputs changed: `python -m infusion_guide.teaching.train` (`make train`)."""

import os
from contextlib import suppress
from pathlib import Path

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine.training import ensure_model
from infusion_guide.storage import taught


def finish_killed_trial(project: Path = ROOT) -> None:
    """A trial of taught questions that was killed while going live: what it left half done may not be trained."""
    if not taught.is_tried(project):
        from infusion_guide.teaching import trial  # its second is only for who needs it

        with suppress(trial.Running):
            trial.recover(project)


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    finish_killed_trial()
    ensure_model()
