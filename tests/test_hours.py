"""Opening hours: read as people write them, and true to the minute, also when clocks change."""

import time as clock
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_guide.clinic import hours as module
from infusion_guide.clinic.opening_hours import OpeningHours
from infusion_guide.clinic.settings import Settings

MINUTE = timedelta(minutes=1)
NEW_YORK = ZoneInfo("America/New_York")


def usual(hours="Mon-Fri 9:00-12:00 13:00-17:00, Sat 9:00-12:00", days_off="US 2026-12-24", zone="America/New_York"):
    return OpeningHours.parse(hours, zone, days_off)


def at(words, zone=NEW_YORK):
    return datetime.strptime(words, "%Y-%m-%d %H:%M").replace(tzinfo=zone)


@pytest.mark.parametrize(
    "written, words",
    [
        (
            "Mon-Fri 9:00-12:00 13:00-17:00, Sat 9:00-12:00",
            "Monday to Friday 9 AM to noon and 1 PM to 5 PM, Saturday 9 AM to noon",
        ),
        ("monday to friday: 9 AM-5 PM; Sat. 9 a.m. \u2013 noon", "Monday to Friday 9 AM to 5 PM, Saturday 9 AM to noon"),
        ("Mon, Wed and Fri 9-17", "Monday, Wednesday, and Friday 9 AM to 5 PM"),
        ("Mon & Tue 8:30-16:45, Sun closed", "Monday and Tuesday 8:30 AM to 4:45 PM"),
        ("Tues-Thurs 9-12 12-17", "Tuesday to Thursday 9 AM to 5 PM"),
        ("Mon 9-17, Tue 10-18, Wed 9-17", "Monday and Wednesday 9 AM to 5 PM, Tuesday 10 AM to 6 PM"),
        ("Sat-Mon 12 PM-12 AM", "Monday, Saturday, and Sunday noon to midnight"),
        ("daily 0:00-24:00", "every day all day"),
        ("Mon-Fri 9-12, 13-17", "Monday to Friday 9 AM to noon and 1 PM to 5 PM"),
        ("Mon 7-9 12-13 18-20", "Monday 7 AM to 9 AM, noon to 1 PM, and 6 PM to 8 PM"),
    ],
)
def test_hours_are_read_and_said(written, words):
    assert usual(written).in_words() == words


@pytest.mark.parametrize(
    "written, named",
    [
        ("", "No times are there"),
        ("Sun closed", "No times are there"),
        ("Mon", "Monday has no times"),
        ("Mon 9-17, Tue", "Tuesday has no times"),
        ("9-17", "'9-17' belongs to no day"),
        ("Funday 9-17", "'Funday 9-17' cannot be read"),
        ("Mon-Fri 900-1700", "'900-1700' cannot be read"),
        ("Mon 9-25", "'25' is no time of day"),
        ("Mon 9:60-10:00", "'9:60' is no time of day"),
        ("Mon 13 PM-5 PM", "'13 PM' is no time of day"),
        ("Mon 9-5", "'9-5' ends before it begins"),
        ("Mon 9-9", "'9-9' ends before it begins"),
        ("Fri 22:00-6:00", "Mon 22:00-24:00, Tue 0:00-6:00"),
        ("Mon 9-12 1-5", "'1-5' lies in or before other times of Monday"),
        ("Mon 9-13 12-17", "'12-17' lies in or before other times of Monday"),
        ("Mon-Fri 9-12, Wed 11-13", "'11-13' lies in or before other times of Wednesday"),
        ("Mon 9-5 PM", "AM or PM at one of its times only"),
    ],
)
def test_what_cannot_be_read_is_quoted(written, named):
    with pytest.raises(ValueError, match=named):
        usual(written)


@given(st.text(alphabet="MonTueSat 0123459:-,;apmPM.\u2013\n", max_size=25) | st.text(max_size=25))
def test_any_text_is_hours_or_a_clear_error(written):
    try:
        assert usual(written).in_words()
    except ValueError as error:
        assert str(error).endswith(".")


def test_other_errors_are_clear():
    for zone in ("Atlantis", "", "America", "../../etc/passwd", "x" * 300, "\0"):
        with pytest.raises(ValueError, match="is no time zone"):
            usual(zone=zone)
    wrong = {"24.12.2026": "neither a date", "2026-02-30": "neither a date", "XX": "not known", "US-ZZ": "not known"}
    for days_off, words in wrong.items():
        with pytest.raises(ValueError, match=words):
            usual(days_off=days_off)


