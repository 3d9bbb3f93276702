"""The numbers of a report: counted by the database, put on the clinic's days and hours, safe to show (disclosure.py)."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Callable, Dict, FrozenSet, Iterable, List, Optional, Tuple
from typing import Counter as Counts

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.channels import channel_title
from infusion_guide.clinic.hours import opening_hours
from infusion_guide.replies.care import is_care, is_check_in
from infusion_guide.replies.clinic_answers import said_answers
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.replies.topic import ANSWERABLE, Topic
from infusion_guide.report.disclosure import SMALL, Count, Parts, protect, reveal
from infusion_guide.report.period import Period
from infusion_guide.storage import clinic_answers
from infusion_guide.storage.database import Database
from infusion_guide.storage.tables import facts, misses, outbox, requests

# What became of a question, in the order of the report; the other outcomes of a message are no questions.
QUESTION_OUTCOMES = ("answered", "uncovered", "declined", "missed")
MOST_TOPICS = 15

Span = Tuple[float, float]  # start and end, Unix seconds


@dataclass
class Tally:
    """What the database counted, exact and not to be shown. Keys of the counters are what the rows were grouped by."""

    conversations: Counts[Tuple[float, str]] = field(default_factory=Counter)  # (hour, channel)
    messages: Counts[Tuple[float, str]] = field(default_factory=Counter)  # (hour, outcome)
    others: Counts[Tuple[str, str]] = field(default_factory=Counter)  # (what, name): replies, thumbs, requests
    open: int = 0  # requests that nobody has finished
    taken: List[Span] = field(default_factory=list)  # from a request to the first who took it
    done: List[Span] = field(default_factory=list)  # from a request to its end
    crisis_channels: Counts[str] = field(default_factory=Counter)  # crises, by channel
    missed: Counts[str] = field(default_factory=Counter)  # messages answered badly, by the topic they were taken for
    notices: Counts[str] = field(default_factory=Counter)  # of crises: "delivered", "waiting", "given up"
    told: List[Span] = field(default_factory=list)  # from a crisis to its delivered notice
    own: FrozenSet[str] = frozenset()  # topics with an answer of the clinic's own

    @classmethod
    def read(cls, start: float, end: float, connection: Connection) -> "Tally":
        """What happened from `start` until `end` (Unix seconds).

        Hours are whole hours of UTC: in a time zone that differs by half an hour they belong to the day they began on.
        """
        found = cls()
        for what, hour, key, number in connection.execute(_counted(start, end)):
            if what == "conversation":
                found.conversations[hour, key] = number
            elif what == "turn":
                found.messages[hour, key] = number
            else:
                found.others[what, key] = number
        for row in connection.execute(
            sa.select(requests.c.at, requests.c.taken, requests.c.done).where(requests.c.at >= start, requests.c.at < end)
        ):
            found.open += row.done is None
            found.taken += [(row.at, row.taken)] * (row.taken is not None)
            found.done += [(row.at, row.done)] * (row.done is not None)
        found._read_safety(start, end, connection)
        found.own = frozenset(said_answers(clinic_answers.newest(connection)))
        return found

    def _read_safety(self, start: float, end: float, connection: Connection) -> None:
        """Crises by channel, their notices, and what was answered badly."""
        crises = (facts.c.what == "turn", facts.c.name == "crisis", facts.c.hour >= start, facts.c.hour < end)
        by_channel = sa.select(facts.c.channel, sa.func.sum(facts.c.count)).where(*crises).group_by(facts.c.channel)
        self.crisis_channels.update({channel: int(number) for channel, number in connection.execute(by_channel)})
        badly = sa.select(misses.c.label, sa.func.count()).where(misses.c.at >= start, misses.c.at < end)
        wanted = (misses.c.label.isnot(None), misses.c.reason != "thumbs_down")
        self.missed.update(dict(connection.execute(badly.where(*wanted).group_by(misses.c.label)).fetchall()))
        columns = (outbox.c.at, outbox.c.done, outbox.c.failed)
        told = sa.select(*columns).where(outbox.c.key.like("crisis %"), outbox.c.at >= start, outbox.c.at < end)
        for row in connection.execute(told):
            self.notices["given up" if row.failed else "delivered" if row.done else "waiting"] += 1
            if row.done and not row.failed:
                self.told.append((row.at, row.done))

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> "Tally":
        """All of them together. Numbers may be negative: a thumb may be taken back long after it was given."""
        whole = cls()
        for tally in tallies:
            whole.conversations.update(tally.conversations)
            whole.messages.update(tally.messages)
            whole.others.update(tally.others)
            whole.open += tally.open
            whole.taken += tally.taken
            whole.done += tally.done
            whole.crisis_channels.update(tally.crisis_channels)
            whole.missed.update(tally.missed)
            whole.notices.update(tally.notices)
            whole.told += tally.told
            whole.own |= tally.own
        return whole


def _counted(start: float, end: float) -> sa.sql.Select:
    """What, hour, channel or name, and how often: in one pass over the rows, the hour only of what needs one."""
    by_hour = facts.c.what.in_(("conversation", "turn"))
    columns = (
        facts.c.what,
        sa.case((by_hour, facts.c.hour), else_=sa.null()).label("at"),
        sa.case((facts.c.what == "conversation", facts.c.channel), else_=facts.c.name).label("key"),
    )
    counted = sa.select(*columns, sa.cast(sa.func.sum(facts.c.count), sa.Integer))
    return counted.where(facts.c.hour >= start, facts.c.hour < end).group_by("what", "at", "key")


@dataclass(frozen=True)
class Figures:
    """The numbers of one report; times are medians in seconds.

    All counts are protected, and medians of fewer than five are None, unless it is `exact`: for staff behind the sign-in.
    """

    period: Period
    conversations: Count  # breakdowns: step, channel
    messages: Count  # breakdowns: kind (questions, crisis, check_in, other), hour, language; crisis has kind, channel
    topics: Parts  # by reply, the most used; five times or more
    unwritten: Parts  # of these, what has no answer yet, neither the document's nor the clinic's own
    missed: Parts  # what was not understood, or answered without being sure, by the topic it may have been about
    thumbs: Count  # breakdown: kind (up, down); down has the breakdown topic
    requests: Count  # breakdown: state (open, finished)
    until_taken: Optional[float]
    until_done: Optional[float]
    open_until_taken: Optional[float]  # as above, only the time in which the clinic was open (CLINIC_HOURS)
    open_until_done: Optional[float]
    notices: Count  # of crises; breakdown: state (delivered, waiting, given up)
    until_told: Optional[float]
    exact: bool = False

    @property
    def least(self) -> int:
        """How often something must have happened to be named."""
        return 1 if self.exact else SMALL

    @property
    def questions(self) -> Count:
        """Messages that asked something; breakdown: outcome, each of which has the breakdown step."""
        return self.messages.breakdowns["kind"]["questions"]

    @property
    def outcomes(self) -> Parts:
        """Questions by what became of them (QUESTION_OUTCOMES)."""
        return self.questions.breakdowns["outcome"]


def gather_now(database: Database, period: Period, progress: Callable[[str], None] = lambda words: None) -> Figures:
    """The figures of `period`, in the calling thread; `progress` hears what is being done.

    Raises:
        DatabaseUnavailable: the database did not answer.
    """
    pieces, tallies = list(period.pieces()), []
    for number, (start, end) in enumerate(pieces, start=1):
        progress(f"Counting, part {number} of {len(pieces)}")
        tallies.append(database.run_now(partial(Tally.read, start, end)))
    progress("Hiding small numbers")
    return figures(period, tallies)


async def gather(database: Database, period: Period, exact: bool = False) -> Figures:
    """As gather_now, away from the event loop; a long time in pieces, because each piece of work has a time limit."""
    tallies = [await database.read(partial(Tally.read, start, end)) for start, end in period.pieces()]
    return await asyncio.to_thread(figures, period, tallies, exact)


def figures(period: Period, tallies: Iterable[Tally], exact: bool = False) -> Figures:
    """What of `tallies` may be shown, on the clinic's days and hours: all of it when it is `exact`."""
    tally = Tally.total(tallies)
    least = 1 if exact else SMALL
    found = Figures(
        period,
        conversations=_conversations(period, tally),
        messages=_messages(period, tally),
        topics=_most_used(tally, ANSWERABLE, least),
        unwritten=_most_used(tally, ("uncovered",), least, tally.own),
        missed=_most(tally.missed, least),
        thumbs=_thumbs(tally, least),
        requests=_requests(tally),
        until_taken=_median(tally.taken, _seconds, least),
        until_done=_median(tally.done, _seconds, least),
        open_until_taken=_median(tally.taken, _open_seconds, least),
        open_until_done=_median(tally.done, _open_seconds, least),
        notices=Count.of(state=_parts({state: tally.notices[state] for state in ("delivered", "waiting", "given up")})),
        until_told=_median(tally.told, _seconds, least),
        exact=exact,
    )
    flat = (*found.topics.values(), *found.unwritten.values(), *found.missed.values())
    treat = reveal if exact else protect
    treat(found.conversations, found.messages, found.thumbs, found.requests, found.notices, *flat)
    return found


