"""Trains the model when its inputs changed: `python -m infusion_guide.teaching.train` (`make train`).

A trial of taught questions that was killed while going live is finished first: what it left half done may not be trained.
"""

import os
from contextlib import suppress

from infusion_guide.engine.training import ensure_model
from infusion_guide.storage import taught

if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    if not taught.is_tried():
        from infusion_guide.teaching import trial  # its second is only for who needs it

        with suppress(trial.Running):
            trial.recover()
    ensure_model()
