"""The clinic's words as data: the ledger, the authorities, the clinic's own answers."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import yaml

from infusion_guide.clinic.settings import ROOT, settings

DATA = ROOT / "data"

# What a reply rests on that is neither a claim nor an authority: the clinic's own words.
CLINIC = "clinic"

ClinicAnswer = Dict[str, Any]  # "text", "reviewed_by", "reviewed_on"


def read_yaml(path: Path) -> Any:
    """Plain Python objects of one YAML file; raises yaml.YAMLError that names file and line."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)


@lru_cache(maxsize=1)
def claims() -> Dict[str, Dict[str, str]]:
    """Claims of the clinic's document (data/document.yml) by id."""
    return {claim["id"]: claim for claim in read_yaml(DATA / "document.yml")["claims"]}


def claim_words(claim: str) -> str:
    """What a patient may read of the claim `claim`: its words, and what must be said with them."""
    entry = claims()[claim]
    return f"{entry['claim']} {entry['qualification']}" if entry["say"] == "qualified" else entry["claim"]


@lru_cache(maxsize=1)
def authorities() -> Dict[str, Dict[str, Any]]:
    """Public authorities whose facts replies may state (data/authorities.yml) by id."""
    return {entry["id"]: entry for entry in read_yaml(DATA / "authorities.yml")["authorities"]}


@lru_cache(maxsize=1)
def section_labels() -> Dict[str, str]:
    """Short names of the document's sections, by heading."""
    return read_yaml(DATA / "document.yml")["sections"]


@lru_cache(maxsize=1)
def clinic_file() -> Dict[str, ClinicAnswer]:
    """The answers of data/clinic/answers.yml by topic, for example uncovered/cost: "text", "reviewed_by", "reviewed_on"."""
    return read_yaml(DATA / "clinic" / "answers.yml").get("answers") or {}


_in_force: Optional[Dict[str, ClinicAnswer]] = None


def clinic_answers() -> Dict[str, ClinicAnswer]:
    """The clinic's own answers that are said now, by topic: those of `use_clinic_answers`, before it those of the file."""
    return clinic_file() if _in_force is None else _in_force


def use_clinic_answers(written: Dict[str, ClinicAnswer]) -> None:
    """From now on the answers `written` on the staff pages are said, by topic, and win over the file; an empty text withdraws.

    storage/clinic_answers.py calls this again and again, so that `clinic_answers` never has to ask the database.
    """
    global _in_force
    _in_force = said_answers(written)


def said_answers(written: Dict[str, ClinicAnswer]) -> Dict[str, ClinicAnswer]:
    """What is said of the answers `written` on the staff pages and those of the file."""
    return {topic: answer for topic, answer in {**clinic_file(), **written}.items() if answer["text"].strip()}


@cache
def variations(name: str) -> List[Dict[str, Any]]:
    """The reviewed variations of the response `name`, for example utter_faq/cravings, from its file; read once."""
    found: List[Dict[str, Any]] = read_yaml(DATA / "responses" / f"{name[len('utter_') :]}.yml")["responses"][name]
    return found


@lru_cache(maxsize=1)
def replies() -> Dict[str, List[Dict[str, Any]]]:
    """The reviewed variations of every response, by name."""
    paths = sorted((DATA / "responses").rglob("*.yml"))
    names = [f"utter_{path.relative_to(DATA / 'responses').with_suffix('').as_posix()}" for path in paths]
    return {name: variations(name) for name in names}


def next_topics(label: str) -> Tuple[str, ...]:
    """Topics that a patient is likely to ask after `label`, for example faq/cravings."""
    return tuple(variations(f"utter_{label}")[0]["metadata"]["next"])


@lru_cache(maxsize=1)
def _button_titles() -> Dict[str, str]:
    buttons: Dict[str, str] = {}
    own: Dict[str, str] = {}
    for path in sorted((DATA / "responses").rglob("*.yml")):
        for name, said in read_yaml(path)["responses"].items():
            for variation in said:
                buttons.update({button["payload"]: button["title"] for button in variation.get("buttons", [])})
            title = said[0]["metadata"].get("title")
            if title:
                own[f"/{name[len('utter_') :]}"] = title
    return {**buttons, **own}  # a reply may stand on buttons in two languages


def button_title(payload: str) -> str:
    """What a patient reads on the button that sends `payload`; `payload` itself when no button does."""
    return _button_titles().get(payload, payload)


def topic_title(label: str) -> str:
    """What staff call the topic or reply `label`, for example uncovered/cost: the words on its button, or its name in words."""
    named = label.rsplit("/", 1)[-1].replace("_", " ").capitalize()
    return _button_titles().get(f"/{label}", named)


def line(name: str, **words: str) -> str:
    """The reviewed words of the response `name`, for what is said outside a turn; `words` fill its braces."""
    return str(variations(name)[0]["text"]).strip().format(**settings().words(), **words)


def is_answerable(label: str) -> bool:
    """Whether `label` is a topic that has an answer of its own; not a crisis, not small talk, not a miss."""
    return label.startswith(("faq/", "uncovered/", "advice/", "misuse/"))
