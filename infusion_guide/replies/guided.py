"""The words of the guided tools (data/tools/): each step is a reply, utter_tool/<tool>/<step>, in the form of data/responses/."""

from functools import cache
from typing import Any, Dict, List, Mapping, Sequence

from infusion_guide.clinic.data import DATA, read_yaml

TOOLS = DATA / "tools"
ENDS = "ends"  # the file of what every tool says at its end; no tool itself
LANGUAGES = ("en", "es")

# What a patient can do at a step besides giving words; a button sends /tool_answer/<choice>.
NEXT, SKIP, ENOUGH, STOP, BETTER, SAME, WORSE = "next", "skip", "enough", "stop", "better", "same", "worse"
_OTHER_PAYLOADS = {"talk_to_person": "/talk_to_person", "help_now": "/help_now"}
SAY, ASK, RESULT = "say", "ask", "result"


@cache
def written() -> Dict[str, Dict[str, Any]]:
    """Every file of data/tools/ by its name, ENDS among them."""
    return {path.stem: read_yaml(path) for path in sorted(TOOLS.glob("*.yml"))}


@cache
def tool_words() -> Dict[str, Any]:
    """data/tool_words.yml: what stands on buttons, and how people answer in a word or two."""
    found: Dict[str, Any] = read_yaml(DATA / "tool_words.yml")
    return found


def reply_of(tool: str, step: str) -> str:
    """The reply that says a step: utter_tool/breathing/first."""
    return f"utter_tool/{tool}/{step}"


def kind_of_step(step: Mapping[str, Any]) -> str:
    """SAY, ASK or RESULT."""
    return next(kind for kind in (SAY, ASK, RESULT) if kind in step)


def choices(step: Mapping[str, Any]) -> Sequence[str]:
    """What the buttons under a step do, in their order."""
    if "choices" in step:
        named: Sequence[str] = step["choices"]
        return named
    kind = kind_of_step(step)
    if kind == RESULT:
        return ()
    first = [NEXT] if kind == SAY else [SKIP] if step.get("optional") and not step.get("enough") else []
    return [*first, *([ENOUGH] if step.get("enough") else []), STOP]


def start(tool: str, language: str) -> Dict[str, str]:
    """The button that begins a tool: what is read on it and what it sends."""
    return {"title": tool_words()["buttons"]["start"][language], "payload": f"/start_tool/{tool}"}


def replies() -> Dict[str, List[Dict[str, Any]]]:
    """The wordings of every step, by the name of its reply."""
    return {
        reply_of(tool, step[kind_of_step(step)]): [
            _wording(whole, step, f"{number} of {len(whole['steps'])}", language, text)
            for language in LANGUAGES
            for text in step[language]
        ]
        for tool, whole in written().items()
        for number, step in enumerate(whole["steps"], start=1)
    }


def _wording(whole: Mapping[str, Any], step: Mapping[str, Any], place: str, language: str, text: str) -> Dict[str, Any]:
    titles = {**tool_words()["buttons"], **step.get("buttons", {})}
    metadata = {
        "title": f"{whole['title'][language]} ({place})",
        "sources": step.get("sources", whole["sources"]),
        "refer": step.get("refer", "none"),
        "next": step.get("offers", []),
        "language": language,
        "tool": step.get("tool", ""),
    }
    buttons = [
        {"title": titles[each][language], "payload": _OTHER_PAYLOADS.get(each, f"/tool_answer/{each}")} for each in choices(step)
    ]
    return {"text": text.strip(), "buttons": buttons, "metadata": metadata}