def test_an_ordinary_week():
    hours = usual()
    assert not hours.is_open(at("2026-11-23 08:59")) and hours.is_open(at("2026-11-23 09:00"))
    assert hours.is_open(at("2026-11-23 11:59")) and not hours.is_open(at("2026-11-23 12:00"))
    assert hours.closes(at("2026-11-23 09:00")) == at("2026-11-23 12:00") and hours.closes(at("2026-11-23 12:30")) is None
    assert hours.next_opening(at("2026-11-23 10:00")) == at("2026-11-23 13:00")
    assert hours.next_opening(at("2026-11-28 12:00")) == at("2026-11-30 09:00")
    assert hours.is_open(at("2026-11-23 15:30", UTC))
    assert not hours.is_open(at("2026-11-23 15:30", ZoneInfo("Asia/Tokyo")))


def test_days_off():
    hours = usual()
    assert hours.next_opening(at("2026-11-25 17:00")) == at("2026-11-27 09:00")  # Thanksgiving
    assert not hours.is_open(at("2026-12-24 10:00")) and hours.is_open(at("2027-12-23 10:00"))
    assert hours.is_day_off(date(2027, 12, 31))  # New Year's Day 2028 is a Saturday
    assert usual(days_off="").is_open(at("2026-11-26 10:00"))
    assert not usual(days_off="US-NY").is_open(at("2026-02-12 10:00"))  # Lincoln's birthday, in New York alone
    mondays = " ".join(str(date(2026, 11, 23) + timedelta(weeks=week)) for week in range(54))
    assert usual("Mon 9-17", mondays).next_opening(at("2026-11-22 10:00")) is None


def test_openings_across_midnight_are_one():
    night = usual("Mon 22-24, Tue 0-6", "")
    assert night.closes(at("2026-11-23 23:00")) == at("2026-11-24 06:00")
    assert night.next_opening(at("2026-11-23 23:00")) == at("2026-11-30 22:00")
    always = usual("daily 0-24", "")
    assert always.is_open(at("2026-11-23 23:59")) and always.closes(at("2026-11-23 10:00")) is None
    assert always.next_opening(at("2026-11-23 10:00")) is None
    assert usual("daily 0-24", "2026-12-24").closes(at("2026-11-23 10:00")) == at("2026-12-24 00:00")


def test_open_minutes():
    hours = usual()
    assert hours.open_minutes(at("2026-11-23 11:30"), at("2026-11-23 13:30")) == 60
    assert hours.open_minutes(at("2026-11-27 16:00"), at("2026-11-30 09:15")) == 60 + 180 + 15
    assert hours.open_minutes(at("2026-11-26 00:00"), at("2026-11-27 00:00")) == 0
    assert hours.open_minutes(at("2026-11-23 13:00"), at("2026-11-23 09:00")) == 0
    assert hours.open_minutes(at("2026-01-01 00:00"), at("2027-01-01 00:00")) == 60 * (7 * 249 + 3 * 51)
    assert usual("Sun 0-24").open_minutes(at("2026-11-01 00:30"), at("2026-11-01 03:30")) == 240  # an hour comes twice


# Days around a change of clocks, some of them at midnight or by half an hour.
CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
]


