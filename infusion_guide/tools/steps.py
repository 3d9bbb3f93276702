"""The way through a guided tool: where a patient is and what they chose in, what is said and where they are then out. No Rasa."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Dict, Mapping, Optional, Tuple

from infusion_guide.replies import guided
from infusion_guide.replies.guided import ASK, BETTER, ENDS, ENOUGH, RESULT, SAME, SAY, SKIP, STOP, WORSE, reply_of

# Slots: the step that is open ("breathing/first"), the answers so far, and that no tool is offered any more.
TOOL, ANSWERS, WAITS = "tool", "tool_answers", "tools_wait"

# Choices beside those on buttons.
WORDS, AGAIN, WAIT = "words", "again", "wait"

HOW = "how"  # the question at the end; the state is then breathing/how
LONGEST = 160  # characters that are kept of an answer: one text message
_BREATHING = "breathing"


@dataclass(frozen=True)
class Step:
    """One step as data/tools/ holds it.

    `kind`: SAY, ASK or RESULT. `optional`: an ASK that may be skipped; `enough`: the step that follows on "that's all";
    `is_open`: a SAY that invites words; `questions`: an ASK that a question answers.
    """

    name: str
    kind: str
    optional: bool = False
    enough: str = ""
    is_open: bool = False
    questions: bool = False


@dataclass(frozen=True)
class State:
    """Where a patient is: `step` of `tool` is open. `answers`: what they said, by the name of the step that asked."""

    tool: str
    step: str
    answers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, slots: Mapping[str, Any]) -> Optional["State"]:
        """What the slots of a conversation hold; None: no tool is under way, or not one that there is any more."""
        tool, _, step = (slots.get(TOOL) or "").partition("/")
        known = tool in tools() and (step == HOW or step in tools()[tool])
        return cls(tool, step, slots.get(ANSWERS) or {}) if known else None

    @property
    def slot(self) -> str:
        """What the slot TOOL holds."""
        return f"{self.tool}/{self.step}"

    @property
    def open_step(self) -> Step:
        """The step that waits for an answer."""
        return Step(HOW, SAY) if self.step == HOW else tools()[self.tool][self.step]


@dataclass(frozen=True)
class Turn:
    """What is said next, names of replies in their order, and where the patient is then; None: the tool is over.

    `answers` fill the result where it is said: no slot holds them any more.
    """

    says: Tuple[str, ...]
    state: Optional[State] = None
    answers: Mapping[str, str] = field(default_factory=dict)


@cache
def tools() -> Dict[str, Dict[str, Step]]:
    """Every tool: its steps by their names, in order."""
    found = {}
    for name, whole in guided.written().items():
        steps = [
            Step(
                step[kind],
                kind,
                bool(step.get("optional")),
                step.get("enough", ""),
                bool(step.get("open")),
                bool(step.get("questions")),
            )
            for step, kind in ((step, guided.kind_of_step(step)) for step in whole["steps"])
        ]
        found[name] = {step.name: step for step in steps}
    return {name: steps for name, steps in found.items() if name != ENDS}


def begin(tool: str) -> Turn:
    """The first step. Raises KeyError: no such tool."""
    return _at(State(tool, next(iter(tools()[tool]))))


def again(state: State) -> Turn:
    """The open step once more, after something in between."""
    return Turn((reply_of(ENDS, HOW) if state.step == HOW else reply_of(state.tool, state.step),), state)


def go_on(state: State, choice: str, words: str = "") -> Turn:
    """What follows when a patient in `state` makes the `choice` (tools/reading.py); `words`: theirs, for WORDS."""
    step = state.open_step
    if choice == WAIT:
        return _over("wait")
    if choice == WORSE:
        return _over("worse_after_breathing" if state.tool == _BREATHING else "worse")
    if choice in (STOP, BETTER):
        return replace(_over("left" if choice == STOP else "better", *_kept(state)), answers=state.answers)
    if choice == AGAIN:
        return again(state)
    if step.name == HOW:
        return _over("same") if choice == SAME else again(state)
    if choice == ENOUGH and step.enough:
        return _at(State(state.tool, step.enough, state.answers))
    if step.kind == ASK and choice == WORDS and words.strip():
        return _after(State(state.tool, state.step, {**state.answers, step.name: shortened(words)}))
    if step.kind == ASK and not (choice in (SKIP, ENOUGH, guided.NEXT) and step.optional):
        return again(state)
    return _after(state)


def shortened(words: str) -> str:
    """What is kept of an answer: one line, not endless."""
    return " ".join(words.split())[:LONGEST].strip()


def _after(state: State) -> Turn:
    names = list(tools()[state.tool])
    return _at(State(state.tool, names[names.index(state.step) + 1], state.answers))


def _at(state: State) -> Turn:
    if tools()[state.tool][state.step].kind == RESULT:  # to keep; then how it is
        return Turn((reply_of(state.tool, state.step), reply_of(ENDS, HOW)), State(state.tool, HOW), state.answers)
    return Turn((reply_of(state.tool, state.step),), state)


def _kept(state: State) -> Tuple[str, ...]:
    """The result of what was answered so far, for somebody who goes earlier."""
    result = list(tools()[state.tool])[-1]
    return (reply_of(state.tool, result),) if state.answers else ()


def _over(end: str, *before: str) -> Turn:
    return Turn((*before, reply_of(ENDS, end)))
