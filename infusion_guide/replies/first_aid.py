"""What is said where no turn is: pinned words, no database, no network. Without a model, patterns find the danger."""

from dataclasses import replace
from functools import cache
from typing import Dict, List, Optional, Sequence

import spacy

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.care import check_in_about
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.reply import Reply
from infusion_guide.replies.topic import Topic
from infusion_guide.text.cleaning import MAX_SEARCHED, clean
from infusion_guide.text.danger_patterns import Patterns
from infusion_guide.text.wording import ALARM, CHECK_IN

HELP_NOW = "/help_now"  # the button "I need help now"
_ENDS = MAX_SEARCHED // 2
# What is only true of a turn that was stored: a request that was taken down, a form's next question.
_NEEDS_STORAGE = ("utter_callback_", "utter_ask_callback_")


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
    """The pinned reply when `text` holds alarming wording, the gentle one when it may; None otherwise. By patterns alone."""
    words = clean(text if len(text) <= MAX_SEARCHED else f"{text[:_ENDS]} {text[-_ENDS:]}")
    for language, patterns in _patterns().items():
        found = patterns.find(words)
        if found and found.level in (ALARM, CHECK_IN):
            return reply_to(found.level, found.topic, language)
    return None


def reply_to(level: Optional[str], topic: str, language: str = "en") -> Optional[Reply]:
    """What is said to a verdict of the guard: `level` and the crisis `topic` that it fears; None where it fears nothing."""
    if level not in (ALARM, CHECK_IN):
        return None
    name = Topic("crisis", topic).reply if level == ALARM else Topic.of(check_in_about(topic)).reply
    return _reply(name, "es" if language == "es" else "en")


def help_now() -> Reply:
    """The reply to the button "I need help now", pressed where nobody knows what was feared."""
    return _reply("utter_crisis/suicide")


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


def unstored(replies: Sequence[Reply]) -> List[Reply]:
    """`replies` that a turn worked out and that could not be stored, and that they were not; [] where they would be untrue."""
    crisis = [reply for reply in replies if reply.topic.kind == "crisis"]
    if not replies or (not crisis and any(reply.name.startswith(_NEEDS_STORAGE) for reply in replies)):
        return []
    said = crisis or replies
    return [*(replace(reply, buttons=()) for reply in said), _reply("utter_unstored", said[-1].language or "en")]


def numbers() -> str:
    """Whom to call, in a sentence: it ends every refusal of words that somebody wrote."""
    return f"In an emergency, call {settings().emergency_number}. In a crisis, call or text {settings().crisis_line}."


def warm_up() -> None:
    """Reads everything now: when it is needed, the disk may be gone."""
    _patterns()
    technical_problem()