def _conversations(period: Period, tally: Tally) -> Count:
    channels: Counts[str] = Counter()
    for (_, channel), number in tally.conversations.items():
        channels[channel_title(channel) or "Unknown"] += number
    return Count.of(
        step=_by_step(period, ((hour, number) for (hour, _), number in tally.conversations.items())),
        channel=_parts(dict(channels.most_common())),
    )


def _messages(period: Period, tally: Tally) -> Count:
    def of(outcome: str) -> List[Tuple[float, int]]:
        return [(hour, number) for (hour, name), number in tally.messages.items() if name == outcome]

    questions = Count.of(outcome={name: Count.of(step=_by_step(period, of(name))) for name in QUESTION_OUTCOMES})
    check_ins, crises = (sum(number for _, number in of(name)) for name in ("check_in", "crisis"))
    by_kind, by_channel = _crisis_kinds(tally, crises), _filled_up(crises, _titled_channels(tally.crisis_channels))
    kinds = {"crisis": Count.of(kind=by_kind, channel=by_channel), "check_in": Count(check_ins)}
    whole = sum(tally.messages.values())
    kinds["other"] = Count(whole - questions.number - sum(kind.number for kind in kinds.values()))
    hours = Counter({f"{hour:02}": 0 for hour in range(24)})
    for (hour, _), number in tally.messages.items():
        hours[f"{period.local(hour):%H}"] += number
    return Count.of(kind={"questions": questions, **kinds}, hour=_parts(hours), language=_parts(_languages(tally, whole)))


