"""What every channel does with what comes in: refuse what is no message, never stay silent, never show a traceback."""

import logging
import unicodedata
from typing import Any, Awaitable, Callable

from rasa.core.channels.channel import OutputChannel, UserMessage

from infusion_guide.settings import settings
from infusion_guide.words import DATA, read_yaml

logger = logging.getLogger(__name__)

MAX_SENDER = 200
MAX_TEXT = 100_000


class Refused(ValueError):
    """The call is not a message; `status` is the HTTP status, the text says what to change."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def sender_of(value: Any) -> str:
    """A conversation id: 1 to MAX_SENDER printable characters. Raises Refused."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, "'sender' is missing: send the id of the conversation as a text.")
    if len(value) > MAX_SENDER:
        raise Refused(400, f"'sender' is longer than {MAX_SENDER} characters.")
    if any(unicodedata.category(c).startswith("C") for c in value):
        raise Refused(400, "'sender' holds control characters.")
    return value


def text_of(value: Any) -> str:
    """The patient's words as they came (MessageReader cleans them). Raises Refused."""
    if not isinstance(value, str):
        raise Refused(400, "'message' is missing: send the patient's words as a text.")
    if len(value) > MAX_TEXT:
        raise Refused(413, f"'message' is longer than {MAX_TEXT} characters.")
    return value.encode("utf-8", "ignore").decode("utf-8")


def technical_problem() -> str:
    """The honest words for a failure of ours, with the crisis line in them."""
    response = read_yaml(DATA / "responses" / "technical_problem.yml")["responses"]["utter_technical_problem"][0]
    return response["text"].strip().format(**settings().words())


async def hand_over(
    on_new_message: Callable[[UserMessage], Awaitable[Any]],
    text: str,
    output: OutputChannel,
    sender: str,
    channel: str,
) -> bool:
    """Gives the message to Rasa; on any failure says so on `output`. Returns whether it was answered."""
    spoken = _Spoken(output)
    try:
        await on_new_message(UserMessage(text, spoken, sender, input_channel=channel))
    except Exception as error:  # a patient must never meet silence, whatever broke
        logger.error("Conversation %s on %s: %s", sender, channel, type(error).__name__)
    if not spoken.count:
        await output.send_text_message(sender, technical_problem())
        return False
    return True


class _Spoken(OutputChannel):
    """Passes everything on and counts it."""

    def __init__(self, inner: OutputChannel) -> None:
        self._inner = inner
        self.count = 0

    def name(self) -> str:  # type: ignore[override]
        return self._inner.name()

    async def send_response(self, recipient_id: str, message: Any) -> None:
        self.count += 1
        await self._inner.send_response(recipient_id, message)

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        self.count += 1
        await self._inner.send_text_message(recipient_id, text, **kwargs)
