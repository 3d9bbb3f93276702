"""Opening hours as people write them, and the questions that one can ask of them.

Moments are aware datetimes. They are worked out and given back in UTC, because Python compares and subtracts two times of one
time zone by their clock faces, which is wrong on the days on which clocks are changed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Dict, FrozenSet, Iterator, List, Optional, Tuple
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_IN = {"en": DAYS, "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")}
_MONTHS_ES = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre"),
    "diciembre",
)

Range = Tuple[int, int]  # minutes since midnight, from and to; the end is 1440 at most
Week = Tuple[Tuple[Range, ...], ...]  # the ranges of Monday, of Tuesday, ... in order; two never touch

_NOON, _MIDNIGHT = 12 * 60, 24 * 60  # minutes
_MINUTE, _DAY, _YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=366)

_DAY_NAME = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?\b\.?"
_TIME = r"(?:noon|midnight|\d{1,2}(?::\d\d)?(?:\s*[ap]\.?m\b\.?)?)"
_TO = r"\s*(?:-|\u2013|\u2014|\bto\b|\bthrough\b)\s*"
_PIECE = re.compile(
    rf"(?P<between>[\s,;:&]+|and\b)|(?P<all>daily\b|every\s*day\b)|(?P<closed>closed\b)"
    rf"|(?P<day>{_DAY_NAME})(?:{_TO}(?P<last_day>{_DAY_NAME}))?|(?P<start>{_TIME}){_TO}(?P<end>{_TIME}(?![\w:]))",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))?\s*([ap])?", re.IGNORECASE)
_REGION = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")


@dataclass(frozen=True)
class OpeningHours:
    """The regular week of a clinic in its time zone, and the days on which it is closed all day.

    A clock that is put back shows an hour twice: what begins or ends in it does so at the first time. What would begin or end
    in an hour that is left out does so when the clock is put forward.
    """

    week: Week
    zone: ZoneInfo
    days_off: FrozenSet[date]
    regions: Tuple[str, ...]  # whose public holidays are days off, too: US, US-NY

    @classmethod
    def parse(cls, hours: str, zone: str, days_off: str = "") -> "OpeningHours":
        """Of texts as in .env: "Mon-Fri 9:00-17:00, Sat 9 AM-noon", "America/New_York", "US-NY 2026-12-24".

        Raises:
            ValueError: something cannot be read; the message quotes it.
        """
        return cls(read_week(hours), read_zone(zone), *read_days_off(days_off))

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there at `at`: from the first minute of an opening, no longer in the minute of its end."""
        return any(opens <= at for opens, _ in self._openings(at, at + _MINUTE))

    def closes(self, at: datetime) -> Optional[datetime]:
        """When the opening ends in which `at` lies; None when it lies in none, or in one without an end within a year."""
        end, _ = self._from(at)
        return end if at < end < at + _YEAR else None

    def next_opening(self, at: datetime) -> Optional[datetime]:
        """When the next opening after `at` begins, and not the one in which `at` lies; None when none does within a year."""
        return self._from(at)[1]

    def open_minutes(self, start: datetime, end: datetime) -> float:
        """Minutes between `start` and `end` in which somebody is there; 0 when `end` comes first."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        return sum((min(end, closes) - max(start, opens)) / _MINUTE for opens, closes in self._openings(start, end))

    def in_words(self, language: str = "en") -> str:
        """The regular week for patients: Monday to Friday 9 AM to noon and 1 PM to 5 PM, Saturday 9 AM to noon."""
        kinds = dict.fromkeys(ranges for ranges in self.week if ranges)
        days = [_days_in_words([ranges == kind for ranges in self.week], language) for kind in kinds]
        return ", ".join(f"{on} {_ranges_in_words(kind, language)}" for on, kind in zip(days, kinds))

    def moment_in_words(self, then: datetime, now: datetime, language: str = "en") -> str:
        """When `then` is for somebody who reads it at `now`: tomorrow at 9 AM; Monday, November 30, at 9 AM."""
        local = then.astimezone(self.zone).replace(tzinfo=None)
        day = (local - _MINUTE).date() if local.time() == time.min else local.date()  # midnight ends a day, for people
        away = (day - now.astimezone(self.zone).date()).days
        minutes = local.hour * 60 + local.minute
        return (_moment_in_spanish if language == "es" else _moment_in_english)(day, away, minutes)

    def is_day_off(self, day: date) -> bool:
        """Whether the clinic is closed on `day` although it is open on that day of the week."""
        return day in self.days_off or any(day in holidays_of(region, day.year) for region in self.regions)

    def _from(self, at: datetime) -> Tuple[datetime, Optional[datetime]]:
        """Until when the opening lasts in which `at` lies (`at` itself: in none), and when the next one begins."""
        end = at.astimezone(UTC)
        for opens, closes in self._openings(at, at + _YEAR):
            if opens > end:
                return end, opens
            end = max(end, closes)  # it begins where the last one ended, at midnight
        return end, None

    def _openings(self, start: datetime, end: datetime) -> Iterator[Tuple[datetime, datetime]]:
        """Beginnings and ends of the openings that lie between `start` and `end` in part at least, in order."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        day = start.astimezone(self.zone).date() - _DAY
        last = end.astimezone(self.zone).date()
        while day <= last:
            for opens, closes in self._openings_on(day):
                if max(opens, start) < min(closes, end):
                    yield opens, closes
            day += _DAY

    def _openings_on(self, day: date) -> List[Tuple[datetime, datetime]]:
        if not self.week[day.weekday()] or self.is_day_off(day):
            return []
        midnight = datetime.combine(day, time.min)
        ranges = [(midnight + start * _MINUTE, midnight + end * _MINUTE) for start, end in self.week[day.weekday()]]
        return [(self._moment(start), self._moment(end)) for start, end in ranges]

    def _moment(self, shown: datetime) -> datetime:
        """The first moment at which the clinic's clock shows `shown` (a time without a zone) or, put forward, more."""
        moment = min(shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        while moment.astimezone(self.zone).replace(tzinfo=None) < shown:
            moment += _MINUTE
        return moment


def read_week(text: str) -> Week:
    """The regular week of a text such as "Mon-Fri 9:00-12:00 13:00-17:00, Sat 9 AM-noon".

    Raises:
        ValueError: it cannot be read; the message quotes what.
    """
    week: List[List[Range]] = [[] for _ in DAYS]
    days: List[int] = []
    said, at = True, 0  # whether `days` have their times
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise ValueError(f"'{text[at : at + 30]}' cannot be read. Write hours such as Mon-Fri 9:00-17:00, Sat 9:00-12:00.")
        at = piece.end()
        if piece["day"] or piece["all"]:
            days = [] if said else days
            days += _days_of(piece)
            said = False
        elif piece["closed"]:
            said = True
        elif piece["start"]:
            if not days:
                raise ValueError(f"'{piece[0]}' belongs to no day. Write the days first: Mon-Fri 9:00-17:00.")
            for day in dict.fromkeys(days):
                _add(week[day], piece, DAYS[day])
            said = True
    if not said:
        raise ValueError(f"{DAYS[days[0]]} has no times. Write them after the days: Mon-Fri 9:00-17:00.")
    if not any(week):
        raise ValueError("No times are there. Write hours such as Mon-Fri 9:00-17:00, Sat 9:00-12:00.")
    return tuple(tuple(ranges) for ranges in week)


def _days_of(piece: "re.Match[str]") -> List[int]:
    if piece["all"]:
        return list(range(7))
    first = _day_number(piece["day"])
    last = _day_number(piece["last_day"] or piece["day"])
    return [day % 7 for day in range(first, (last if last >= first else last + 7) + 1)]


def _day_number(name: str) -> int:
    return [day[:3].lower() for day in DAYS].index(name[:3].lower())


def _add(ranges: List[Range], piece: "re.Match[str]", day: str) -> None:
    """Puts the range of `piece` after those of its day."""
    start, end = _minutes(piece["start"]), _minutes(piece["end"]) or _MIDNIGHT
    if {True, False} == {_has_half(piece["start"]), _has_half(piece["end"])}:
        raise ValueError(f"'{piece[0]}' has AM or PM at one of its times only. Write it at both, or 9:00-17:00.")
    if start >= end:
        raise ValueError(
            f"'{piece[0]}' ends before it begins. Write afternoons as 13:00-17:00 or 1 PM-5 PM, "
            "and a night in two parts: Mon 22:00-24:00, Tue 0:00-6:00."
        )
    if ranges and start < ranges[-1][1]:
        raise ValueError(
            f"'{piece[0]}' lies in or before other times of {day}. Write the times of a day in their order, "
            "afternoons as 13:00-17:00 or 1 PM-5 PM."
        )
    if ranges and start == ranges[-1][1]:
        start = ranges.pop()[0]
    ranges.append((start, end))


def _has_half(time_of_day: str) -> Optional[bool]:
    """Whether AM or PM stands there; noon and midnight need neither and go with both."""
    return time_of_day[-1].lower() in "m." if time_of_day[0].isdigit() else None


def _minutes(time_of_day: str) -> int:
    """Minutes since midnight. Raises ValueError: there is no such time."""
    found = _CLOCK.match(time_of_day)
    if found is None:
        return _NOON if time_of_day.lower() == "noon" else 0
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        wrong = not 1 <= hour <= 12
        hour = hour % 12 + (12 if half == "p" else 0)
    else:
        wrong = hour * 60 + minute > _MIDNIGHT
    if wrong or minute > 59:
        raise ValueError(f"'{time_of_day}' is no time of day.")
    return hour * 60 + minute


def read_zone(name: str) -> ZoneInfo:
    """The time zone `name`, for example America/New_York. Raises ValueError: there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone. Write one such as America/New_York or America/Chicago.") from None


def read_days_off(text: str) -> Tuple[FrozenSet[date], Tuple[str, ...]]:
    """Dates and regions of a text such as "US-NY 2026-12-24". Raises ValueError: one of them cannot be read."""
    dates, regions = set(), []
    for word in text.replace(",", " ").split():
        if _REGION.fullmatch(word):
            holidays_of(word, date.today().year)
            regions.append(word)
            continue
        try:
            dates.add(datetime.strptime(word, "%Y-%m-%d").date())
        except ValueError:
            raise ValueError(
                f"'{word}' is neither a date (2026-12-24) nor a country (US) nor a part of one (US-NY), in capital letters."
            ) from None
    return frozenset(dates), tuple(regions)


@cache
def holidays_of(region: str, year: int) -> Dict[date, str]:
    """Names of the public holidays of `region` (US, US-NY) in `year` by date. Raises ValueError: no such region is known."""
    import holidays  # only here: not every clinic names a region

    country, _, subdivision = region.partition("-")
    try:
        return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError:
        raise ValueError(f"The holidays of '{region}' are not known. Write their dates, for example 2026-12-25.") from None


def _moment_in_english(day: date, away: int, minutes: int) -> str:
    at = _minutes_in_words(minutes)
    if 0 <= away <= 6:
        return f"{('today', 'tomorrow')[away] if away < 2 else DAYS[day.weekday()]} at {at}"
    return f"{day:%A, %B} {day.day}, at {at}"


def _moment_in_spanish(day: date, away: int, minutes: int) -> str:
    """hoy al mediodía; mañana a la 1 PM; el lunes 30 de noviembre a las 9 AM."""
    at = _minutes_in_words(minutes, "es")
    before = {_NOON: "al", 0: "a la", _MIDNIGHT: "a la"}.get(minutes, "a la" if minutes // 60 % 12 == 1 else "a las")
    if 0 <= away < 2:
        return f"{('hoy', 'mañana')[away]} {before} {at}"
    named = f"el {_DAYS_IN['es'][day.weekday()]}"
    return f"{named} {before} {at}" if 2 <= away <= 6 else f"{named} {day.day} de {_MONTHS_ES[day.month - 1]} {before} {at}"


def _days_in_words(chosen: List[bool], language: str) -> str:
    """Monday to Friday; Monday, Wednesday, and Friday; every day."""
    if all(chosen):
        return "todos los días" if language == "es" else "every day"
    to = "a" if language == "es" else "to"
    runs: List[List[str]] = []
    for number, name in enumerate(_DAYS_IN[language]):
        if chosen[number] and number and chosen[number - 1]:
            runs[-1].append(name)
        elif chosen[number]:
            runs.append([name])
    return _listed([word for run in runs for word in ([f"{run[0]} {to} {run[-1]}"] if len(run) > 2 else run)], language)


def _ranges_in_words(ranges: Tuple[Range, ...], language: str) -> str:
    if ranges == ((0, _MIDNIGHT),):
        return "las 24 horas" if language == "es" else "all day"
    both = [[_minutes_in_words(minutes, language) for minutes in times] for times in ranges]
    return _listed([f"de {start} a {end}" if language == "es" else f"{start} to {end}" for start, end in both], language)


def _minutes_in_words(minutes: int, language: str = "en") -> str:
    if minutes in (0, _NOON, _MIDNIGHT):
        noon, midnight = ("mediodía", "medianoche") if language == "es" else ("noon", "midnight")
        return noon if minutes == _NOON else midnight
    hour, minute = divmod(minutes, 60)
    return f"{hour % 12 or 12}{f':{minute:02}' if minute else ''} {'AM' if hour < 12 else 'PM'}"


def _listed(words: List[str], language: str) -> str:
    if language == "es":
        return f"{', '.join(words[:-1])} y {words[-1]}" if len(words) > 1 else "".join(words)
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"
