"""The crisis reply when the assistant itself is broken: patterns and pinned words, no model, no database, no network."""

from functools import lru_cache
from typing import Any, Dict, Optional

import spacy

from infusion_guide.clinic.settings import settings
from infusion_guide.nlu.danger import ALARM, CHECK_IN
from infusion_guide.replies.library import DATA, read_yaml, variations
from infusion_guide.text.cleaning import MAX_SEARCHED, clean
from infusion_guide.text.danger_patterns import Patterns

Reply = Dict[str, Any]  # Rasa's message: "text", "metadata" with "utter_action"


@lru_cache(maxsize=1)
def _patterns() -> Dict[str, Patterns]:
    """The wording to look for, by the language of the reply."""
    words = spacy.blank("en")  # only a vocabulary: the patterns split words themselves
    return {
        "en": Patterns(words, read_yaml(DATA / "safety" / "patterns.yml")),
        "es": Patterns(words, read_yaml(DATA / "safety" / "spanish.yml")),
    }


@lru_cache(maxsize=64)
def _reply(name: str, language: str = "en") -> Reply:
    """The reviewed words of the response `name`, without buttons: nothing may be there to obey them."""
    known = variations(name)
    response = next((v for v in known if v["metadata"].get("language", "en") == language), known[0])
    text = response["text"].strip().format(**settings().words())
    return {"text": text, "metadata": {"utter_action": name, "sources": response["metadata"]["sources"]}}


def crisis_reply(text: str) -> Optional[Reply]:
    """The pinned reply when `text` holds alarming wording, the gentle one when it may; None otherwise."""
    words = clean(text[:MAX_SEARCHED])
    for language, patterns in _patterns().items():
        found = patterns.find(words)
        if found and found.level == ALARM:
            return _reply(f"utter_crisis/{found.topic}", language)
        if found and found.level == CHECK_IN:
            return _reply("utter_crisis/check_in", language)
    return None


def technical_problem() -> Reply:
    """The honest words for a failure of ours, with the crisis line in them."""
    return _reply("utter_technical_problem")


def too_many_messages() -> Reply:
    """The friendly words for a visitor who writes faster than we answer, with the crisis line in them."""
    return _reply("utter_too_many_messages")


def warm_up() -> None:
    """Reads everything now: when it is needed, the disk may be gone."""
    _patterns()
    technical_problem()
    too_many_messages()
    for path in sorted((DATA / "responses" / "crisis").glob("*.yml")):
        for language in _patterns():
            _reply(f"utter_crisis/{path.stem}", language)
