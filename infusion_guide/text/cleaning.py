"""The text of a message as every part of the assistant reads it; free of Rasa, which takes seconds and 500 MB to load."""

import re
import unicodedata
from typing import Optional

MAX_CHARACTERS = 2000
# A message above MAX_CHARACTERS is still searched for danger, up to here; beyond it only the ends are kept.
MAX_SEARCHED = 10_000

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def clean(text: Optional[str]) -> str:
    """The text without control characters, lone surrogates and invisible marks; NFKC; white space squeezed.

    >>> clean("he\\x00llo \\ud800  there")
    'hello there'
    """
    text = unicodedata.normalize("NFKC", text or "")
    text = _INVISIBLE.sub("", text)
    text = "".join(c if not unicodedata.category(c).startswith("C") else (" " if c in "\n\r\t" else "") for c in text)
    text = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    return re.sub(r"\s+", " ", text).strip()


def has_words(text: str) -> bool:
    """Whether any letter or digit of any script is there; emoji and punctuation alone are not words."""
    return any(unicodedata.category(c)[0] in "LN" for c in text)
