"""The one way in: every message of every channel is checked, counted, answered once and never met with silence.

A message that may not have a turn (over a limit, too many at once, while the assistant starts), or whose turn failed, is read
for danger before anything else is said (aid.py).
"""

import asyncio
import hashlib
import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

from infusion_guide.channels.admission import Admission
from infusion_guide.channels.aid import Aid
from infusion_guide.channels.message import Message
from infusion_guide.channels.rate_limits import Limited, rate_limits
from infusion_guide.delivery.outbox import crisis_notice
from infusion_guide.engine.actions import TurnAborted
from infusion_guide.engine.replies import MESSAGING
from infusion_guide.replies import first_aid
from infusion_guide.replies.reply import Reply
from infusion_guide.server.bounds import SECONDS
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.storage.turn import AlreadyAnswered, StaleTurn, Turn, current_turn
from infusion_guide.watch import logs, metrics

logger = logging.getLogger(__name__)

_TRIES = 4  # for a turn that another worker or a restarting database got in the way of
_EARLY = 1.5  # seconds after which a turn takes long
_AT_LEAST = 0.3  # seconds that the guard has after a failure, however late
_PAUSE = 0.3  # seconds before the next try
_REFUSED = 2.8  # seconds that the guard has for what will be refused otherwise: what sounds like danger it reads first

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class NotAnswered(RuntimeError):
    """Rasa ended the turn without storing it, for example because no model is loaded."""


@dataclass(frozen=True)
class Answer:
    """What to say, oldest first; never empty.

    `outcome`: "answered", "limited" or "failed". A caller that can try again (HTTP) gets 200, 429 or 503. `stored`: the turn
    is in the database, its deliveries with it.
    """

    replies: List[Reply]
    outcome: str = "answered"
    retry_after: int = 0  # seconds
    stored: bool = True

    @property
    def status(self) -> int:
        """The HTTP status of this outcome."""
        return {"answered": 200, "limited": 429, "failed": 503}[self.outcome]


class _Collector(CollectingOutputChannel):
    """Keeps what is said until the turn is stored: nothing is said that is forgotten, nothing is said twice."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """The whole message of Rasa at once; a channel renders it."""
        reply = Reply.of_message(message)
        self._turn.replies.append(reply)
        if reply.topic.kind == "crisis":
            self._turn.effects += crisis_notice(recipient_id, self._turn.message_id)


class Door:
    """Of one application: `aid` looks after what gets no turn, `is_ready` tells whether turns can be stored yet."""

    def __init__(
        self, on_new_message: OnNewMessage, aid: Optional[Aid] = None, is_ready: Callable[[], bool] = lambda: True
    ) -> None:
        self._on_new_message, self._aid, self._is_ready = on_new_message, aid or Aid(), is_ready
        self._admission = Admission()

    async def answer(self, message: Message) -> Answer:
        """Answers one message within SECONDS, whatever is broken. Never raises, but when the server itself is stopping."""
        started = time.perf_counter()
        with logs.about(message.conversation), metrics.turn_under_way():
            found = await self._answer(message)
        metrics.count_turn(message.channel, found.outcome, found.replies, time.perf_counter() - started, found.stored)
        return found

    async def _answer(self, message: Message) -> Answer:
        end = time.perf_counter() + SECONDS  # counting has its part of the time: Redis may hang too
        turns: List[Turn] = []  # each try
        early = asyncio.create_task(self._read_early(message))
        try:
            if not self._is_ready():
                raise NotAnswered("The assistant is starting.")
            await rate_limits().visitor(message.conversation, message.address)
            with self._admission.of(message.conversation):
                turn = _turn(self._on_new_message, message, turns)
                return Answer(await asyncio.wait_for(turn, end - time.perf_counter()))
        except Limited as limited:
            metrics.count_limited(limited.who)
            crisis = await self._instead(message, _REFUSED)
            if crisis:  # counted, but a crisis is answered
                return Answer([crisis], stored=False)
            return Answer([first_aid.too_many_messages()], "limited", limited.seconds, stored=False)
        except (Exception, TurnAborted) as error:
            logger.error("The turn failed: %s", _reason(error), exc_info=error)
            left = max(_AT_LEAST, end - time.perf_counter() - 1.5)
            return Answer(await self._after_failure(message, turns, left), "failed", stored=False)
        finally:
            early.cancel()

    async def _read_early(self, message: Message) -> None:
        """Reads what a turn takes long for: should it fail, Aid knows already, and nobody waits twice."""
        await asyncio.sleep(_EARLY)
        await self._aid.reply(message.text, message.conversation)

    async def _after_failure(self, message: Message, turns: List[Turn], seconds: float) -> List[Reply]:
        """What a turn said of a crisis, else what the guard says, else what a turn worked out in full, else an apology."""
        for turn in reversed(turns):
            if any(reply.topic.kind == "crisis" for reply in turn.replies):
                self._aid.tell(message.conversation)
                return first_aid.unstored(turn.replies)
        crisis = await self._instead(message, seconds)
        if crisis:
            return [crisis]
        worked_out = next((turn.replies for turn in reversed(turns) if turn.worked_out), [])
        return first_aid.unstored(worked_out) or [first_aid.technical_problem()]

    async def _instead(self, message: Message, seconds: float) -> Optional[Reply]:
        return await self._aid.instead(message.text, message.conversation, message.conversation, seconds)


async def answer(on_new_message: OnNewMessage, message: Message) -> Answer:
    """As a Door of its own would."""
    return await Door(on_new_message).answer(message)


def _reason(error: BaseException) -> str:
    """What failed, without words of a patient: our own errors speak, of others only the kind is known to be clean."""
    ours = isinstance(error, (TurnAborted, DatabaseUnavailable, NotAnswered, StaleTurn, Unreadable))
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


async def _turn(on_new_message: OnNewMessage, message: Message, turns: List[Turn]) -> List[Reply]:
    """The replies of one turn that is stored. A turn that failed before it was stored can be worked out again.

    Each try is put into `turns`: what it said is there for whoever must speak after a failure.
    """
    # A caller that gives one id to two messages means two messages.
    words = hashlib.sha256(message.text.encode("utf-8", "replace")).hexdigest()[:16]
    message_id = f"{message.message_id} {words}" if message.message_id else uuid.uuid4().hex
    for tried in range(1, _TRIES + 1):
        turn = Turn(message_id, deliveries=message.deliveries)
        turns.append(turn)
        current_turn.set(turn)
        try:
            await on_new_message(_as_rasa_reads_it(message, turn))
        except AlreadyAnswered as before:
            return before.replies
        except (StaleTurn, DatabaseUnavailable):
            if tried == _TRIES:
                raise
            await asyncio.sleep(_PAUSE)
            continue
        if not turn.stored:
            raise NotAnswered("Rasa did not answer; is a model loaded?")
        return turn.replies or [first_aid.technical_problem()]
    raise AssertionError("every try returns or raises")


def _as_rasa_reads_it(message: Message, turn: Turn) -> UserMessage:
    metadata = {MESSAGING: True} if message.messaging else None
    collector = _Collector(turn)
    return UserMessage(message.text, collector, message.conversation, None, message.channel, turn.message_id, metadata)
