"""What a setting is made of (settings.py is the table of them): a default, what it is for, and checks of its value."""

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from infusion_guide.clinic.opening_hours import read_days_off, read_week, read_zone


@dataclass(frozen=True)
class Check:
    """What a value must be, in a few words for the documentation, and what is said of the setting when it is not.

    `holds` tells; one that reads the value raises ValueError with the reason instead, and needs no `fault`.
    """

    form: str
    holds: Callable[[Any], object]
    fault: str = ""  # {value} is what the setting holds, or the one word of it that is wrong
    each: bool = False  # the value is several of them, separated by blanks

    def fault_of(self, name: str, value: Any) -> Optional[str]:
        """What is wrong with the setting `name` (in capitals) and where to mend it; None where nothing is."""
        end = "" if ".env" in self.fault else " Fix it in .env."
        for part in value.split() if self.each else (value,):
            try:
                if not self.holds(part):
                    return f"{name} {self.fault.format(value=part)}{end}"
            except ValueError as reason:
                return f"{name}: {reason}{end}"
        return None


def setting(default: Any, purpose: str, *checks: Check) -> Any:
    """A setting, as a field of a dataclass. A value that is not the default is checked."""
    return field(default=default, metadata={"purpose": purpose, "checks": checks})


def one_of(*words: str) -> Check:
    """The value is one of `words`."""
    form = f"{', '.join(words[:-1])} or {words[-1]}"
    return Check(form, words.__contains__, f"is '{{value}}'; it is {form}.")


def _all(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _is_country(value: str) -> bool:
    from phonenumbers import SUPPORTED_REGIONS  # only here: most clinics keep the default

    return value in SUPPORTED_REGIONS


def _is_kept(database_url: str) -> bool:
    return database_url not in ("sqlite://", "sqlite:///") and ":memory:" not in database_url


_PHONE = r"(?:\+?[0-9]{0,3} ?)?[0-9(][0-9 ()./-]{5,24}"
_ORIGIN = _all(r"https?://[^/\s]+")
_ADDRESS = _all(r"https?://\S+")
# Nearly as browsers check it (HTML Standard, "valid e-mail address"): no blanks, no line ends, nothing that ends a header.
_EMAIL = _all(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_HOST = _all(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_FERNET_KEY = _all("[A-Za-z0-9_-]{43}=")  # 32 bytes in URL-safe base64
_DATABASES = ("sqlite://", "postgresql://", "postgresql+psycopg2://")

SHORTEST_SECRET = 32  # characters
MAKE_SECRET = "Put at least 32 random characters in .env, for example the output of `openssl rand -hex 32`."

FILLED = Check("not empty", str.strip, "is empty. Write the clinic's name in .env, or remove the line.")
OWN_PHONE = Check(
    "a phone number",
    _all(_PHONE),
    "is '{value}', which is not a phone number. Write it in .env as patients should read it, for example 555-123-4567.",
)
PHONE = Check("a phone number", _all(_PHONE), "is '{value}', which is not a phone number.")
DIALLED = Check("a phone number, or 2 to 6 digits", _all(f"[0-9]{{2,6}}|{_PHONE}"), "is '{value}', which cannot be dialled.")
PLAIN_SITE = Check(
    "a web address without https://",
    _all(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[\w./-]*)?"),
    "is '{value}'; write it in .env as people say it, for example 988lifeline.org/chat.",
)
COUNTRY = Check("two capital letters", _is_country, "is '{value}'; it is a country in two capital letters, such as US.")
WEEK = Check("days and times: Mon-Fri 9:00-17:00, Sat 9:00-12:00", read_week)
ZONE = Check("a name such as America/Chicago", read_zone)
DAYS_OFF = Check("dates (2026-12-24), a country (US) or a state (US-NY), separated by blanks", read_days_off)
PORT = Check("1 to 65535", range(1, 65536).__contains__, "is {value}; a port is a number from 1 to 65535.")
AT_LEAST_ONE = Check("1 or more", lambda number: number >= 1, "is {value}; it must be at least 1.")
PROXIES = Check("0 or more", lambda number: number >= 0, "is the number of reverse proxies before the assistant: 0 or more.")
A_CENTURY = Check("36500 at most", lambda days: days <= 36_500, "is more than a hundred years.")
SECRET = Check(
    "32 random characters or more (openssl rand -hex 32)",
    lambda value: len(value) >= SHORTEST_SECRET,
    f"is shorter than 32 characters. {MAKE_SECRET}",
)
KEYS = Check(
    "what make key prints; several are separated by blanks",
    _FERNET_KEY,
    "holds something that is no key. `make key` prints one for .env; several are separated by blanks, the newest first.",
    each=True,
)
TELEGRAM_SECRET = Check(
    "16 to 256 letters, digits, _ or - (openssl rand -hex 32)",
    _all("[A-Za-z0-9_-]{16,256}"),
    "in .env has 16 to 256 letters, digits, _ or -. For example: openssl rand -hex 32",
)
DATABASE = Check(
    "sqlite:///file or postgresql://user:password@host/database",
    lambda url: url.startswith(_DATABASES),
    "begins with sqlite:/// or postgresql://.",
)
KEPT = Check("not in memory", _is_kept, "names no file, so nothing would be kept.")
REDIS = Check(
    "an address such as redis://localhost:6379/0",
    lambda url: url.startswith(("redis://", "rediss://")),
    "begins with redis:// or rediss://. Fix it in .env, or remove the line.",
)
SERVER = Check("an address such as http://actions:5055", _ORIGIN, "is an address such as http://actions:5055, without a path.")
SITE = Check(
    "an address such as https://bot.example.org", _ORIGIN, "is an address such as https://bot.example.org, without a path."
)
ORIGINS = Check(
    "addresses such as https://www.example.org, separated by blanks",
    _ORIGIN,
    "names '{value}', which is not an origin. Write addresses such as https://www.example.org in .env, separated by blanks, "
    "without a path.",
    each=True,
)
WEBHOOK = Check("a web address", _ADDRESS, "is not a web address. Write one in .env that begins with https:// or http://.")
INTERFACE = Check("a web address", _ADDRESS, "is not a web address. Remove the line from .env.")
MAIL_HOST = Check(
    "a name such as mail.example.org", _HOST, "is the name of a mail server, such as mail.example.org, and no more."
)
EMAILS = Check("e-mail addresses", _EMAIL, "names '{value}', which is not an e-mail address.", each=True)
ONLY_ONE = Check(
    "one at most",
    lambda value: len(value.split()) == 1,
    "holds more than one address. Write one in .env: just name@example.org.",
)
