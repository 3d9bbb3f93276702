"""Tables of cases that a clinician can read and extend: what goes on, what was found, what must follow, and why."""

from pathlib import Path

import pytest

from infusion_guide.clinic.data import read_yaml


def cases(table, part=None):
    """The cases of tests/verdicts/<table>.yml, or of one part of it, as parameters named by what goes on in them."""
    found = read_yaml(Path(__file__).parent / f"{table}.yml")
    return [pytest.param(case, id=case["case"]) for case in (found[part] if part else found)]
