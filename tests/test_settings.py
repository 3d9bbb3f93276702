"""Settings are read once, checked, and every error names the setting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.clinic.settings import SettingError, Settings


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
        ("STAFF_PORT", "5005"),
        ("STAFF_PORT", "5005"),
        ("CLINIC_HOURS", "Mon-Fri"),
        ("CLINIC_HOURS", "nine to five"),
        ("CLINIC_TIMEZONE", "Atlantis"),
        ("CLINIC_TIMEZONE", "../../etc/passwd"),
        ("CLINIC_HOLIDAYS", "Christmas"),
        ("CLINIC_HOLIDAYS", "US-ZZ"),
        ("CLINIC_COUNTRY", "us"),
        ("STAFF_URL", "https://bot.example.org/staff"),
        ("STAFF_SESSION_MINUTES", "0"),
    ],
)
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


@pytest.mark.parametrize("secret", [None, "", " ", "x" * 31])
def test_nothing_is_served_to_others_without_a_secret(secret):
    values = {"PRODUCTION": "true", "HOST": "0.0.0.0", **({} if secret is None else {"SECRET_KEY": secret})}
    with pytest.raises(SettingError, match="SECRET_KEY is (missing|shorter)"):
        Settings.read(values)
    assert Settings.read({**values, "SECRET_KEY": "x" * 32}).production
    with pytest.raises(SettingError, match="PRODUCTION=true"):
        Settings.read({**values, "SECRET_KEY": "x" * 32, "PRODUCTION": "false"})


MAIL = {"NOTICE_EMAIL": "front.desk@clinic.example", "SMTP_HOST": "mail.clinic.example"}


@pytest.mark.parametrize(
    "values, word",
    [
        ({"NOTICE_EMAIL": "front.desk@clinic.example"}, "SMTP_HOST is missing"),
        ({"SMTP_HOST": "mail.clinic.example"}, "NOTICE_EMAIL is missing"),
        ({**MAIL, "NOTICE_EMAIL": "front.desk@clinic.example desk"}, "NOTICE_EMAIL names 'desk'"),
        ({**MAIL, "NOTICE_EMAIL": "a@b.example,c@d.example"}, "NOTICE_EMAIL names"),
        ({**MAIL, "NOTICE_FROM": "Front Desk <a@b.example>"}, "NOTICE_FROM names"),
        ({**MAIL, "NOTICE_FROM": "a@b.example c@d.example"}, "NOTICE_FROM holds more"),
        ({**MAIL, "SMTP_HOST": "smtp://mail.clinic.example:25"}, "SMTP_HOST is the name"),
        ({**MAIL, "SMTP_PORT": "0"}, "SMTP_PORT"),
        ({**MAIL, "SMTP_SECURITY": "ssl"}, "SMTP_SECURITY is 'ssl'"),
        ({**MAIL, "SMTP_USER": "bot"}, "SMTP_PASSWORD is missing"),
        ({**MAIL, "SMTP_PASSWORD": "secret"}, "SMTP_USER is missing"),
        ({**MAIL, "SMTP_USER": "bot", "SMTP_PASSWORD": "secret", "SMTP_SECURITY": "none"}, "readable"),
        ({"NOTICE_WEBHOOK": "staff.example"}, "NOTICE_WEBHOOK is not"),
    ],
)
def test_mail_is_set_up_whole_or_not_at_all(values, word):
    with pytest.raises(SettingError, match=word) as raised:
        Settings.read(values)
    assert ".env" in str(raised.value) and "secret" not in str(raised.value)


def test_a_whole_set_up_of_hours_and_mail():
    hours = {"CLINIC_HOURS": "Mon-Fri 9-17", "CLINIC_TIMEZONE": "America/Chicago", "CLINIC_HOLIDAYS": "US-IL 2026-12-24"}
    login = {"SMTP_USER": "bot", "SMTP_PASSWORD": "secret", "SMTP_SECURITY": "tls", "STAFF_URL": "https://bot.example.org"}
    assert Settings.read({**hours, **MAIL, **login, "CLINIC_COUNTRY": "CA"}).clinic_country == "CA"
    on_this_machine = {"SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none", "NOTICE_EMAIL": "a@b.example c@localhost"}
    assert Settings.read({**login, **on_this_machine}).smtp_user == "bot"


@given(st.dictionaries(st.sampled_from([n.upper() for n in Settings.__dataclass_fields__]), st.text(max_size=40)))
def test_any_text_is_a_setting_or_a_clear_error(values):
    try:
        assert Settings.read(values).words()["crisis_line"]
    except SettingError as error:
        assert ".env" in str(error)
