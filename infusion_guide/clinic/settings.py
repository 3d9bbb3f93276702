"""Every setting of the clinic: read from .env (python-dotenv) and the environment, validated once."""

import os
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping, Tuple

from dotenv import dotenv_values

from infusion_guide.clinic import opening_hours as hours

ROOT = Path(__file__).resolve().parent.parent.parent
ENV_FILE = ROOT / ".env"

_PHONE = re.compile(r"^(?:\+?[0-9]{0,3} ?)?[0-9(][0-9 ()./-]{5,24}$")
_ORIGIN = re.compile(r"^https?://[^/\s]+$")
_WEB_ADDRESS = re.compile(r"^https?://\S+$")
_KEY = re.compile(r"^[A-Za-z0-9_-]{43}=$")  # a Fernet key: 32 bytes in URL-safe base64
_BOOLEANS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_SECRET = 32  # characters
_A_CENTURY = 36_500  # days
_MAKE_SECRET = "Put at least 32 random characters in .env, for example the output of `openssl rand -hex 32`."
_TELEGRAM_SECRET = re.compile(r"^[A-Za-z0-9_-]{16,256}$")
# What switches a messaging platform on: all of its settings, or none.
_PLATFORMS = {
    "Telegram": ("telegram_token", "telegram_secret"),
    "Slack": ("slack_token", "slack_signing_secret"),
    "Messenger": ("messenger_token", "messenger_app_secret", "messenger_verify_token"),
    "WhatsApp": ("whatsapp_token", "whatsapp_number_id", "whatsapp_app_secret", "whatsapp_verify_token"),
    "SMS": ("twilio_account", "twilio_token", "twilio_sender"),
}
_AT_LEAST_ONE = (
    "visitor_messages_per_minute",
    "address_messages_per_minute",
    "messages_per_second",
    "visitor_messages_per_day",
    "keep_conversations_days",
    "session_hours",
    "staff_session_minutes",
    "review_months",
    "keep_requests_days",
    "keep_counts_days",
)
_HOST = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]+$")
# Nearly as browsers check it (HTML Standard, "valid e-mail address"): no blanks, no line ends, nothing that ends a header.
_EMAIL = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}$")
_HERE = ("127.0.0.1", "localhost", "::1")
_SHORT_NUMBER = re.compile(r"^[0-9]{2,6}$")


class SettingError(ValueError):
    """A setting is wrong; the message names the setting, the value's form and the file to fix."""


