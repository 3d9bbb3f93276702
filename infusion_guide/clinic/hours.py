"""When somebody is at this clinic (CLINIC_HOURS, CLINIC_TIMEZONE, CLINIC_HOLIDAYS), and what replies say of it."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Dict, Optional

from infusion_guide.clinic.opening_hours import OpeningHours
from infusion_guide.clinic.settings import settings

_parsed = lru_cache(maxsize=4)(OpeningHours.parse)


def opening_hours() -> Optional[OpeningHours]:
    """The clinic's hours; None when they are not set."""
    chosen = settings()
    return _parsed(chosen.clinic_hours, chosen.clinic_timezone, chosen.clinic_holidays) if chosen.clinic_hours else None


def by_opening_hours(name: str, at: Optional[datetime] = None, language: str = "en") -> Dict[str, str]:
    """What to utter for the reply `name` at a moment (now) in `language`, as keyword arguments of Rasa's `utter_message`.

    `response` is the reply's form `_open` or `_closed`. What it says: `clinic_hours`, the regular week; `closes`, when the
    present opening ends (empty: none, or not within a year); `next_opening`, when the next one begins. Without CLINIC_HOURS, or
    when no opening is in sight, it is `name` itself, which says nothing of hours.
    """
    hours, now = opening_hours(), at or datetime.now(UTC)
    if not hours or not (opens := hours.next_opening(now)):
        return {"response": name}
    closes = hours.closes(now)
    return {
        "response": f"{name}_open" if hours.is_open(now) else f"{name}_closed",
        "clinic_hours": hours.in_words(language),
        "closes": hours.moment_in_words(closes, now, language) if closes else "",
        "next_opening": hours.moment_in_words(opens, now, language),
    }
