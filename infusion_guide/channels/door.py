"""The one way in: every message of every channel is checked, counted, answered once and never met with silence."""

import asyncio
import hashlib
import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, List

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

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
_ENDS = 500  # characters at both ends of a message over the limit that are searched for a crisis
_PAUSE = 0.3  # seconds before the next try

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


async def answer(on_new_message: OnNewMessage, message: Message) -> Answer:
    """Answers one message within SECONDS, whatever is broken. Never raises, but when the server itself is stopping."""
    started = time.perf_counter()
    with logs.about(message.conversation), metrics.turn_under_way():
        found = await _answer(on_new_message, message)
    metrics.count_turn(message.channel, found.outcome, found.replies, time.perf_counter() - started)
    return found


async def _answer(on_new_message: OnNewMessage, message: Message) -> Answer:
    end = time.perf_counter() + SECONDS  # counting has its part of the time: Redis may hang too
    try:
        await rate_limits().visitor(message.conversation, message.address)
    except Limited as limited:
        metrics.count_limited(limited.who)
        text = message.text if len(message.text) <= 2 * _ENDS else f"{message.text[:_ENDS]} {message.text[-_ENDS:]}"
        crisis = first_aid.crisis_reply(text) if rate_limits().may_search(message.address) else None
        if crisis:  # counted, but a crisis is answered
            return Answer([crisis], stored=False)
        return Answer([first_aid.too_many_messages()], "limited", limited.seconds, stored=False)
    try:
        return Answer(await asyncio.wait_for(_turn(on_new_message, message), end - time.perf_counter()))
    except (Exception, TurnAborted) as error:
        logger.error("The turn failed: %s", _reason(error), exc_info=error)
        return Answer([first_aid.crisis_reply(message.text) or first_aid.technical_problem()], "failed", stored=False)


def _reason(error: BaseException) -> str:
    """What failed, without words of a patient: our own errors speak, of others only the kind is known to be clean."""
    ours = isinstance(error, (TurnAborted, DatabaseUnavailable, NotAnswered, StaleTurn, Unreadable))
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


async def _turn(on_new_message: OnNewMessage, message: Message) -> List[Reply]:
    """The replies of one turn that is stored. A turn that failed before it was stored can be worked out again."""
    # A caller that gives one id to two messages means two messages.
    words = hashlib.sha256(message.text.encode("utf-8", "replace")).hexdigest()[:16]
    message_id = f"{message.message_id} {words}" if message.message_id else uuid.uuid4().hex
    for tried in range(1, _TRIES + 1):
        turn = Turn(message_id, deliveries=message.deliveries)
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
