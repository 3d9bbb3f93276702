"""The days of a report, in the clinic's time zone, and the steps of its plots."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Dict, Iterator, List, Optional, Tuple
from zoneinfo import ZoneInfo

from infusion_guide.clinic.clock import clinic_today, clinic_zone
from infusion_guide.clinic.settings import settings

LONGEST = 800  # days
USUAL = 30  # days
_PIECE = 50  # days
_MOST_STEPS = 31
_YEARS = range(2000, 2100)


class PeriodError(ValueError):
    """The days asked for make no report; the message says why, in words for staff."""


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included, as the clinic counts them in the time zone `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def read(cls, first: Optional[str] = None, last: Optional[str] = None, today: Optional[date] = None) -> "Period":
        """The days from `first` to `last` (YYYY-MM-DD): without them, the 30 days that end with `last`, or today.

        Raises:
            PeriodError: a date is wrong, the end is before the start, or there are more than LONGEST days.
        """
        end = _date(last) if last else today or clinic_today()
        start = _date(first) if first else end - timedelta(days=USUAL - 1)
        if end < start:
            raise PeriodError(f"The last day ({end}) is before the first day ({start}). Please swap them.")
        if (end - start).days >= LONGEST:
            raise PeriodError(
                f"These are {(end - start).days + 1:,} days. A report covers at most {LONGEST}: counts are not kept much "
                f"longer ({settings().keep_counts_days} days). Please choose a shorter time."
            )
        return cls(start, end, clinic_zone())

    @property
    def days(self) -> int:
        """How many days these are."""
        return (self.last - self.first).days + 1

    @property
    def words(self) -> str:
        """For example: Nov 1 to Nov 30, 2026."""
        if self.first == self.last:
            return f"{_day(self.last)}, {self.last.year}"
        year = f", {self.first.year}" if self.first.year != self.last.year else ""
        return f"{_day(self.first)}{year} to {_day(self.last)}, {self.last.year}"

    def pieces(self) -> Iterator[Tuple[float, float]]:
        """Spans of at most 50 days, start and end (not included) in Unix seconds: so much is counted at a time."""
        for number in range(0, self.days, _PIECE):
            start = self.first + timedelta(days=number)
            yield self._began(start), self._began(min(start + timedelta(days=_PIECE), self.last + timedelta(days=1)))

    def _began(self, day: date) -> float:
        return datetime.combine(day, time(), self.zone).timestamp()

    def local(self, at: float) -> datetime:
        """The clinic's time of `at` (Unix seconds)."""
        return datetime.fromtimestamp(at, self.zone)

    @property
    def unit(self) -> str:
        """What one bar of a plot stands for, so that there are few enough to read: day, week (from Monday) or month."""
        if self.days <= _MOST_STEPS:
            return "day"
        return "week" if self.days <= 7 * (_MOST_STEPS - 1) else "month"

    def step(self, day: date) -> date:
        """The first day of the step that `day` is in."""
        if self.unit == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.unit == "month" else day

    def steps(self) -> Dict[date, str]:
        """All steps in order: first day, and what it is called (Nov 2)."""
        days: List[date] = [self.first + timedelta(days=number) for number in range(self.days)]
        return {self.step(day): f"{self.step(day):%b %Y}" if self.unit == "month" else _day(self.step(day)) for day in days}


def _date(text: str) -> date:
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise PeriodError(f"'{text.strip()[:20]}' is not a date we can use. Write it as YYYY-MM-DD, for example 2026-11-01.")
    return day


def _day(day: date) -> str:
    return f"{day:%b} {day.day}"
