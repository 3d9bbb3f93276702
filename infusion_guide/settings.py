"""Every setting of the clinic: read from .env (python-dotenv) and the environment, validated once."""

import os
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"

_PHONE = re.compile(r"^\+?[0-9][0-9 ()./-]{5,24}$")
_SHORT_NUMBER = re.compile(r"^[0-9]{2,6}$")


class SettingError(ValueError):
    """A setting is wrong; the message names the setting, the value's form and the file to fix."""


@dataclass(frozen=True)
class Settings:
    """The clinic's settings. Each field is the environment variable of the same name in capitals.

    Phone numbers are texts as a patient should read them; ports are 1 to 65535; hosts are addresses to bind to.
    """

    clinic_name: str = "the clinic"
    clinic_phone: str = ""
    emergency_number: str = "911"
    crisis_line: str = "988"
    poison_help: str = "1-800-222-1222"
    treatment_helpline: str = "1-800-662-4357"
    domestic_violence_hotline: str = "1-800-799-7233"
    host: str = "127.0.0.1"
    port: int = 5005
    actions_port: int = 5055
    database: str = "conversations.db"

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
        for name in ("port", "actions_port"):
            if not 1 <= getattr(self, name) <= 65535:
                raise SettingError(
                    f"{name.upper()} is {getattr(self, name)}; a port is a number from 1 to 65535. Fix it in .env."
                )
        if self.port == self.actions_port:
            raise SettingError("PORT and ACTIONS_PORT are the same. Give each its own number in .env.")

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
