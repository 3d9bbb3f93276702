"""Every setting of the clinic, in one table; read from .env (python-dotenv) and the environment, checked once.

`make settings-docs` writes .env.example and docs/settings.md from it.
"""

import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple, Type, cast

from dotenv import dotenv_values

from infusion_guide.clinic import checks
from infusion_guide.clinic.checks import setting

ROOT = Path(__file__).resolve().parent.parent.parent
ENV_FILE = ROOT / ".env"
HERE = ("127.0.0.1", "localhost", "::1")  # hosts that are this machine

_BOOLEANS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


class SettingError(ValueError):
    """A setting is wrong; the message names the setting, the value's form and the file to fix."""


@dataclass(frozen=True)
class Clinic:
    """The clinic"""

    clinic_name: str = setting("the clinic", "The clinic's name as patients know it.", checks.FILLED)
    clinic_phone: str = setting("", "The number patients may call; without it replies name the front desk.", checks.OWN_PHONE)
    clinic_hours: str = setting("", "When somebody is at the phone; without it replies never say so.", checks.WEEK)
    clinic_timezone: str = setting("America/New_York", "The time zone of these hours and of what staff read.", checks.ZONE)
    clinic_holidays: str = setting("", "Days on which nobody is there, public holidays among them.", checks.DAYS_OFF)
    language: str = setting("en", "The language before the patient has written: en or es.", checks.one_of("en", "es"))
    clinic_languages: str = setting(
        "en", "The languages of those who call patients back: en, or en,es.", checks.one_of("en", "en,es")
    )
    clinic_country: str = setting("US", "Phone numbers without a country code belong to this country.", checks.COUNTRY)


@dataclass(frozen=True)
class HelpLines:
    """Help lines

    Those of the United States. Change them only for another country, with a clinician's sign-off.
    """

    emergency_number: str = setting("911", "Emergencies.", checks.DIALLED)
    crisis_line: str = setting("988", "Thoughts of suicide, and other crises.", checks.DIALLED)
    poison_help: str = setting("1-800-222-1222", "Poisonings.", checks.PHONE)
    treatment_helpline: str = setting("1-800-662-4357", "Treatment of addictions.", checks.PHONE)
    domestic_violence_hotline: str = setting("1-800-799-7233", "Violence at home.", checks.PHONE)
    crisis_chat: str = setting("988lifeline.org/chat", "The crisis line's chat.", checks.PLAIN_SITE)
    domestic_violence_text: str = setting("88788", "Violence at home: the number for the text START.", checks.DIALLED)
    domestic_violence_tty: str = setting("1-800-787-3224", "Violence at home: for a text telephone (TTY).", checks.PHONE)
    child_abuse_hotline: str = setting("1-800-422-4453", "Violence against children.", checks.PHONE)


@dataclass(frozen=True)
class Server:
    """The assistant"""

    host: str = setting("127.0.0.1", "Where the assistant listens. 127.0.0.1 means: this machine only.")
    port: int = setting(5005, "The port on which it listens.", checks.PORT)
    actions_url: str = setting(
        "", "A server of your own for actions (rasa run actions); they run in the assistant without it.", checks.SERVER
    )
    production: bool = setting(False, "true where patients reach it. Needs SECRET_KEY; REST is off unless REST_TOKEN is set.")
    secret_key: str = setting(
        "",
        "Signs conversation ids, so that nobody can forge one. Outside production one is made, in .secret_key. After it, "
        "separated by blanks, former ones: keep the oldest, by which messaging conversations and opt-outs are found.",
        checks.SECRET,
    )
    rest_token: str = setting("", 'Programs that use REST send it: "Authorization: Bearer ...".', checks.SECRET)
    metrics_token: str = setting(
        "", "Prometheus sends it (Bearer) to read /metrics; without it only this machine may.", checks.SECRET
    )
    allowed_origins: str = setting("", "Other websites whose pages may hold the chat.", checks.ORIGINS)
    proxies: int = setting(
        0,
        "How many reverse proxies stand before it (nginx: 1). Their X-Forwarded-For is believed, no one else's.",
        checks.PROXIES,
    )


