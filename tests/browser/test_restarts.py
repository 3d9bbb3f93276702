"""The assistant is killed in the middle of a talk. Twenty times in a row: `python -m tests.browser.restarts --times 20`."""

import pytest

from tests.browser.restarts import WAYS, survives


@pytest.mark.parametrize("way", [way for way in WAYS if way != "before_it_reads"])
def test_nothing_is_lost_or_doubled(talk, assistant, way):
    survives(talk, assistant, way)
