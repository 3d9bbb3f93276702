"""The book: the reviewed words of every reply (data/responses/), read from the disk once for a process."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import settings
from infusion_guide.replies import guided
from infusion_guide.replies.reply import Button
from infusion_guide.replies.topic import KINDS, TOOL, Topic

RESPONSES = DATA / "responses"
_CAREFUL = [{"type": "slot", "name": "careful", "value": True}]


@dataclass(frozen=True)
class Variation:
    """One wording of a reply, and how it is completed: the `metadata` of data/responses/.

    `sources`: the claims and authorities it rests on; `refer`: who its last line leads to; `next`: labels of the topics offered
    after it; `title`: on the button that leads to the reply; `hours`: whether the clinic's hours follow; `careful`: said only
    while a conversation is careful; `tool`: the guided tool that is offered with it. `written` is all that its file says.
    """

    text: str
    sources: Sequence[str]
    refer: str
    next: Sequence[str]
    title: str = ""
    language: str = "en"
    hours: bool = False
    careful: bool = False
    tool: str = ""
    buttons: Tuple[Button, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "Variation":
        """Reads one entry of a file. Raises ValueError or TypeError: it asks for what nothing here can do."""
        if written.get("condition", _CAREFUL) != _CAREFUL:
            raise ValueError(f"A reply can depend on the slot careful alone, not on {written['condition']}.")
        buttons = tuple(Button(**button) for button in written.get("buttons", []))
        return cls(written["text"], **written["metadata"], careful="condition" in written, buttons=buttons, written=written)


@cache
def _book() -> Dict[str, Tuple[Variation, ...]]:
    """Whole, so that a reply can be said when the disk is gone, and no reply changes while others stay as they were."""
    found = {}
    for path in sorted(RESPONSES.rglob("*.yml")):
        for name, said in read_yaml(path)["responses"].items():
            found[name] = tuple(Variation.of(written) for written in said)
    for name, said in guided.replies().items():
        found[name] = tuple(Variation.of(written) for written in said)
    order = [*KINDS, TOOL, ""]
    return dict(sorted(found.items(), key=lambda entry: (order.index(Topic.of(entry[0]).kind), entry[0])))


def names() -> Tuple[str, ...]:
    """The names of all replies, crisis first."""
    return tuple(_book())


def variations(name: str) -> Tuple[Variation, ...]:
    """The reviewed wordings of the reply `name`, for example utter_faq/cravings. Raises KeyError."""
    return _book()[name]


def fill(text: str, words: Optional[Mapping[str, Any]] = None) -> str:
    """`text` with the settings and `words` in the place of its braces. Raises KeyError: nothing fills one of them.

    Of several lines, one with a brace that holds nothing is left out.
    """
    known = {**settings().words(), **(words or {})}
    lines = text.split("\n")
    if len(lines) > 1:
        lines = [each for each in lines if all(known[brace] != "" for brace in re.findall(r"{(\w+)}", each))]
    return "\n".join(lines).format(**known).strip()


def line(name: str, words: Optional[Mapping[str, Any]] = None, turn: int = 0, language: str = "en") -> str:
    """The words of the reply `name` alone, for what is said outside a turn or inside another reply, in its `turn`-th wording."""
    wordings = [each for each in variations(name) if each.language == language] or variations(name)
    return fill(wordings[turn % len(wordings)].text, words)


def unfilled(name: str) -> Dict[str, str]:
    """The braces of a reply that settings do not fill, by what stands in them, as [words in brackets]."""
    braces = {brace for variation in variations(name) for brace in re.findall(r"{(\w+)}", variation.text)}
    return {brace: f"[{brace.replace('_', ' ')}]" for brace in braces - set(settings().words())}


@cache
def _titles(language: str) -> Dict[str, str]:
    spoken = {name: [each for each in said if each.language == language] for name, said in _book().items()}
    buttons = {button.payload: button.title for said in spoken.values() for each in said for button in each.buttons}
    own = {Topic.of(name).payload: said[0].title for name, said in spoken.items() if said and said[0].title}
    return {**buttons, **own}


def button_title(payload: str, language: str = "en") -> str:
    """What a patient reads on the button that sends `payload`; `payload` itself when no button does."""
    return _titles(language).get(payload, payload)


def topic_title(label: str, language: str = "en") -> str:
    """What people call a topic or reply (uncovered/cost, utter_uncovered/cost): the words on its button, or its name in words."""
    topic = Topic.of(label)
    found = _titles(language).get(topic.payload) or _titles("en").get(topic.payload)
    return found or topic.name.replace("_", " ").capitalize()