@dataclass(frozen=True)
class Limits:
    """Limits

    At most so many messages. Outside production forty times as many, for tests and tools.
    """

    visitor_messages_per_minute: int = setting(30, "Of one visitor in a minute.", checks.AT_LEAST_ONE)
    visitor_messages_per_day: int = setting(300, "Of one visitor in a day.", checks.AT_LEAST_ONE)
    address_messages_per_minute: int = setting(120, "Of one internet address in a minute.", checks.AT_LEAST_ONE)
    messages_per_second: int = setting(50, "Of everybody in a second.", checks.AT_LEAST_ONE)


@dataclass(frozen=True)
class Storage:
    """What is kept (docs/privacy.md)"""

    database_url: str = setting(
        "sqlite:///conversations.db",
        "Where conversations are kept: on one machine a file, in production a server.",
        checks.DATABASE,
        checks.KEPT,
    )
    redis_url: str = setting("", "Where several assistants share their locks and limits.", checks.REDIS)
    stored_words: str = setting(
        "",
        "How patients' words are stored: as they are (plain), names and numbers taken out (redacted), or encrypted with "
        "ENCRYPTION_KEY. In production the clinic must choose; elsewhere they are plain.",
        checks.one_of("plain", "redacted", "encrypted"),
    )
    encryption_key: str = setting("", "The key, and after it former ones that still open what was stored.", checks.KEYS)
    session_hours: int = setting(24, "So many hours after the last visit a visitor begins anew.", checks.AT_LEAST_ONE)
    keep_conversations_days: int = setting(
        30, "Conversations are erased so many days after their last message.", checks.AT_LEAST_ONE, checks.A_CENTURY
    )
    keep_requests_days: int = setting(180, "Call-back requests: so many days after their last change.", checks.AT_LEAST_ONE)
    keep_counts_days: int = setting(
        730, "The counts behind reports (no person in them): after so many days.", checks.AT_LEAST_ONE
    )


@dataclass(frozen=True)
class Notices:
    """Notices to staff (docs/operations.md)

    Of call-back requests, crisis conversations and answers that were lost, without a patient's words; repeated until it worked.
    """

    notice_webhook: str = setting("", "Where they are posted to (HTTP POST), signed with SECRET_KEY.", checks.WEBHOOK)
    notice_email: str = setting("", "Who gets them by e-mail, separated by blanks.", checks.EMAILS)
    notice_from: str = setting("", "Who they come from; the first of NOTICE_EMAIL without it.", checks.EMAILS, checks.ONLY_ONE)
    smtp_host: str = setting("", "The mail server.", checks.MAIL_HOST)
    smtp_port: int = setting(587, "Its port.", checks.PORT)
    smtp_security: str = setting("starttls", "How the way to it is encrypted.", checks.one_of("starttls", "tls", "none"))
    smtp_user: str = setting("", "The name with which to sign in to it.")
    smtp_password: str = setting("", "The password for that.")


@dataclass(frozen=True)
class Staff:
    """The staff pages (docs/clinic.md)"""

    staff_port: int = setting(5056, "Their port on this machine.", checks.PORT)
    staff_url: str = setting("", "Where staff reach them: the address with which links in notices begin.", checks.SITE)
    staff_session_minutes: int = setting(30, "Staff who do nothing are signed out after so many minutes.", checks.AT_LEAST_ONE)
    serve_unsigned: bool = setting(
        True, "false: an answer that no clinician has signed is not said; the clinic's number is. Danger is always answered."
    )
    staff_second_factor: bool = setting(
        False, "true: whoever has no second factor yet must set one up (an app on the phone) before anything else."
    )
    review_months: int = setting(12, "Replies are due for a new review after so many months.", checks.AT_LEAST_ONE)


