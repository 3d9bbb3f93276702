"""Rasa's own command line on this engine: `python -m infusion_guide.engine data validate`, `... run actions`, and so on."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    from rasa.__main__ import main

    from infusion_guide.engine.serving import in_one_process

    in_one_process()
    sys.exit(main())
