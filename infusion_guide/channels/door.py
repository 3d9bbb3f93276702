"""The one way in: every message of every channel is checked, counted, answered once and never met with silence."""

import asyncio
import hashlib
import logging
import re
import time
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

from infusion_guide.channels.limits import Limited, limits
from infusion_guide.delivery.outbox import crisis_notice
from infusion_guide.engine.actions import TurnAborted
from infusion_guide.replies import first_aid
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.storage.turn import AlreadyAnswered, Effect, StaleTurn, Turn, current_turn
from infusion_guide.watch import logs, metrics

logger = logging.getLogger(__name__)

MAX_BODY = 64_000  # bytes of one call
MAX_TEXT = 10_000  # characters that are read; what is longer is refused
MAX_MESSAGE_ID = 150
SECONDS = 4.5  # for a whole turn, waiting included; patients are told within five
# spaCy's time for one word grows with the square of its length: 10,000 brackets or emoji kept everybody waiting for 8 s.
# The control characters are blanks to Python, but MessageReader takes them out.
_IN_WORD = r"(?:\S|[\x0b\x0c\x1c-\x1f\x85])"
_ENDLESS_WORD = re.compile(f"{_IN_WORD}{{60}}(?={_IN_WORD})")
_TRIES = 4  # for a turn that another worker or a restarting database got in the way of
_ENDS = 500  # characters at both ends of a message over the limit that are searched for a crisis
_PAUSE = 0.3  # seconds before the next try

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class Refused(ValueError):
    """The call is not a message; `status` is the HTTP status, the text says what to change."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class NotAnswered(RuntimeError):
    """Rasa ended the turn without storing it, for example because no model is loaded."""


@dataclass(frozen=True)
class Incoming:
    """One message of a visitor.

    `conversation` comes from clinic/identity.py; `address` is the internet address that is counted (None for the
    servers of a messaging platform); `message_id` is the platform's: a message that arrives twice is answered once.
    `deliveries` (storage/turn.py) is for channels that send answers by calls of their own.
    """

    conversation: str
    text: str
    channel: str
    address: Optional[str] = None
    message_id: Optional[str] = None
    deliveries: Callable[[List[Dict[str, Any]]], List[Effect]] = lambda replies: []


@dataclass(frozen=True)
class Answer:
    """What to say, in Rasa's message form ("text", "buttons", "metadata"...), oldest first; never empty.

    `outcome`: "answered", "limited" or "failed". A caller that can try again (HTTP) gets 200, 429 or 503. `stored`: the turn
    is in the database, its deliveries with it.
    """

    replies: List[Dict[str, Any]]
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
        self.messages = turn.replies
        self._turn = turn

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """The whole message of Rasa at once; a channel renders it (metadata say which reply it is and its sources)."""
        data = {key: message[key] for key in ("text", "buttons", "image") if message.get(key)}
        data["metadata"] = {key: message[key] for key in ("utter_action", "sources") if message.get(key)}
        self.messages.append(data)
        if metrics.kind(data) == "crisis":
            self._turn.effects += crisis_notice(recipient_id, self._turn.message_id)


def text_of(value: Any) -> str:
    """The patient's words as they came, without what no database can hold and with a blank in endless words.

    MessageReader cleans them further.

    Raises:
        Refused: no text, or more than MAX_TEXT characters.
    """
    if not isinstance(value, str):
        raise Refused(400, "'message' is missing: send the patient's words as a text.")
    if len(value) > MAX_TEXT:
        raise Refused(413, f"'message' is longer than {MAX_TEXT} characters.")
    return _ENDLESS_WORD.sub(r"\g<0> ", value.encode("utf-8", "ignore").decode("utf-8").replace("\x00", ""))


def id_of(value: Any, name: str, longest: int = MAX_MESSAGE_ID) -> str:
    """An id that a caller chose: 1 to `longest` printable characters. Raises Refused."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, f"'{name}' is missing: send it as a text.")
    if len(value) > longest:
        raise Refused(400, f"'{name}' is longer than {longest} characters.")
    if any(unicodedata.category(c).startswith("C") for c in value):
        raise Refused(400, f"'{name}' holds control characters.")
    return value


async def answer(on_new_message: OnNewMessage, incoming: Incoming) -> Answer:
    """Answers one message within SECONDS, whatever is broken. Never raises, but when the server itself is stopping."""
    started = time.perf_counter()
    with logs.about(incoming.conversation), metrics.turn_under_way():
        found = await _answer(on_new_message, incoming)
    metrics.count_turn(incoming.channel, found.outcome, found.replies, time.perf_counter() - started)
    return found


async def _answer(on_new_message: OnNewMessage, incoming: Incoming) -> Answer:
    end = time.perf_counter() + SECONDS  # counting has its part of the time: Redis may hang too
    try:
        await limits().visitor(incoming.conversation, incoming.address)
    except Limited as limited:
        metrics.count_limited(limited.who)
        text = incoming.text if len(incoming.text) <= 2 * _ENDS else f"{incoming.text[:_ENDS]} {incoming.text[-_ENDS:]}"
        crisis = first_aid.crisis_reply(text) if limits().may_search(incoming.address) else None
        if crisis:  # counted, but a crisis is answered
            return Answer([crisis], stored=False)
        return Answer([first_aid.too_many_messages()], "limited", limited.seconds, stored=False)
    try:
        return Answer(await asyncio.wait_for(_turn(on_new_message, incoming), end - time.perf_counter()))
    except (Exception, TurnAborted) as error:
        logger.error("The turn failed: %s", _reason(error), exc_info=error)
        return Answer([first_aid.crisis_reply(incoming.text) or first_aid.technical_problem()], "failed", stored=False)


def _reason(error: BaseException) -> str:
    """What failed, without words of a patient: our own errors speak, of others only the kind is known to be clean."""
    ours = isinstance(error, (TurnAborted, DatabaseUnavailable, NotAnswered, StaleTurn, Unreadable))
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


async def _turn(on_new_message: OnNewMessage, incoming: Incoming) -> List[Dict[str, Any]]:
    """The replies of one turn that is stored. A turn that failed before it was stored can be worked out again."""
    # A caller that gives one id to two messages means two messages.
    words = hashlib.sha256(incoming.text.encode("utf-8", "replace")).hexdigest()[:16]
    message_id = f"{incoming.message_id} {words}" if incoming.message_id else uuid.uuid4().hex
    for tried in range(1, _TRIES + 1):
        turn = Turn(message_id, deliveries=incoming.deliveries)
        current_turn.set(turn)
        message = UserMessage(
            incoming.text, _Collector(turn), incoming.conversation, input_channel=incoming.channel, message_id=message_id
        )
        try:
            await on_new_message(message)
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
