"""A call-back request, as it goes from the conversation through the database to staff."""

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any, Dict, Mapping, Optional

from infusion_guide.callbacks.contact import shown
from infusion_guide.callbacks.fields import CONTACT, PRIVATE, PRIVATE_SLOTS
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.book import line, names, unfilled

# Of a reference: no letters and digits that look or sound alike, and no vowels, so that none is a word.
_ALPHABET = "BCDFGHJKMPQRTVWXY346789"


@dataclass(frozen=True)
class Callback:
    """Somebody asks to be called back. Times are Unix seconds; `taken` is the first time that somebody took it.

    `given` holds what the patient said, by the names of fields.PRIVATE: only what was given, and what its reader may read.
    `readable` is False where ENCRYPTION_KEY does not open it; then `given` is empty. `language` is that of the talk: who calls
    should speak it.
    """

    reference: str
    conversation: str
    channel: str
    at: float
    given: Mapping[str, str]
    status: str = "new"  # or "taken", "done"
    taken_by: Optional[str] = None
    taken: Optional[float] = None
    done: Optional[float] = None
    readable: bool = True
    language: str = "en"

    @property
    def is_email(self) -> bool:
        """Whether the contact is an e-mail address; else it is a phone number."""
        return "@" in self.given.get("contact", "")


def new_reference() -> str:
    """A number that a patient can read out, for example K7M-2QX: one of 148 million."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    return f"{drawn[:3]}-{drawn[3:]}"


@cache
def repeats(reply: str) -> bool:
    """Whether words that a patient gave stand in the reply of that name (utter_ask_callback_send)."""
    return reply in names() and not PRIVATE_SLOTS.isdisjoint(unfilled(reply))


def summary(slots: Mapping[str, Any], language: str = "en") -> Dict[str, str]:
    """The form's slots as the summary shows them, by slot; one that was skipped says so. Others are left out."""
    words = {f.slot: str(slots[f.slot] or line("utter_callback_skipped", language=language)) for f in PRIVATE if f.slot in slots}
    return {**words, **({CONTACT: shown(words[CONTACT])} if CONTACT in words else {})}


def speaks(language: str) -> bool:
    """Whether somebody of the clinic can call in `language` (CLINIC_LANGUAGES)."""
    return language in settings().clinic_languages.split(",")
