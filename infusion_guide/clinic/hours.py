"""When somebody is at this clinic (CLINIC_HOURS, CLINIC_TIMEZONE, CLINIC_HOLIDAYS), and what replies say of it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Dict, Optional

from infusion_guide.clinic.opening_hours import OpeningHours
from infusion_guide.clinic.settings import settings


def opening_hours() -> Optional[OpeningHours]:
    """The clinic's hours; None when they are not set."""
    chosen = settings()
    return _read(chosen.clinic_hours, chosen.clinic_timezone, chosen.clinic_holidays) if chosen.clinic_hours else None


_read = lru_cache(maxsize=4)(OpeningHours.parse)


def hours_words(now: datetime) -> Dict[str, str]:
    """What replies may say of the hours at `now`, as words to fill in; empty where there is nothing to say.

    `clinic_hours`: the regular week; `closes`: when the present opening ends; `next_opening`: when the next one begins.
    """
    hours = opening_hours()
    if hours is None:
        return {"clinic_hours": "", "closes": "", "next_opening": ""}
    moments = {"closes": hours.closes(now), "next_opening": hours.next_opening(now)}
    said = {name: hours.moment_in_words(moment, now) if moment else "" for name, moment in moments.items()}
    return {"clinic_hours": hours.in_words(), **said}


def by_opening_hours(name: str) -> Dict[str, str]:
    """What to utter for the reply `name` at this moment, as keyword arguments of Rasa's `utter_message`.

    `response` is the reply's form `_open` or `_closed`, and the words are those of `hours_words`. Without CLINIC_HOURS, or when
    no opening is in sight, it is `name` itself, which says nothing of hours.
    """
    hours, now = opening_hours(), datetime.now(UTC)
    if hours is None or hours.next_opening(now) is None:
        return {"response": name}
    return {"response": f"{name}_open" if hours.is_open(now) else f"{name}_closed", **hours_words(now)}
