"""The project's tests."""

import infusion_guide  # noqa: F401  before any test imports Rasa or spaCy (infusion_guide/engine/compat.py)
