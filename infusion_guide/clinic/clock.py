"""The clinic's clock: times are kept as Unix seconds, and people read them in its time zone (CLINIC_TIMEZONE)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from infusion_guide.clinic.settings import settings


def clinic_zone() -> ZoneInfo:
    """The clinic's time zone."""
    return ZoneInfo(settings().clinic_timezone)


def clinic_time(seconds: float) -> datetime:
    """The time `seconds` (Unix) as the clinic's clock shows it."""
    return datetime.fromtimestamp(seconds, clinic_zone())


def clinic_today() -> date:
    """Today, at the clinic."""
    return datetime.now(clinic_zone()).date()