@dataclass(frozen=True)
class Settings:
    """The clinic's settings. Each field is the environment variable of the same name in capitals.

    Phone numbers are texts as a patient should read them; ports are 1 to 65535; hosts are addresses to bind to.
    What each one is for stands in .env.example.
    """

    clinic_name: str = "the clinic"
    clinic_phone: str = ""
    clinic_hours: str = ""
    clinic_timezone: str = "America/New_York"
    clinic_holidays: str = ""
    clinic_country: str = "US"
    emergency_number: str = "911"
    crisis_line: str = "988"
    poison_help: str = "1-800-222-1222"
    treatment_helpline: str = "1-800-662-4357"
    domestic_violence_hotline: str = "1-800-799-7233"
    host: str = "127.0.0.1"
    port: int = 5005
    actions_url: str = ""
    production: bool = False
    database_url: str = "sqlite:///conversations.db"
    redis_url: str = ""
    secret_key: str = ""
    rest_token: str = ""
    metrics_token: str = ""
    allowed_origins: str = ""
    proxies: int = 0
    visitor_messages_per_minute: int = 30
    address_messages_per_minute: int = 120
    messages_per_second: int = 50
    visitor_messages_per_day: int = 300
    notice_webhook: str = ""
    notice_email: str = ""
    notice_from: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    staff_port: int = 5056
    staff_url: str = ""
    staff_session_minutes: int = 30
    review_months: int = 12
    keep_requests_days: int = 180
    keep_counts_days: int = 730
    stored_words: str = "plain"
    encryption_key: str = ""
    keep_conversations_days: int = 30
    session_hours: int = 24
    public_url: str = ""
    telegram_token: str = ""
    telegram_secret: str = ""
    slack_token: str = ""
    slack_signing_secret: str = ""
    messenger_token: str = ""
    messenger_app_secret: str = ""
    messenger_verify_token: str = ""
    whatsapp_token: str = ""
    whatsapp_number_id: str = ""
    whatsapp_app_secret: str = ""
    whatsapp_verify_token: str = ""
    twilio_account: str = ""
    twilio_token: str = ""
    twilio_sender: str = ""
    telegram_api: str = "https://api.telegram.org"
    slack_api: str = "https://slack.com/api"
    meta_api: str = "https://graph.facebook.com/v23.0"
    twilio_api: str = "https://api.twilio.com"

    def __post_init__(self) -> None:
        if not self.clinic_name.strip():
            raise SettingError("CLINIC_NAME is empty. Write the clinic's name in .env, or remove the line.")
        if self.clinic_phone and not _PHONE.match(self.clinic_phone):
            raise SettingError(
                f"CLINIC_PHONE is '{self.clinic_phone}', which is not a phone number. "
                "Write it in .env as patients should read it, for example 555-123-4567."
            )
        for name in ("emergency_number", "crisis_line"):
            value = getattr(self, name)
            if not (_SHORT_NUMBER.match(value) or _PHONE.match(value)):
                raise SettingError(f"{name.upper()} is '{value}', which cannot be dialled. Fix it in .env.")
        for name in ("poison_help", "treatment_helpline", "domestic_violence_hotline"):
            if not _PHONE.match(getattr(self, name)):
                raise SettingError(f"{name.upper()} is '{getattr(self, name)}', which is not a phone number. Fix it in .env.")
        for name in ("port", "staff_port", "smtp_port"):
            if not 1 <= getattr(self, name) <= 65535:
                raise SettingError(
                    f"{name.upper()} is {getattr(self, name)}; a port is a number from 1 to 65535. Fix it in .env."
                )
        if self.port == self.staff_port:
            raise SettingError("PORT and STAFF_PORT are the same. Give each its own number in .env.")
        self._check_security()

    def _check_security(self) -> None:
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise SettingError(f"{name.upper()} is {getattr(self, name)}; it must be at least 1. Fix it in .env.")
        if self.proxies < 0:
            raise SettingError("PROXIES is the number of reverse proxies before the assistant: 0 or more. Fix it in .env.")
        if not self.database_url.startswith(("sqlite://", "postgresql://", "postgresql+psycopg2://")):
            raise SettingError("DATABASE_URL begins with sqlite:/// or postgresql://. Fix it in .env.")
        if self.actions_url and not _ORIGIN.match(self.actions_url):
            raise SettingError("ACTIONS_URL is an address such as http://actions:5055, without a path. Fix it in .env.")
        if self.database_url in ("sqlite://", "sqlite:///") or ":memory:" in self.database_url:
            raise SettingError("DATABASE_URL names no file, so nothing would be kept. Fix it in .env.")
        if self.keep_conversations_days > _A_CENTURY:
            raise SettingError("KEEP_CONVERSATIONS_DAYS is more than a hundred years. Fix it in .env.")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://")):
            raise SettingError("REDIS_URL begins with redis:// or rediss://. Fix it in .env, or remove the line.")
        for origin in self.origins:
            if not _ORIGIN.match(origin):
                raise SettingError(
                    f"ALLOWED_ORIGINS names '{origin}', which is not an origin. Write addresses such as "
                    "https://www.example.org in .env, separated by blanks, without a path."
                )
        for name in ("secret_key", "rest_token", "metrics_token"):
            value = getattr(self, name)
            if value and len(value) < _SECRET:
                raise SettingError(f"{name.upper()} is shorter than {_SECRET} characters. {_MAKE_SECRET}")
        if self.stored_words not in ("plain", "redacted", "encrypted"):
            raise SettingError(f"STORED_WORDS is '{self.stored_words}'; it is plain, redacted or encrypted. Fix it in .env.")
        if self.stored_words == "encrypted" and not self.encryption_key:
            raise SettingError("STORED_WORDS is encrypted, but ENCRYPTION_KEY is missing. `make key` prints one for .env.")
        if not all(_KEY.match(key) for key in self.encryption_key.split()):
            raise SettingError(
                "ENCRYPTION_KEY holds something that is no key. `make key` prints one for .env; "
                "several are separated by blanks, the newest first."
            )
        self._check_platforms()
        self._check_hours()
        self._check_notices()
        if self.production and not self.secret_key:
            raise SettingError(f"PRODUCTION is on, but SECRET_KEY is missing. {_MAKE_SECRET}")
        if not self.production and self.host not in _HERE:
            raise SettingError(
                f"HOST is {self.host}, so others could reach the assistant. Set PRODUCTION=true (and what it asks for) in .env."
            )

    def _check_platforms(self) -> None:
        for platform, names in _PLATFORMS.items():
            missing = [name.upper() for name in names if not getattr(self, name)]
            if missing and len(missing) < len(names):
                raise SettingError(
                    f"{platform} is set up in part: {' and '.join(missing)} is missing. Fill it in in .env, or remove "
                    f"{platform}'s other lines (docs/messaging.md)."
                )
        for name in ("telegram_api", "slack_api", "meta_api", "twilio_api"):
            if not _WEB_ADDRESS.match(getattr(self, name)):
                raise SettingError(f"{name.upper()} is not a web address. Remove the line from .env.")
        if self.public_url and not _ORIGIN.match(self.public_url):
            raise SettingError("PUBLIC_URL is an address such as https://bot.example.org, without a path. Fix it in .env.")
        if self.twilio_token and not self.public_url:
            raise SettingError("Text messages need PUBLIC_URL: Twilio signs the address that it calls. Fill it in in .env.")
        if self.telegram_secret and not _TELEGRAM_SECRET.match(self.telegram_secret):
            raise SettingError("TELEGRAM_SECRET in .env has 16 to 256 letters, digits, _ or -. For example: openssl rand -hex 32")

    def _check_hours(self) -> None:
        from phonenumbers import SUPPORTED_REGIONS

        readers = {"clinic_hours": hours.read_week, "clinic_timezone": hours.read_zone, "clinic_holidays": hours.read_days_off}
        for name, read in readers.items():
            if not getattr(self, name):
                continue
            try:
                read(getattr(self, name))
            except ValueError as error:
                raise SettingError(f"{name.upper()}: {error} Fix it in .env.") from None
        if self.clinic_country not in SUPPORTED_REGIONS:
            raise SettingError(
                f"CLINIC_COUNTRY is '{self.clinic_country}'; it is a country in two capital letters, such as US. Fix it in .env."
            )

    def _check_notices(self) -> None:
        if self.notice_webhook and not _WEB_ADDRESS.match(self.notice_webhook):
            raise SettingError("NOTICE_WEBHOOK is not a web address. Write one in .env that begins with https:// or http://.")
        if bool(self.notice_email) != bool(self.smtp_host):
            missing, there = ("SMTP_HOST", "NOTICE_EMAIL") if self.notice_email else ("NOTICE_EMAIL", "SMTP_HOST")
            raise SettingError(f"{there} is set, but {missing} is missing: e-mail needs both. Fill it in in .env.")
        for name in ("notice_email", "notice_from"):
            wrong = [address for address in getattr(self, name).split() if not _EMAIL.match(address)]
            if wrong:
                raise SettingError(f"{name.upper()} names '{wrong[0]}', which is not an e-mail address. Fix it in .env.")
        if len(self.notice_from.split()) > 1:
            raise SettingError("NOTICE_FROM holds more than one address. Write one in .env: just name@example.org.")
        if self.smtp_host and not _HOST.match(self.smtp_host):
            raise SettingError("SMTP_HOST is the name of a mail server, such as mail.example.org, and no more. Fix it in .env.")
        if self.smtp_security not in ("starttls", "tls", "none"):
            raise SettingError(f"SMTP_SECURITY is '{self.smtp_security}'; it is starttls, tls or none. Fix it in .env.")
        if bool(self.smtp_user) != bool(self.smtp_password):
            missing = "SMTP_PASSWORD" if self.smtp_user else "SMTP_USER"
            raise SettingError(f"The sign-in to the mail server is there in part: {missing} is missing. Fill it in in .env.")
        if self.smtp_user and self.smtp_security == "none" and self.smtp_host not in _HERE:
            raise SettingError(
                "SMTP_SECURITY is none, so SMTP_PASSWORD would cross the network readable. Set it to starttls or tls in .env."
            )
        if self.staff_url and not _ORIGIN.match(self.staff_url):
            raise SettingError("STAFF_URL is an address such as https://bot.example.org, without a path. Fix it in .env.")

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
        known = {}
        for field in fields(cls):
            text = values.get(field.name.upper())
            if text is None or (not text.strip() and field.name != "clinic_name"):
                continue
            if field.type in (int, "int"):
                try:
                    known[field.name] = int(text)
                except ValueError:
                    raise SettingError(
                        f"{field.name.upper()} is '{text}', which is not a whole number. Fix it in .env."
                    ) from None
            elif field.type in (bool, "bool"):
                if text.strip().lower() not in _BOOLEANS:
                    raise SettingError(f"{field.name.upper()} is '{text}'; it is true or false. Fix it in .env.")
                known[field.name] = _BOOLEANS[text.strip().lower()]
            else:
                known[field.name] = text.strip()
        return cls(**known)

    def words(self) -> Dict[str, str]:
        """The words that replies may hold in braces, for example {crisis_line}."""
        if self.clinic_phone:
            contact = f"You can call {self.clinic_name} at {self.clinic_phone}."
            short = f"call {self.clinic_name} at {self.clinic_phone}"
            spanish = f"Puede llamar a {self.clinic_name} al {self.clinic_phone}."
        else:
            contact = f"Please contact the front desk of {self.clinic_name}."
            short = f"contact the front desk of {self.clinic_name}"
            spanish = "Para otras preguntas, llame a la recepción de la clínica."
        return {
            "clinic_name": self.clinic_name,
            "clinic_contact": contact.replace("of the clinic", "at the clinic"),
            "clinic_contact_es": spanish,
            "clinic_contact_short": short.replace("of the clinic", "at the clinic"),
            "keep_requests_days": str(self.keep_requests_days),
            "emergency_number": self.emergency_number,
            "crisis_line": self.crisis_line,
            "poison_help": self.poison_help,
            "treatment_helpline": self.treatment_helpline,
            "domestic_violence_hotline": self.domestic_violence_hotline,
        }


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process: the environment wins over .env."""
    return Settings.read({**dotenv_values(ENV_FILE), **os.environ})
