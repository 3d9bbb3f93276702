"""What a person sent: checked, and the same whatever channel it came by."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Callable, List, Optional

from infusion_guide.replies import first_aid
from infusion_guide.replies.reply import Reply
from infusion_guide.storage.turn import Effect

MAX_TEXT = 10_000  # characters that are read; what is longer is refused
MAX_MESSAGE_ID = 150
# spaCy's time for one word grows with the square of its length: 10,000 brackets or emoji kept everybody waiting for 8 s.
# The control characters are blanks to Python, but MessageReader takes them out.
_IN_WORD = r"(?:\S|[\x0b\x0c\x1c-\x1f\x85])"
_ENDLESS_WORD = re.compile(f"{_IN_WORD}{{60}}(?={_IN_WORD})")


class Refused(ValueError):
    """The call is not a message; `status` is the HTTP status, the text says what to change."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Message:
    """One message of a visitor.

    `conversation` comes from clinic/identity.py; `address` is the internet address that is counted (None for the
    servers of a messaging platform); `message_id` is the caller's: a message that arrives twice is answered once.
    `deliveries` (storage/turn.py) is for channels that send answers by calls of their own. `messaging`: it came through
    another company's servers, which the first reply has to say.
    """

    conversation: str
    text: str
    channel: str
    address: Optional[str] = None
    message_id: Optional[str] = None
    deliveries: Callable[[List[Reply]], List[Effect]] = lambda replies: []
    messaging: bool = False


def text_of(value: Any) -> str:
    """The patient's words as they came, without what no database can hold and with a blank in endless words.

    MessageReader cleans them further.

    Raises:
        Refused: no text, or more than MAX_TEXT characters.
    """
    if not isinstance(value, str):
        raise Refused(400, "'message' is missing: send the patient's words as a text.")
    if len(value) > MAX_TEXT:
        raise Refused(413, f"'message' is longer than {MAX_TEXT} characters. {first_aid.numbers()}")
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