@dataclass(frozen=True)
class Messaging:
    """Messaging platforms (docs/messaging.md)

    Each of those below is on when all of its lines are filled in, and off otherwise.
    """

    public_url: str = setting("", "The address under which platforms reach the assistant.", checks.SITE)
    telegram_api: str = setting("https://api.telegram.org", "Telegram's interface; change it for tests only.", checks.INTERFACE)
    slack_api: str = setting("https://slack.com/api", "Slack's interface; change it for tests only.", checks.INTERFACE)
    meta_api: str = setting("https://graph.facebook.com/v23.0", "Meta's interface; change it for tests only.", checks.INTERFACE)
    twilio_api: str = setting("https://api.twilio.com", "Twilio's interface; change it for tests only.", checks.INTERFACE)


@dataclass(frozen=True)
class Telegram:
    """Telegram"""

    telegram_token: str = setting("", "The bot's token, from @BotFather.")
    telegram_secret: str = setting("", "A secret of your own.", checks.TELEGRAM_SECRET)


@dataclass(frozen=True)
class Slack:
    """Slack"""

    slack_token: str = setting("", "The bot token of your app (xoxb-...).")
    slack_signing_secret: str = setting("", "Its signing secret.")


@dataclass(frozen=True)
class Messenger:
    """Facebook Messenger"""

    messenger_token: str = setting("", "The page's access token.")
    messenger_app_secret: str = setting("", "The app's secret.")
    messenger_verify_token: str = setting("", "A word of your own for the set-up.")


@dataclass(frozen=True)
class WhatsApp:
    """WhatsApp (Meta's Cloud API)"""

    whatsapp_token: str = setting("", "The access token.")
    whatsapp_number_id: str = setting("", "The phone number ID.")
    whatsapp_app_secret: str = setting("", "The app's secret.")
    whatsapp_verify_token: str = setting("", "A word of your own for the set-up.")


@dataclass(frozen=True)
class SMS:
    """Text messages (Twilio)"""

    twilio_account: str = setting("", "The account SID.")
    twilio_token: str = setting("", "The auth token.")
    twilio_sender: str = setting("", "Your number (+1555...) or messaging service (MG...).")


# Each is on when all of its settings are there, and off when none is (`needs` in infusion_guide/channels/platforms/).
PLATFORMS: Tuple[Type[Any], ...] = (Telegram, Slack, Messenger, WhatsApp, SMS)

# What settings mean for each other: when it is wrong, and what is said ({0} is the settings).
RULES: Tuple[Tuple[Callable[["Settings"], object], str], ...] = (
    (lambda s: s.port == s.staff_port, "PORT and STAFF_PORT are the same. Give each its own number in .env."),
    (
        lambda s: s.stored_words == "encrypted" and not s.encryption_key,
        "STORED_WORDS is encrypted, but ENCRYPTION_KEY is missing. `make key` prints one for .env.",
    ),
    (
        lambda s: s.twilio_token and not s.public_url,
        "Text messages need PUBLIC_URL: Twilio signs the address that it calls. Fill it in in .env.",
    ),
    (
        lambda s: s.notice_email and not s.smtp_host,
        "NOTICE_EMAIL is set, but SMTP_HOST is missing: e-mail needs both. Fill it in in .env.",
    ),
    (
        lambda s: s.smtp_host and not s.notice_email,
        "SMTP_HOST is set, but NOTICE_EMAIL is missing: e-mail needs both. Fill it in in .env.",
    ),
    (
        lambda s: s.smtp_user and not s.smtp_password,
        "The sign-in to the mail server is there in part: SMTP_PASSWORD is missing. Fill it in in .env.",
    ),
    (
        lambda s: s.smtp_password and not s.smtp_user,
        "The sign-in to the mail server is there in part: SMTP_USER is missing. Fill it in in .env.",
    ),
    (
        lambda s: s.smtp_user and s.smtp_security == "none" and s.smtp_host not in HERE,
        "SMTP_SECURITY is none, so SMTP_PASSWORD would cross the network readable. Set it to starttls or tls in .env.",
    ),
    (
        lambda s: s.production and not s.secret_key,
        f"PRODUCTION is on, but SECRET_KEY is missing. {checks.MAKE_SECRET}",
    ),
    (
        lambda s: not s.production and s.host not in HERE,
        "HOST is {0.host}, so others could reach the assistant. Set PRODUCTION=true (and what it asks for) in .env.",
    ),
)


