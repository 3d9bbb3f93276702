"""Medicines by name, case by case as a clinician reads them: tests/verdicts/medicines.yml."""

import pytest

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu import encoder
from infusion_guide.nlu.gate import _OF_KETAMINE
from infusion_guide.nlu.medicines import named
from tests.rooms import measured, trained
from tests.verdicts import cases


@pytest.mark.parametrize("case", cases("medicines"))
def test_it_names(case):
    assert [group for group, found in named(case["says"])._asdict().items() if found] == case["names"], case["why"]


def test_no_name_stands_in_two_groups():
    groups = read_yaml(DATA / "medicines.yml")
    for first in groups:
        assert len(groups[first]) == len(set(groups[first])), f"data/medicines.yml, {first}: a name stands there twice"
        for second in groups:
            assert first == second or not set(groups[first]) & set(groups[second]), f"data/medicines.yml: {first} and {second}"


@pytest.mark.parametrize("group", ["ketamine", "street", "recovery", "others"])
def test_every_name_is_found_as_it_is_listed(group):
    for name in read_yaml(DATA / "medicines.yml")[group]:
        assert getattr(named(name), {"others": "other"}.get(group, group)), name


def test_words_that_mean_something_else_to_patients_are_no_medicines():
    for name in read_yaml(DATA / "medicines.yml")["not_medicines"]:
        assert not named(name).other, name


def test_a_question_about_ketamine_is_not_taken_for_one_about_another_medicine():
    """Hardly a sentence on what ketamine is for names another medicine and not ketamine; what does compares "this" with it."""
    sentences = [*trained().items(), *measured("development").items(), *measured("heldout").items()]
    about = [text for label, texts in sentences if label in _OF_KETAMINE for text in texts]
    other = [text for text in about if named(text).other and not named(text).ketamine]
    assert len(other) <= 0.015 * len(about), other


def test_a_swapped_dictionary_does_not_load(monkeypatch):
    monkeypatch.setitem(encoder._FILES, ("drug_named_entity_recognition", "drug_ner_dictionary.pkl.bz2"), "0" * 64)
    with pytest.raises(encoder.EncoderError, match="is not the reviewed file"):
        encoder.verified("drug_named_entity_recognition", "drug_ner_dictionary.pkl.bz2")