def _languages(tally: Tally, messages: int) -> Dict[str, int]:
    """Messages by language; of those counted before languages were, nobody knows it."""
    found = {title: tally.others["language", code] for code, title in LANGUAGES.items()}
    return {**found, **({"Unknown": unknown} if (unknown := messages - sum(found.values())) else {})}


def _crisis_kinds(tally: Tally, crises: int) -> Parts:
    """Crises by what they were about, as their replies tell."""
    said = {name: number for (what, name), number in tally.others.items() if what == "reply" and Topic.of(name).kind == "crisis"}
    return _filled_up(crises, Counter({name: n for name, n in said.items() if not is_care(name) and not is_check_in(name)}))


def _filled_up(whole: int, parts: Counts[str]) -> Parts:
    """The parts of `whole`, the greatest first, and "other" for what is left, so that they add up whatever was counted."""
    found: Dict[str, int] = {}
    for name, number in parts.most_common():
        if taken := min(number, whole - sum(found.values())):
            found[name] = taken
    return _parts({**found, "other": whole - sum(found.values())})


def _titled_channels(channels: Counts[str]) -> Counts[str]:
    found: Counts[str] = Counter()
    for channel, number in channels.items():
        found[channel_title(channel) or "Unknown"] += number
    return found


def _by_step(period: Period, hours: Iterable[Tuple[float, int]]) -> Parts:
    found: Counts[str] = Counter(dict.fromkeys(period.steps().values(), 0))
    labels = period.steps()
    for hour, number in hours:
        found[labels[period.step(period.local(hour).date())]] += number
    return _parts(found)


def _most_used(tally: Tally, kinds: Tuple[str, ...], least: int, but: FrozenSet[str] = frozenset()) -> Parts:
    """The topics asked most, but for the labels `but`; those asked fewer than `least` times are not named at all."""
    said = {name: number for (what, name), number in tally.others.items() if what == "reply"}
    wanted = {name: Topic.of(name) for name in said}
    return _most(
        Counter({name: said[name] for name, topic in wanted.items() if topic.kind in kinds and topic.label not in but}), least
    )


def _most(numbers: Counts[str], least: int) -> Parts:
    return _parts({name: number for name, number in numbers.most_common(MOST_TOPICS) if number >= least})


def _thumbs(tally: Tally, least: int) -> Count:
    given = {kind: _positive(tally, kind) for kind in ("up", "down")}
    listed = {name: number for name, number in given["down"].most_common(MOST_TOPICS) if number >= least}
    rest = sum(given["down"].values()) - sum(listed.values())
    down = Count.of(topic={**_parts(listed), "other": Count(rest)})
    return Count.of(kind={"up": Count(sum(given["up"].values())), "down": down})


def _positive(tally: Tally, kind: str) -> Counts[str]:
    return +Counter({name: number for (what, name), number in tally.others.items() if what == kind})


def _requests(tally: Tally) -> Count:
    """Those asked for are counted when asked; of those that were erased since, we only know that nobody waits."""
    asked = tally.others["request", None]
    return Count.of(state={"open": Count(tally.open), "finished": Count(max(0, asked - tally.open))})


def _parts(numbers: Dict[str, int]) -> Parts:
    return {name: Count(number) for name, number in numbers.items()}


def _median(spans: List[Span], length: Callable[[Span], Optional[float]], least: int) -> Optional[float]:
    lengths = [seconds for seconds in map(length, spans) if seconds is not None]
    return median(lengths) if len(lengths) >= least else None


def _seconds(span: Span) -> float:
    return span[1] - span[0]


def _open_seconds(span: Span) -> Optional[float]:
    hours = opening_hours()
    if hours is None:
        return None
    start, end = (datetime.fromtimestamp(at, UTC) for at in span)
    return 60 * hours.open_minutes(start, end)
