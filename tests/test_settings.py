"""Settings are read once, checked, and every error says which setting, what is wrong, and where to mend it."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.channels.platforms import platforms
from infusion_guide.clinic import settings as module
from infusion_guide.clinic.settings import PLATFORMS, SettingError, Settings
from tools import settings_docs

FIELDS = {field.name.upper(): field for field in fields(Settings)}
SECRET = [name for name in FIELDS if name.endswith(("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")) or name == "DATABASE_URL"]
LONG = "x" * 32
KEY = "A" * 43 + "="
MAIL = {"NOTICE_EMAIL": "front.desk@clinic.example", "SMTP_HOST": "mail.clinic.example"}
SIGN_IN = {"SMTP_USER": "bot", "SMTP_PASSWORD": "hush-hush"}

PORTS = ("PORT", "STAFF_PORT", "SMTP_PORT")
LIMITS = ("VISITOR_MESSAGES_PER_MINUTE", "VISITOR_MESSAGES_PER_DAY", "ADDRESS_MESSAGES_PER_MINUTE", "MESSAGES_PER_SECOND")
SPANS = ("SESSION_HOURS", "STAFF_SESSION_MINUTES", "REVIEW_MONTHS")
DAYS = ("KEEP_CONVERSATIONS_DAYS", "KEEP_REQUESTS_DAYS", "KEEP_COUNTS_DAYS")
COUNTS = (*LIMITS, *SPANS, *DAYS)
KEYS = ("SECRET_KEY", "REST_TOKEN", "METRICS_TOKEN")
DIALLED = ("EMERGENCY_NUMBER", "CRISIS_LINE", "DOMESTIC_VIOLENCE_TEXT")
HOTLINES = (
    "POISON_HELP",
    "TREATMENT_HELPLINE",
    "DOMESTIC_VIOLENCE_HOTLINE",
    "DOMESTIC_VIOLENCE_TTY",
    "CHILD_ABUSE_HOTLINE",
)
APIS = ("TELEGRAM_API", "SLACK_API", "META_API", "TWILIO_API")
FIX = "Fix it in .env."
MAKE = "Put at least 32 random characters in .env, for example the output of `openssl rand -hex 32`."

# Settings, wrong values, and what follows the setting's name in the message; {last} is the last word of the value.
WRONG = [
    (["CLINIC_NAME"], [" "], " is empty. Write the clinic's name in .env, or remove the line."),
    (
        ["CLINIC_PHONE"],
        ["call us", "12345", "5" * 29, "555-1234 ext. 5", "++1 555-123-4567", "-555-123", "555-123-4567\n911"],
        " is '{value}', which is not a phone number. Write it in .env as patients should read it, for example 555-123-4567.",
    ),
    (DIALLED, ["9", "nine", "9-1-1", "call 988"], f" is '{{value}}', which cannot be dialled. {FIX}"),
    (HOTLINES, ["911", "abc", "1-800-222-1222x"], f" is '{{value}}', which is not a phone number. {FIX}"),
    (
        ["CRISIS_CHAT"],
        ["https://988lifeline.org", "988", "a chat.org", "-"],
        " is '{value}'; write it in .env as people say it, for example 988lifeline.org/chat.",
    ),
    (["CLINIC_HOURS"], ["Mon-Fri"], f": Monday has no times. Write them after the days: Mon-Fri 9:00-17:00. {FIX}"),
    (
        ["CLINIC_HOURS"],
        ["nine to five"],
        f": '{{value}}' cannot be read. Write hours such as Mon-Fri 9:00-17:00, Sat 9:00-12:00. {FIX}",
    ),
    (["LANGUAGE"], ["fr", "en,es"], " is '{value}'; it is en or es. Fix it in .env."),
    (["CLINIC_LANGUAGES"], ["es", "en, es"], " is '{value}'; it is en or en,es. Fix it in .env."),
    (
        ["CLINIC_TIMEZONE"],
        ["Atlantis", "../../etc/passwd"],
        f": '{{value}}' is no time zone. Write one such as America/New_York or America/Chicago. {FIX}",
    ),
    (
        ["CLINIC_HOLIDAYS"],
        ["Christmas", "US us"],
        f": '{{last}}' is neither a date (2026-12-24) nor a country (US) nor a part of one (US-NY), in capital letters. {FIX}",
    ),
    (
        ["CLINIC_HOLIDAYS"],
        ["US-ZZ"],
        f": The holidays of '{{value}}' are not known. Write their dates, for example 2026-12-25. {FIX}",
    ),
    (["CLINIC_COUNTRY"], ["us", "ZZ", "USA"], f" is '{{value}}'; it is a country in two capital letters, such as US. {FIX}"),
    (PORTS, ["0", "-1", "65536"], f" is {{value}}; a port is a number from 1 to 65535. {FIX}"),
    (COUNTS, ["0", "-5"], f" is {{value}}; it must be at least 1. {FIX}"),
    ([*PORTS, *COUNTS, "PROXIES"], ["many", "1.5"], f" is '{{value}}', which is not a whole number. {FIX}"),
    (["KEEP_CONVERSATIONS_DAYS"], ["36501"], f" is more than a hundred years. {FIX}"),
    (["PROXIES"], ["-1"], f" is the number of reverse proxies before the assistant: 0 or more. {FIX}"),
    (
        ["PRODUCTION", "STAFF_SECOND_FACTOR", "SERVE_UNSIGNED"],
        ["maybe", "truefalse"],
        f" is '{{value}}'; it is true or false. {FIX}",
    ),
    (
        ["ACTIONS_URL"],
        ["actions:5055", "http://actions:5055/", "ftp://actions", "http://a b"],
        f" is an address such as http://actions:5055, without a path. {FIX}",
    ),
    (
        ["STAFF_URL", "PUBLIC_URL"],
        ["https://bot.example.org/staff", "https://bot.example.org/", "bot.example.org", "https://", "see https://a"],
        f" is an address such as https://bot.example.org, without a path. {FIX}",
    ),
    (
        ["ALLOWED_ORIGINS"],
        ["www.example.org", "ftp://a.example", "https://a.example https://b.example/page"],
        " names '{last}', which is not an origin. Write addresses such as https://www.example.org in .env, separated by blanks, "
        "without a path.",
    ),
    (KEYS, ["x" * 31], f" is shorter than 32 characters. {MAKE}"),
    (
        ["DATABASE_URL"],
        ["mysql://a/b", "conversations.db", "POSTGRESQL://a/b", "a sqlite:///b"],
        f" begins with sqlite:/// or postgresql://. {FIX}",
    ),
    (
        ["DATABASE_URL"],
        ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:"],
        f" names no file, so nothing would be kept. {FIX}",
    ),
    (
        ["REDIS_URL"],
        ["localhost:6379", "http://localhost", "my redis://a"],
        f" begins with redis:// or rediss://. {FIX[:-1]}, or remove the line.",
    ),
    (["STORED_WORDS"], ["Plain", "red"], f" is '{{value}}'; it is plain, redacted or encrypted. {FIX}"),
    (
        ["ENCRYPTION_KEY"],
        ["A" * 44, KEY + "A", f"{KEY} {'A' * 42}=", f"{'!' * 43}="],
        " holds something that is no key. `make key` prints one for .env; several are separated by blanks, the newest first.",
    ),
    (
        ["NOTICE_WEBHOOK"],
        ["staff.example", "ftp://staff.example", "https://a b", "https://"],
        " is not a web address. Write one in .env that begins with https:// or http://.",
    ),
    (APIS, ["api.example", "https://a b"], " is not a web address. Remove the line from .env."),
    (
        ["TELEGRAM_SECRET"],
        ["x" * 15, "x" * 257, "x" * 15 + "!", "x" * 16 + " y"],
        " in .env has 16 to 256 letters, digits, _ or -. For example: openssl rand -hex 32",
    ),
    (
        ["NOTICE_EMAIL", "NOTICE_FROM"],
        ["front.desk@clinic.example desk", "a@b.example,c@d.example", "<a@b.example>", "@b.example", "a@", "a@b..example"],
        f" names '{{last}}', which is not an e-mail address. {FIX}",
    ),
    (
        ["NOTICE_EMAIL", "NOTICE_FROM"],
        ["x" * 65 + "@b.example", "a@" + "x" * 64, "a@" + "x" * 64 + ".example"],
        f" names '{{value}}', which is not an e-mail address. {FIX}",
    ),
    (
        ["NOTICE_FROM"],
        ["a@b.example c@d.example"],
        " holds more than one address. Write one in .env: just name@example.org.",
    ),
    (
        ["SMTP_HOST"],
        ["smtp://mail.example:25", "mail.example:25", "-mail", "mail-", "a b", "[::1]"],
        f" is the name of a mail server, such as mail.example.org, and no more. {FIX}",
    ),
    (["SMTP_SECURITY"], ["ssl"], f" is '{{value}}'; it is starttls, tls or none. {FIX}"),
]
EACH_WRONG = [(name, value, words) for names, values, words in WRONG for name in names for value in values]

# Settings and values that are accepted, among them the last ones before they are wrong.
RIGHT = [
    (["CLINIC_NAME"], ["Lakeside Clinic"]),
    (
        ["CLINIC_PHONE"],
        ["555-123-4567", "(555) 123-4567", "+1 (555) 123-4567", "555.123.4567", "123456", "5" * 28, "+123 555/123"],
    ),
    (DIALLED, ["11", "112", "123456", "1-800-273-8255"]),
    (HOTLINES, ["1-800-222-1223"]),
    (["CRISIS_CHAT"], ["988lifeline.org", "help.example.org/chat/now"]),
    (["CLINIC_HOURS"], ["Mon-Fri 9-17"]),
    (["CLINIC_TIMEZONE"], ["America/Chicago"]),
    (["LANGUAGE"], ["es"]),
    (["CLINIC_LANGUAGES"], ["en,es"]),
    (["CLINIC_HOLIDAYS"], ["US-IL 2026-12-24"]),
    (["CLINIC_COUNTRY"], ["CA"]),
    (PORTS, ["1", "65535"]),
    (COUNTS, ["1", "36500"]),
    (["KEEP_REQUESTS_DAYS", "KEEP_COUNTS_DAYS"], ["36501"]),
    (["PROXIES"], ["0", "2"]),
    (["PRODUCTION"], ["false"]),
    (["STAFF_SECOND_FACTOR", "SERVE_UNSIGNED"], ["true", "false"]),
    (["ACTIONS_URL"], ["http://actions:5055"]),
    (["STAFF_URL", "PUBLIC_URL"], ["https://bot.example.org", "http://localhost:8080"]),
    (["ALLOWED_ORIGINS"], ["https://a.example http://b.example:8080"]),
    (KEYS, [LONG]),
    (["DATABASE_URL"], ["sqlite:///a.db", "postgresql://u:p@h/d", "postgresql+psycopg2://u@h/d"]),
    (["REDIS_URL"], ["redis://localhost:6379/0", "rediss://localhost"]),
    (["STORED_WORDS"], ["plain", "redacted"]),
    (["ENCRYPTION_KEY"], [KEY, f"{KEY} {'_-' * 21}z="]),
    (["NOTICE_WEBHOOK"], ["https://staff.example/hook?a=b", "http://10.0.0.1"]),
    (APIS, ["http://127.0.0.1:9/x"]),
    (["NOTICE_FROM"], ["o'hara+desk@localhost", "x" * 64 + "@" + "y" * 63 + ".example"]),
    (["SMTP_SECURITY"], ["starttls", "tls", "none"]),
]
EACH_RIGHT = [(name, value) for names, values in RIGHT for name in names for value in values]

PLATFORM_NAMES = {platform.__name__: [field.name.upper() for field in fields(platform)] for platform in PLATFORMS}

# Settings that do not go together, the message, and what mends them.
AGAINST_EACH_OTHER = [
    ({"PORT": "5056"}, "PORT and STAFF_PORT are the same. Give each its own number in .env.", {"STAFF_PORT": "5005"}),
    (
        {"STORED_WORDS": "encrypted"},
        "STORED_WORDS is encrypted, but ENCRYPTION_KEY is missing. `make key` prints one for .env.",
        {"ENCRYPTION_KEY": KEY},
    ),
    (
        dict.fromkeys(PLATFORM_NAMES["SMS"], "x"),
        "Text messages need PUBLIC_URL: Twilio signs the address that it calls. Fill it in in .env.",
        {"PUBLIC_URL": "https://bot.example.org"},
    ),
    *(
        (
            {there: MAIL[there]},
            f"{there} is set, but {missing} is missing: e-mail needs both. Fill it in in .env.",
            {missing: MAIL[missing]},
        )
        for there, missing in (("NOTICE_EMAIL", "SMTP_HOST"), ("SMTP_HOST", "NOTICE_EMAIL"))
    ),
    *(
        (
            {**MAIL, there: "hush-hush"},
            f"The sign-in to the mail server is there in part: {missing} is missing. Fill it in in .env.",
            {missing: "hush-hush"},
        )
        for there, missing in (("SMTP_USER", "SMTP_PASSWORD"), ("SMTP_PASSWORD", "SMTP_USER"))
    ),
    *(
        (
            {**MAIL, **SIGN_IN, "SMTP_SECURITY": "none"},
            "SMTP_SECURITY is none, so SMTP_PASSWORD would cross the network readable. Set it to starttls or tls in .env.",
            mend,
        )
        for mend in (
            {"SMTP_SECURITY": "tls"},
            {"SMTP_SECURITY": "starttls"},
            {"SMTP_USER": "", "SMTP_PASSWORD": ""},
            {"SMTP_HOST": "localhost"},
            {"SMTP_HOST": "127.0.0.1"},
            {"SMTP_HOST": "::1"},
        )
    ),
    (
        {"PRODUCTION": "true"},
        f"PRODUCTION is on, but SECRET_KEY is missing. {MAKE}",
        {"SECRET_KEY": LONG},
    ),
    *(
        (
            {"HOST": host},
            f"HOST is {host}, so others could reach the assistant. Set PRODUCTION=true (and what it asks for) in .env.",
            mend,
        )
        for host in ("0.0.0.0", "::", "192.168.1.5")
        for mend in (
            {"PRODUCTION": "true", "SECRET_KEY": LONG},
            {"HOST": "localhost"},
            {"HOST": "127.0.0.1"},
            {"HOST": "::1"},
        )
    ),
]


def complaint(values):
    with pytest.raises(SettingError) as raised:
        Settings.read(values)
    return str(raised.value)


def test_defaults_are_enough():
    words = Settings.read({}).words()
    assert words["crisis_line"] == "988" and words["emergency_number"] == "911"
    assert "front desk" in words["clinic_contact"]


@pytest.mark.parametrize("name, value, words", EACH_WRONG, ids=repr)
def test_a_wrong_value_is_named(name, value, words):
    said = complaint({name: value})
    assert said == name + words.format(value=value, last=value.split(" ")[-1])
    assert name not in SECRET or value not in said


@pytest.mark.parametrize("name, value", EACH_RIGHT, ids=repr)
def test_the_last_value_before_a_wrong_one_is_taken(name, value):
    assert str(getattr(Settings.read({name: value}), name.lower())).lower() == value.lower()


@pytest.mark.parametrize("host", ["mail.clinic.example", "m", "mail-1", "10.0.0.1", "fe80::1"])
def test_a_mail_server_is_a_name_or_an_address(host):
    assert Settings.read({**MAIL, "SMTP_HOST": host}).smtp_host == host


@pytest.mark.parametrize("addresses", ["a@b.example", "a@b.example c@localhost"])
def test_several_may_get_the_notices(addresses):
    assert Settings.read({**MAIL, "NOTICE_EMAIL": addresses}).notice_email == addresses


@pytest.mark.parametrize("secret", ["x" * 16, "x" * 256, "aZ09_-" * 3])
def test_a_secret_for_telegram_has_its_letters(secret):
    assert Settings.read({"TELEGRAM_TOKEN": "x", "TELEGRAM_SECRET": secret}).telegram_secret == secret


def test_every_form_is_tried_from_both_sides():
    has_a_form = {name for name, field in FIELDS.items() if field.metadata["checks"] or not isinstance(field.default, str)}
    assert {name for name, _, _ in EACH_WRONG} == has_a_form
    assert {name for name, _ in EACH_RIGHT} == has_a_form - {
        "SMTP_HOST",
        "NOTICE_EMAIL",
        "TELEGRAM_SECRET",
    }  # these go with others


@pytest.mark.parametrize("values, words, mend", AGAINST_EACH_OTHER)
def test_what_does_not_go_together_is_told_and_can_be_mended(values, words, mend):
    assert complaint(values) == words
    assert Settings.read({**values, **mend})


@pytest.mark.parametrize("platform, names", PLATFORM_NAMES.items())
def test_a_platform_is_set_up_whole_or_not_at_all(platform, names):
    whole = {**dict.fromkeys(names, LONG), "PUBLIC_URL": "https://bot.example.org"}
    assert all(getattr(Settings.read(whole), name.lower()) == LONG for name in names)
    for name in names:
        for values, missing in (({**whole, name: ""}, [name]), ({name: LONG}, [other for other in names if other != name])):
            assert complaint(values) == (
                f"{platform} is set up in part: {' and '.join(missing)} is missing. Fill it in in .env, or remove "
                f"{platform}'s other lines (docs/messaging.md)."
            )


def test_every_platform_has_its_own_settings():
    assert {platform.needs for platform in platforms()} == set(PLATFORMS)
    assert list(PLATFORM_NAMES) == ["Telegram", "Slack", "Messenger", "WhatsApp", "SMS"]
    for names in PLATFORM_NAMES.values():
        assert len(names) >= 2 and set(names) <= set(FIELDS)


def test_defaults_are_of_their_type():
    assert {field.type for field in FIELDS.values()} == {str, int, bool}
    assert all(type(field.default) is field.type for field in FIELDS.values())


def test_defaults_would_pass_their_own_checks():
    for name, field in FIELDS.items():
        if field.default != "":
            assert not [fault for check in field.metadata["checks"] if (fault := check.fault_of(name, field.default))]


def test_settings_made_in_code_are_checked_too():
    for name in ("emergency_number", "poison_help", "clinic_timezone", "smtp_security", "database_url", "telegram_api"):
        with pytest.raises(SettingError, match=name.upper()):
            Settings(**{name: ""})
    with pytest.raises(SettingError, match="PORT is 0"):
        replace(Settings(), port=0)


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1


@pytest.mark.parametrize(
    "written, production",
    [*((word, True) for word in ("true", "YES", "1", " on ")), *((word, False) for word in ("False", "no", "0", "off", "", " "))],
)
def test_yes_and_no_may_be_written_in_several_ways(written, production):
    assert Settings.read({"PRODUCTION": written, "SECRET_KEY": LONG}).production is production


@pytest.mark.parametrize("secret", [None, "", " ", "x" * 31])
def test_nothing_is_served_to_others_without_a_secret(secret):
    values = {"PRODUCTION": "true", "HOST": "0.0.0.0", **({} if secret is None else {"SECRET_KEY": secret})}
    with pytest.raises(SettingError, match="SECRET_KEY is (missing|shorter)"):
        Settings.read(values)
    assert Settings.read({**values, "SECRET_KEY": "x" * 32}).production
    with pytest.raises(SettingError, match="PRODUCTION=true"):
        Settings.read({**values, "SECRET_KEY": "x" * 32, "PRODUCTION": "false"})


def test_blanks_around_a_value_do_not_count_and_an_empty_line_is_the_default():
    values = {"PORT": " 8080 ", "CLINIC_NAME": " Lakeside ", "CRISIS_LINE": " ", "STAFF_PORT": "", "LOG_LEVEL": "DEBUG"}
    assert Settings.read(values) == Settings(port=8080, clinic_name="Lakeside")


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PORT=6001\nSTAFF_PORT=6002\n", encoding="utf-8")
    monkeypatch.setattr(module, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setenv("PORT", "7001")
    monkeypatch.delenv("STAFF_PORT", raising=False)
    module.settings.cache_clear()
    try:
        assert (module.settings().port, module.settings().staff_port) == (7001, 6002)
        assert module.settings() is module.settings()
    finally:
        module.settings.cache_clear()


def test_origins_are_a_list():
    assert Settings.read({"ALLOWED_ORIGINS": "https://a.example  https://b.example"}).origins == (
        "https://a.example",
        "https://b.example",
    )
    assert Settings().origins == ()


HELP = {
    "keep_requests_days": "180",
    "emergency_number": "911",
    "crisis_line": "988",
    "poison_help": "1-800-222-1222",
    "treatment_helpline": "1-800-662-4357",
    "domestic_violence_hotline": "1-800-799-7233",
    "crisis_chat": "988lifeline.org/chat",
    "domestic_violence_text": "88788",
    "domestic_violence_tty": "1-800-787-3224",
    "child_abuse_hotline": "1-800-422-4453",
}


@pytest.mark.parametrize(
    "values, english, short, spanish",
    [
        (
            {},
            "Please contact the front desk at the clinic.",
            "contact the front desk at the clinic",
            "Para otras preguntas, llame a la recepción de la clínica.",
        ),
        (
            {"CLINIC_NAME": "Lakeside Clinic"},
            "Please contact the front desk of Lakeside Clinic.",
            "contact the front desk of Lakeside Clinic",
            "Para otras preguntas, llame a la recepción de la clínica.",
        ),
        (
            {"CLINIC_NAME": "Lakeside Clinic", "CLINIC_PHONE": "555-123-4567"},
            "You can call Lakeside Clinic at 555-123-4567.",
            "call Lakeside Clinic at 555-123-4567",
            "Puede llamar a Lakeside Clinic al 555-123-4567.",
        ),
    ],
)
def test_words_for_replies(values, english, short, spanish):
    assert Settings.read(values).words() == {
        **HELP,
        "clinic_name": values.get("CLINIC_NAME", "the clinic"),
        "clinic_contact": english,
        "clinic_contact_short": short,
        "clinic_contact_es": spanish,
    }


@given(st.dictionaries(st.sampled_from(list(FIELDS)), st.text(max_size=40)))
def test_any_text_is_a_setting_or_a_clear_error(values):
    try:
        assert Settings.read(values).words()["crisis_line"]
    except SettingError as error:
        assert ".env" in str(error)


def test_the_example_file_holds_the_defaults():
    example = dotenv_values(settings_docs.EXAMPLE)
    assert set(example) == set(FIELDS) and Settings.read(example) == Settings()


def test_every_setting_is_explained():
    page = settings_docs.PAGE.read_text(encoding="utf-8")
    for name, field in FIELDS.items():
        assert page.count(f"| `{name}` |") == 1
        assert field.metadata["purpose"].endswith(".") and all(check.form for check in field.metadata["checks"])


def test_in_production_the_clinic_chooses_how_words_are_stored():
    live = {"PRODUCTION": "true", "SECRET_KEY": LONG}
    assert "STORED_WORDS is not chosen" in Settings.read(live).undecided()
    assert not Settings.read({}).undecided()
    for words in ("plain", "redacted"):
        assert not Settings.read({**live, "STORED_WORDS": words}).undecided()
