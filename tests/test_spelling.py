"""Plain spelling: what is read back into words and what stays as it was written, case by case: tests/verdicts/spelling.yml."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.text.spelling import Speller
from tests.verdicts import cases

TABLE = ROOT / "tests" / "verdicts" / "spelling.yml"
WORDS = {word: count for count, words in read_yaml(TABLE)["words"].items() for word in words.split()}
SPELLER = Speller(WORDS)


@pytest.mark.parametrize("case", cases("spelling", "cases"))
def test_it_is_read(case):
    assert SPELLER.plain(case["written"]) == case["read"], case["why"]


@pytest.mark.parametrize("case", cases("spelling", "stays"))
def test_it_stays(case):
    assert SPELLER.plain(case["written"]) == case["written"], case["why"]


@pytest.mark.parametrize("case", cases("spelling", "cases"))
def test_what_was_read_is_plain(case):
    assert SPELLER.plain(SPELLER.plain(case["written"])) == SPELLER.plain(case["written"])


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text):
    assert isinstance(SPELLER.plain(text), str)


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=8).map(" ".join))
def test_plain_words_stay(text):
    assert SPELLER.plain(text) == text


def test_without_words_nothing_is_guessed():
    assert Speller({}).plain("i w4nt t0 d1e, iwanttodie") == "i w4nt t0 d1e, iwanttodie"
