"""Numbers for Prometheus (docs/operations.md explains each). No label ever holds an id or a word of a patient."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, ContextManager, Dict, List, Optional, Tuple

import sqlalchemy as sa
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy.engine import Connection

from infusion_guide.replies.reply import Reply
from infusion_guide.replies.topic import Topic
from infusion_guide.storage.tables import outbox

registry: CollectorRegistry = REGISTRY

_FRESH = 10.0  # seconds that what was found in database and neighbours is shown again
_WAIT = 1.0  # seconds that a scrape waits for the database

_SECONDS = Histogram(
    "infusion_guide_turn_seconds",
    "Time from a message to its answer",
    ["channel", "outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_REPLIES = Counter("infusion_guide_replies", "Replies by kind", ["channel", "kind"])
_FEEDBACK = Counter("infusion_guide_feedback", "Visitors' judgements of answers", ["kind", "value"])
_GIVEN_UP = Counter("infusion_guide_given_up", "Answers that a messaging platform would not take", ["channel"])
_FIRST_AID = Counter("infusion_guide_first_aid_crises", "Crisis replies that were sent without a stored turn")
_LIMITED = Counter("infusion_guide_limited", "Messages over a limit", ["who"])
_UNDER_WAY = Gauge("infusion_guide_turns_in_progress", "Messages being answered now, those that wait for their turn included")
_READY = Gauge("infusion_guide_ready", "1 when this part answers, 0 when not (the parts of /ready)", ["part"])
_WAITING = Gauge("infusion_guide_outbox_waiting", "Effects that are stored but not delivered yet; NaN when nobody knows")
_OLDEST = Gauge("infusion_guide_outbox_oldest_seconds", "Age of the oldest of them, 0 without any; NaN when nobody knows")
_BUILD = Gauge("infusion_guide_build_info", "Always 1; the label is the fingerprint of the model that answers", ["model"])

_OUTBOX = sa.select(sa.func.count(), sa.func.min(outbox.c.at)).where(outbox.c.done.is_(None))


def count_turn(channel: str, outcome: str, replies: List[Reply], seconds: float, stored: bool = True) -> None:
    """One answered message: its outcome ("answered", "limited", "failed"), its replies, how long they took, if it is kept."""
    _SECONDS.labels(channel, outcome).observe(seconds)
    kinds = [reply.topic.outcome for reply in replies]
    for each in kinds:
        _REPLIES.labels(channel, each).inc()
    if (not stored or outcome == "failed") and "crisis" in kinds:
        _FIRST_AID.inc()


def count_limited(who: str) -> None:
    """One message over the limit of `who` ("visitor", "address", "all")."""
    _LIMITED.labels(who).inc()


def count_feedback(value: Optional[str], topic: Topic) -> None:
    """One judgement of a reply on `topic`: "up", "down", or None when it was taken back."""
    _FEEDBACK.labels(topic.outcome, value or "none").inc()


def count_given_up(channel: str) -> None:
    """One answer that was not delivered and is not tried again."""
    _GIVEN_UP.labels(channel).inc()


def turn_under_way() -> ContextManager[None]:
    """Counts a message as being answered while the context lasts."""
    return _UNDER_WAY.track_inprogress()


class Surroundings:
    """What a scrape looks up: readiness, the outbox, the model. Looked up at most every ten seconds, never waited for long.

    The outbox is read in a thread of its own, and not again before that has ended: a frozen database costs one thread,
    whatever scrapes come.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._reading: Optional["asyncio.Future[Tuple[int, Optional[float]]]"] = None
        self._looked = -_FRESH

    async def look(self, agent: Any, readiness: Callable[[Any], Awaitable[Dict[str, bool]]]) -> None:
        """Brings the gauges up to date for `agent`; `readiness` tells of each part whether it answers. Never raises."""
        if time.monotonic() - self._looked < _FRESH:
            return
        self._looked = time.monotonic()
        parts, (waiting, oldest) = await asyncio.gather(_parts(agent, readiness), self._outbox(agent))
        for part, ready in parts.items():
            _READY.labels(part).set(ready)
        _WAITING.set(waiting)
        _OLDEST.set(oldest)
        name = str(getattr(agent.processor, "model_filename", None) or "none")
        _BUILD.clear()
        _BUILD.labels(name.replace("infusion-guide-", "").replace(".tar.gz", "")).set(1)

    async def _outbox(self, agent: Any) -> Tuple[float, float]:
        """Rows that wait and the age of the oldest in seconds; NaN when the database does not tell in time."""
        unknown = (float("nan"), float("nan"))
        if self._reading is None or self._reading.done():
            run = agent.tracker_store.database.run_now
            self._reading = asyncio.get_running_loop().run_in_executor(self._thread, run, _read_outbox)
        done, _ = await asyncio.wait({self._reading}, timeout=_WAIT)
        if not done or self._reading.exception():
            return unknown
        waiting, first = self._reading.result()
        return waiting, max(0.0, time.time() - first) if first else 0.0


def _read_outbox(connection: Connection) -> Tuple[int, Optional[float]]:
    count, first = connection.execute(_OUTBOX).one()
    return count, first


async def _parts(agent: Any, readiness: Callable[[Any], Awaitable[Dict[str, bool]]]) -> Dict[str, bool]:
    try:
        return await readiness(agent)
    except Exception:  # a scrape tells what it can
        return {}


surroundings = Surroundings()