@cache
def minutes_around(zone, day):
    """Every minute of the days around `day`, and what the clock shows; put back, it counts once it shows something new."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    moments = [start + number * MINUTE for number in range(5 * 24 * 60)]
    shown, latest = [], datetime.min
    for moment in moments:
        latest = max(latest, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        shown.append((latest.date(), latest.hour * 60 + latest.minute))
    return moments, shown


quarters = st.integers(0, 96) | st.integers(0, 16)  # clocks are changed at night
edges_of_a_day = st.lists(quarters.map(lambda quarter: quarter * 15), max_size=6, unique=True).map(sorted)
weeks = st.lists(edges_of_a_day, min_size=7, max_size=7)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CHANGES), weeks, st.integers(-2, 4), st.integers(24 * 60, 3 * 24 * 60), st.integers(0, 24 * 60))
def test_every_minute_around_a_change_of_clocks(change, week, off, number, more):
    zone, day = change
    ranges = [tuple(zip(edges[::2], edges[1::2])) for edges in week]
    days_off = day + timedelta(days=off)
    hours = OpeningHours(tuple(ranges), ZoneInfo(zone), frozenset([days_off]), ())
    moments, shown = minutes_around(zone, day)
    is_open = [d != days_off and any(a <= m < b for a, b in ranges[d.weekday()]) for d, m in shown]

    now = moments[number]
    assert hours.is_open(now) == is_open[number]
    ends = next((i for i in range(number, len(moments)) if not is_open[i]), None)
    begins = next((i for i in range(ends or number, len(moments)) if is_open[i]), None) if ends is not None else None
    if not is_open[number]:
        assert hours.closes(now) is None
    elif ends is not None:
        assert hours.closes(now) == moments[ends]
    if begins is not None:
        assert hours.next_opening(now) == moments[begins]
    else:
        assert hours.next_opening(now) is None or hours.next_opening(now) > moments[-1]
    assert hours.open_minutes(moments[0], moments[-1]) == sum(is_open[:-1])
    assert hours.open_minutes(now, now + more * MINUTE) == sum(is_open[number : number + more])


@pytest.mark.parametrize(
    "then, words",
    [
        ("2026-11-23 13:00", "today at 1 PM"),
        ("2026-11-24 09:00", "tomorrow at 9 AM"),
        ("2026-11-24 00:00", "today at midnight"),
        ("2026-11-25 12:00", "Wednesday at noon"),
        ("2026-11-29 09:30", "Sunday at 9:30 AM"),
        ("2026-11-30 09:00", "Monday, November 30, at 9 AM"),
        ("2027-01-04 16:45", "Monday, January 4, at 4:45 PM"),
    ],
)
def test_moments_in_words(then, words):
    now = at("2026-11-24 04:30", UTC)  # still Monday in New York
    assert usual().moment_in_words(at(then), now) == words
    assert usual().moment_in_words(at(then).astimezone(UTC), now) == words


@pytest.mark.parametrize(
    "then, words",
    [
        ("2026-11-23 13:00", "hoy a la 1 PM"),
        ("2026-11-24 09:00", "mañana a las 9 AM"),
        ("2026-11-24 00:00", "hoy a la medianoche"),
        ("2026-11-25 12:00", "el miércoles al mediodía"),
        ("2026-11-30 09:00", "el lunes 30 de noviembre a las 9 AM"),
        ("2027-01-04 13:45", "el lunes 4 de enero a la 1:45 PM"),
    ],
)
def test_moments_in_spanish(then, words):
    assert usual().moment_in_words(at(then), at("2026-11-24 04:30", UTC), "es") == words


@pytest.mark.parametrize(
    "written, words",
    [
        (
            "Mon-Fri 9:00-12:00 13:00-17:30, Sat 9 AM-noon",
            "lunes a viernes de 9 AM a mediodía y de 1 PM a 5:30 PM, sábado de 9 AM a mediodía",
        ),
        ("Mon, Wed, Fri 9-17", "lunes, miércoles y viernes de 9 AM a 5 PM"),
        ("daily 0:00-24:00", "todos los días las 24 horas"),
        ("Sun 9-11", "domingo de 9 AM a 11 AM"),
    ],
)
def test_the_week_in_spanish(written, words):
    assert usual(written).in_words("es") == words


def test_words_for_replies(monkeypatch):
    def said(moment, **chosen):
        monkeypatch.setattr(module, "settings", lambda: Settings(**chosen))
        return module.by_opening_hours("utter_x", at(moment))

    usual_hours = {"clinic_hours": "Mon-Fri 9:00-17:00", "clinic_holidays": "US"}
    week = {"clinic_hours": "Monday to Friday 9 AM to 5 PM", "next_opening": "Friday at 9 AM"}  # after Thanksgiving
    assert said("2026-11-25 16:59", **usual_hours) == {"response": "utter_x_open", "closes": "today at 5 PM", **week}
    assert said("2026-11-25 17:00", **usual_hours) == {"response": "utter_x_closed", "closes": "", **week}
    assert said("2026-11-25 16:59") == {"response": "utter_x"}
    assert said("2026-11-25 16:59", clinic_hours="daily 0:00-24:00") == {"response": "utter_x"}  # it never opens


def test_the_present_moment_is_the_one_meant(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return at("2026-11-25 16:59").astimezone(tz)

    monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(module, "settings", lambda: Settings(clinic_hours="Wed 9:00-17:00"))
    assert module.by_opening_hours("utter_x")["response"] == "utter_x_open"
    assert module.opening_hours().in_words() == "Wednesday 9 AM to 5 PM"
    monkeypatch.setattr(module, "settings", Settings)
    assert module.opening_hours() is None


def test_a_turn_need_not_wait_for_it():
    hours, now = usual(), at("2026-11-26 10:00")
    hours.next_opening(now)
    started = clock.perf_counter()
    for _ in range(100):
        assert not hours.is_open(now) and hours.next_opening(now)
    assert clock.perf_counter() - started < 0.5
