"""How what is stored is written: plain, redacted or encrypted (STORED_WORDS).

`python -m infusion_guide.storage.sealing` prints a fresh key for ENCRYPTION_KEY.
"""

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from infusion_guide.callbacks.callback import repeats
from infusion_guide.clinic.settings import settings
from infusion_guide.tools.words import quotes

_ENCRYPTED = "fernet:"  # no JSON begins like this: what was stored before the setting was changed still reads


class Unreadable(RuntimeError):
    """What is stored cannot be decrypted; the message names the setting. Never taken for an empty conversation."""


def seal(value: Any) -> str:
    """The text that is stored for `value`, which is JSON: an event, a conversation's state or a turn's replies.

    Redacted: a patient's own words (events "user") are changed, and what the assistant repeats of them (the summary of a
    call-back request); what else it said stays.

    Raises:
        Unreadable: ENCRYPTION_KEY is no key.
    """
    chosen = settings().stored_words
    if chosen == "redacted":
        value = _redacted(value)
    text = json.dumps(value)
    if chosen == "encrypted":
        return _ENCRYPTED + _keys(settings().encryption_key).encrypt(text.encode()).decode()
    return text


# What stands in the place of words that give somebody's name or number, whatever they look like.
_FORM_ANSWER = "[answer to the form]"


def _redacted(value: Any) -> Any:
    if isinstance(value, list):  # a turn's replies
        return [_redacted(reply) for reply in value]
    if not isinstance(value, dict):
        return value
    said = value.get("metadata") or {}
    if repeats(said.get("utter_action", "")) or quotes(said.get("utter_action", "")):
        # Nothing else of the metadata: an action may have handed over a patient's words there.
        return {**value, "text": _FORM_ANSWER, "metadata": {key: said[key] for key in ("utter_action", "sources") if key in said}}
    if value.get("event") != "user":
        return value
    from infusion_guide.text.redaction import redact_event  # spaCy: a second to import, needed only here

    parsed = value.get("parse_data") or {}
    if parsed.get("form_answer"):
        kept = {key: parsed.get(key) for key in ("intent", "form_answer")}
        return {**value, "text": _FORM_ANSWER, "parse_data": kept}
    return redact_event(value)


def seal_words(words: str) -> str:
    """The text that is stored for words of a patient that are no event. Raises Unreadable: ENCRYPTION_KEY is no key."""
    if settings().stored_words == "redacted":
        from infusion_guide.text.redaction import redact

        words = redact(words)
    return seal(words)


def unseal(stored: str) -> Any:
    """The value of which `stored` was made, whatever STORED_WORDS is by now.

    Raises:
        Unreadable: ENCRYPTION_KEY is missing, or holds none of the keys that could have encrypted it.
    """
    if not stored.startswith(_ENCRYPTED):
        return json.loads(stored)
    try:
        text = _keys(settings().encryption_key).decrypt(stored[len(_ENCRYPTED) :].encode())
    except InvalidToken:
        raise Unreadable(
            "A stored conversation was encrypted with a key that is not in ENCRYPTION_KEY (or was damaged). "
            "Put the former key back, after the present one and a blank."
        ) from None
    return json.loads(text)


@lru_cache(maxsize=2)
def _keys(blank_separated: str) -> MultiFernet:
    """The first key encrypts, all of them decrypt: a new key is put before the old one."""
    if not blank_separated.split():
        raise Unreadable("Stored conversations are encrypted, but ENCRYPTION_KEY is missing. Put the key back in .env.")
    try:
        return MultiFernet([Fernet(key) for key in blank_separated.split()])
    except ValueError:
        raise Unreadable("ENCRYPTION_KEY holds something that is no key. `make key` prints one for .env.") from None


if __name__ == "__main__":
    print(Fernet.generate_key().decode())