@dataclass(frozen=True)
class Settings(Clinic, HelpLines, Server, Limits, Storage, Notices, Staff, Messaging, Telegram, Slack, Messenger, WhatsApp, SMS):
    """The clinic's settings. Each field is the environment variable of the same name in capitals.

    Phone numbers are texts as a patient should read them; hosts are addresses to bind to.
    """

    def __post_init__(self) -> None:
        for fault in self._faults():
            raise SettingError(fault)

    def _faults(self) -> Iterator[str]:
        for field in fields(self):
            value = getattr(self, field.name)
            checked = field.metadata["checks"] if value != field.default else ()
            yield from filter(None, (check.fault_of(field.name.upper(), value) for check in checked))
        for platform in PLATFORMS:
            empty = [field.name.upper() for field in fields(platform) if not getattr(self, field.name)]
            if 0 < len(empty) < len(fields(platform)):
                yield (
                    f"{platform.__name__} is set up in part: {' and '.join(empty)} is missing. Fill it in in .env, or remove "
                    f"{platform.__name__}'s other lines (docs/messaging.md)."
                )
        yield from (fault.format(self) for is_wrong, fault in RULES if is_wrong(self))

    def undecided(self) -> str:
        """What the clinic must decide before patients may write, in a sentence; "" when it has. The start and the doctor ask."""
        if not self.production or self.stored_words:
            return ""
        return (
            "PRODUCTION is on, but STORED_WORDS is not chosen: how patients' words are stored is the clinic's decision. Write "
            "STORED_WORDS=encrypted (and what `make key` prints as ENCRYPTION_KEY), redacted or plain in .env (docs/privacy.md)."
        )

    @property
    def origins(self) -> Tuple[str, ...]:
        """Web origins that may talk to the assistant, besides its own."""
        return tuple(self.allowed_origins.split())

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "Settings":
        """Builds the settings from `values` (names in capitals); unknown names are ignored.

        Raises:
            SettingError: a value has the wrong form.
        """
        known: Dict[str, Any] = {}
        for field in fields(cls):
            name, kind = field.name.upper(), cast(Callable[[str], Any], type(field.default))
            text = values.get(name)
            if text is None or (not text.strip() and checks.FILLED not in field.metadata["checks"]):
                continue
            try:
                known[field.name] = _BOOLEANS[text.strip().lower()] if kind is bool else kind(text.strip())
            except KeyError:
                raise SettingError(f"{name} is '{text}'; it is true or false. Fix it in .env.") from None
            except ValueError:
                raise SettingError(f"{name} is '{text}', which is not a whole number. Fix it in .env.") from None
        return cls(**known)

    def clinic_name_in(self, language: str) -> str:
        """The clinic's name; until it has one, what people call it in `language`."""
        is_unnamed = self.clinic_name == Settings.clinic_name
        return "la clínica" if is_unnamed and language == "es" else self.clinic_name

    def words(self) -> Dict[str, str]:
        """The words that replies may hold in braces, for example {crisis_line}."""
        name, phone = self.clinic_name, self.clinic_phone
        short = (
            f"call {name} at {phone}" if phone else f"contact the front desk of {name}".replace("of the clinic", "at the clinic")
        )
        name_es = self.clinic_name_in("es")
        spanish = (
            f"Puede llamar a {name_es} al {phone}." if phone else "Para otras preguntas, llame a la recepción de la clínica."
        )
        return {
            "clinic_name": name,
            "clinic_contact": f"{'You can' if phone else 'Please'} {short}.",
            "clinic_contact_es": spanish,
            "clinic_contact_short": short,
            "keep_requests_days": str(self.keep_requests_days),
            **{line.name: getattr(self, line.name) for line in fields(HelpLines)},
        }


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process: the environment wins over .env."""
    return Settings.read({**dotenv_values(ENV_FILE), **os.environ})
