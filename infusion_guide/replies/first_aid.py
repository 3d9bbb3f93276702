"""The crisis reply when the assistant itself is broken: patterns and pinned words, no model, no database, no network."""

from dataclasses import replace
from functools import cache
from typing import Dict, Optional

import spacy

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.reply import Reply
from infusion_guide.text.cleaning import MAX_SEARCHED, clean
from infusion_guide.text.danger_patterns import Patterns
from infusion_guide.text.wording import ALARM, CHECK_IN


@cache
def _patterns() -> Dict[str, Patterns]:
    """The wording to look for, by the language of the reply."""
    words = spacy.blank("en")  # only a vocabulary: the patterns split words themselves
    return {
        "en": Patterns(words, read_yaml(DATA / "safety" / "patterns.yml")),
        "es": Patterns(words, read_yaml(DATA / "safety" / "spanish.yml")),
    }


def _reply(name: str, language: str = "en") -> Reply:
    """The reply `name` without buttons: nothing may be there to obey them."""
    return replace(complete(name, Situation(language=language)), buttons=())


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


def in_language(reply: Reply, language: str) -> Reply:
    """Our words for a failure or a limit in the `language` of the talk, which only a channel knows; any other reply as it is."""
    ours = (technical_problem().name, too_many_messages().name)
    return _reply(reply.name, language) if reply.name in ours else reply


def warm_up() -> None:
    """Reads everything now: when it is needed, the disk may be gone."""
    _patterns()
    technical_problem()
