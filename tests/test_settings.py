"""Settings are read once, checked, and every error names the setting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.settings import SettingError, Settings


def test_defaults_are_enough():
    words = Settings.read({}).words()
    assert words["crisis_line"] == "988" and words["emergency_number"] == "911"
    assert "front desk" in words["clinic_contact"]


def test_phone_and_name_reach_the_words():
    words = Settings.read({"CLINIC_NAME": "Lakeside Clinic", "CLINIC_PHONE": "555-123-4567"}).words()
    assert words["clinic_contact"] == "You can call Lakeside Clinic at 555-123-4567."
    assert "555-123-4567" in words["clinic_contact_es"]


def test_a_phone_number_may_be_written_as_people_write_it():
    for phone in ("555-123-4567", "(555) 123-4567", "+1 (555) 123-4567", "555.123.4567"):
        assert phone in Settings.read({"CLINIC_PHONE": phone}).words()["clinic_contact"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("CLINIC_NAME", " "),
        ("CLINIC_PHONE", "call us"),
        ("EMERGENCY_NUMBER", "nine"),
        ("CRISIS_LINE", "x"),
        ("POISON_HELP", "abc"),
        ("TREATMENT_HELPLINE", "12"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("ACTIONS_PORT", "5005"),
    ],
)
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


@given(st.dictionaries(st.sampled_from([n.upper() for n in Settings.__dataclass_fields__]), st.text(max_size=40)))
def test_any_text_is_a_setting_or_a_clear_error(values):
    try:
        assert Settings.read(values).words()["crisis_line"]
    except SettingError as error:
        assert ".env" in str(error)
