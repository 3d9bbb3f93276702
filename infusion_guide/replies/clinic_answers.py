"""The clinic's own answers that are in force: said in the place of ours on topics that the document leaves out."""

from dataclasses import dataclass
from functools import cache
from typing import Dict, Mapping, Optional

from infusion_guide.clinic.data import DATA, read_yaml


@dataclass(frozen=True)
class ClinicAnswer:
    """What the clinic says itself; `reviewed_on` is YYYY-MM-DD, an empty `text` withdraws the answer."""

    text: str
    reviewed_by: str
    reviewed_on: str


@cache
def clinic_file() -> Dict[str, ClinicAnswer]:
    """The answers of data/clinic/answers.yml by topic, for example uncovered/cost."""
    written = read_yaml(DATA / "clinic" / "answers.yml").get("answers") or {}
    return {topic: ClinicAnswer(**{key: str(value) for key, value in answer.items()}) for topic, answer in written.items()}


_in_force: Optional[Dict[str, ClinicAnswer]] = None


def clinic_answers() -> Dict[str, ClinicAnswer]:
    """The answers that are said now, by topic: those of `use_clinic_answers`, before it those of the file."""
    return clinic_file() if _in_force is None else _in_force


def use_clinic_answers(written: Mapping[str, ClinicAnswer]) -> None:
    """From now on the answers `written` on the staff pages are said, by topic, and win over the file.

    storage/clinic_answers.py calls this again and again, so that `clinic_answers` never has to ask the database.
    """
    global _in_force
    _in_force = said_answers(written)


def said_answers(written: Mapping[str, ClinicAnswer]) -> Dict[str, ClinicAnswer]:
    """What is said of the answers `written` on the staff pages and those of the file."""
    return {topic: answer for topic, answer in {**clinic_file(), **written}.items() if answer.text.strip()}
