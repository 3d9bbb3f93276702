"""Settings are read once, checked, and every error names the setting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.clinic import settings as settings_module
from infusion_guide.clinic.settings import SettingError, Settings
from tests.verdicts import cases


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


@pytest.mark.parametrize("case", cases("settings"))
def test_what_a_wrong_setting_is_answered_with(case):
    with pytest.raises(SettingError) as raised:
        Settings.read(case["values"])
    assert str(raised.value) == case["says"]


@pytest.mark.parametrize(
    "values",
    [
        {"PORT": "1", "ACTIONS_PORT": "65535", "SMTP_PORT": "1"},
        {"STAFF_PORT": "1", "PORT": "65535"},
        {"SMTP_PORT": "65535"},
        {"KEEP_CONVERSATIONS_DAYS": "36500"},
        {"KEEP_CONVERSATIONS_DAYS": "1", "REVIEW_MONTHS": "1", "SESSION_HOURS": "1"},
        {"PROXIES": "0"},
        {"DATABASE_URL": "postgresql://x/y"},
        {"DATABASE_URL": "postgresql+psycopg2://x/y"},
        {"REDIS_URL": "redis://x"},
        {"REDIS_URL": "rediss://x"},
        {"ACTIONS_URL": "http://actions:5055"},
        {"STORED_WORDS": "encrypted", "ENCRYPTION_KEY": f"{'A' * 43}= {'B' * 43}="},
        {"STORED_WORDS": "redacted"},
        {"SECRET_KEY": "x" * 32, "REST_TOKEN": "x" * 32, "METRICS_TOKEN": "x" * 32},
        {"HOST": "localhost"},
        {"HOST": "::1"},
        {"CRISIS_LINE": "116123", "EMERGENCY_NUMBER": "0800-111-222"},
        {"TELEGRAM_TOKEN": "x", "TELEGRAM_SECRET": "x" * 16},
        {"TWILIO_ACCOUNT": "x", "TWILIO_TOKEN": "x", "TWILIO_SENDER": "x", "PUBLIC_URL": "https://bot.example.org"},
        {"CLINIC_PHONE": "  "},
    ],
)
def test_a_value_at_its_edge_is_taken(values):
    Settings.read(values)


@pytest.mark.parametrize(
    "text, value", [("true", True), ("YES", True), (" on ", True), ("1", True), ("off", False), ("0", False)]
)
def test_yes_and_no_in_many_words(text, value):
    assert Settings.read({"PRODUCTION": text, "SECRET_KEY": "x" * 32}).production is value


def test_blanks_around_a_value_go_and_an_empty_one_is_none():
    chosen = Settings.read({"CLINIC_NAME": " Lakeside ", "PORT": "", "ALLOWED_ORIGINS": "https://a.example  https://b.example"})
    assert (chosen.clinic_name, chosen.port) == ("Lakeside", 5005)
    assert chosen.origins == ("https://a.example", "https://b.example")


def test_the_words_of_replies_with_and_without_a_phone():
    numbers = {
        "keep_requests_days": "180",
        "emergency_number": "911",
        "crisis_line": "988",
        "poison_help": "1-800-222-1222",
        "treatment_helpline": "1-800-662-4357",
        "domestic_violence_hotline": "1-800-799-7233",
    }
    assert Settings().words() == {
        "clinic_name": "the clinic",
        "clinic_contact": "Please contact the front desk at the clinic.",
        "clinic_contact_es": "Para otras preguntas, llame a la recepción de la clínica.",
        "clinic_contact_short": "contact the front desk at the clinic",
        **numbers,
    }
    assert Settings(clinic_name="Lakeside", clinic_phone="555-123-4567").words() == {
        "clinic_name": "Lakeside",
        "clinic_contact": "You can call Lakeside at 555-123-4567.",
        "clinic_contact_es": "Puede llamar a Lakeside al 555-123-4567.",
        "clinic_contact_short": "call Lakeside at 555-123-4567",
        **numbers,
    }
    assert Settings(clinic_name="Lakeside").words()["clinic_contact_short"] == "contact the front desk of Lakeside"


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("CLINIC_NAME=From the file\nCLINIC_PHONE=555-010-0142\n")
    monkeypatch.setattr(settings_module, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setenv("CLINIC_NAME", "From outside")
    chosen = settings_module.settings.__wrapped__()
    assert (chosen.clinic_name, chosen.clinic_phone) == ("From outside", "555-010-0142")


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
