"""The languages that patients are answered in, and which one a conversation has."""

from typing import Iterable, Optional

from infusion_guide.clinic.settings import settings

LANGUAGE = "language"  # output property of a message: "en", "es" or "other"; and of a reply's metadata
# What staff call them.
LANGUAGES = {"en": "English", "es": "Spanish"}


def latest(heard: Iterable[Optional[str]]) -> str:
    """The language of a conversation whose messages were in `heard`, newest first: the first that can be told; else LANGUAGE."""
    return next((language for language in heard if language in LANGUAGES), settings().language)
