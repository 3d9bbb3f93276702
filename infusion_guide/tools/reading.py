"""How a patient's words answer the open step of a guided tool, begin one, or say that none may be offered."""

from functools import cache
from typing import Dict, FrozenSet, Optional

from infusion_guide.callbacks.reading import asks_in_order, asks_something, plain
from infusion_guide.replies.guided import ASK, BETTER, ENOUGH, NEXT, SAME, SKIP, STOP, WORSE, tool_words
from infusion_guide.tools.steps import AGAIN, HOW, WAIT, WORDS, State, Step

# What the message would be outside the tool, and is inside it too.
_STEERS = ("talk_to_person", "request_callback", "spanish", "other_language", "ask_source", "chitchat/bot_challenge")
# Labels of words that say "go on", or of what the classifier does not know, such as "breathing now".
_GOES_ON = ("chitchat/affirm", "chitchat/react_positive", "chitchat/just_saying", "nlu_fallback", "out_of_scope")


@cache
def _phrases() -> Dict[str, FrozenSet[str]]:
    """The wording of data/tool_words.yml, without punctuation."""
    written = {**tool_words()["typed"], "waits": tool_words()["waits"]}
    return {name: frozenset(plain(each) for each in said.split(",")) for name, said in written.items()}


def begins(text: str) -> bool:
    """Whether `text` takes up an offered tool: "let's do it together"."""
    return plain(text) in _phrases()["start"]


def must_wait(text: str) -> bool:
    """Whether `text` names an eating disorder or a withdrawal under way: a clinician's plan is needed, not a tool."""
    return _holds(plain(text), "waits")


def reading(state: State, text: str, label: str) -> Optional[str]:
    """How `text` answers the open step: WORDS, a choice such as NEXT, or None: not at all.

    `label` is what the message would be outside the tool (faq/depression, chitchat/affirm, nlu_fallback).
    """
    said, step = plain(text), state.open_step
    if must_wait(text):
        return WAIT
    if said in _phrases()["stop"] or _holds(said, "stop_anywhere"):
        return STOP
    if label == "chitchat/repeat" or said in _phrases()["again"]:
        return AGAIN
    if step.name == HOW:
        return _how(said, text, label)
    return _asked(step, said, text, label) if step.kind == ASK else _told(step, said, text, label)


def _how(said: str, text: str, label: str) -> Optional[str]:
    for choice in (WORSE, SAME, BETTER):  # "not better" before "better"
        if said in _phrases()[choice]:
            return choice
    if asks_something(text):
        return None
    for choice in (WORSE, BETTER):
        if _holds(said, f"{choice}_anywhere"):
            return choice
    return None


def _asked(step: Step, said: str, text: str, label: str) -> Optional[str]:
    if step.enough and said in _phrases()[ENOUGH]:
        return ENOUGH
    if step.optional and said in _phrases()[SKIP]:
        return SKIP
    if said in _phrases()[WORSE] and {"worse", "peor"} & set(said.split()):
        return WORSE  # alone it is no answer; "I feel worse at night" is one
    if label in _STEERS or (_asks(said, text) and not step.questions):
        return None
    return WORDS


def _asks(said: str, text: str) -> bool:
    return asks_in_order(text) or (asks_something(text) and said.startswith(("tell ", "explain ")))


def _told(step: Step, said: str, text: str, label: str) -> Optional[str]:
    for choice in ([ENOUGH] if step.enough else []) + [WORSE, BETTER, NEXT]:
        if said in _phrases()[choice]:
            return choice
    if said in _phrases()[SAME]:
        return NEXT
    if said in _phrases()["stop_unasked"]:
        return STOP
    if label in _STEERS or asks_something(text):
        return None
    for choice in (WORSE, BETTER):
        if _holds(said, f"{choice}_anywhere"):
            return choice
    return NEXT if step.is_open or label in _GOES_ON else None


def _holds(said: str, name: str) -> bool:
    return any(f" {phrase} " in f" {said} " for phrase in _phrases()[name])
