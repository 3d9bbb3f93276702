"""The turn under way: what the door knows of a message and the tracker store must store with it."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from infusion_guide.replies.reply import Reply


class StaleTurn(RuntimeError):
    """Another worker stored a turn of this conversation first; this one must be worked out again."""


class AlreadyAnswered(Exception):
    """The message was answered before; `replies` are what was said then."""

    def __init__(self, replies: List[Reply]) -> None:
        super().__init__("This message was answered before.")
        self.replies = replies


WEBHOOK, MAIL = "notice", "mail"  # kinds of effects that tell staff something (delivery/notices.py); never given up


@dataclass
class Effect:
    """Something to be done outside the database once the turn is stored, at most one row for each `key`.

    `kind` names the handler (infusion_guide/delivery/outbox.py), `payload` is JSON without a patient's words. Effects of one
    conversation and kind are delivered in order.
    """

    kind: str
    key: str
    payload: Dict[str, Any]


@dataclass
class Turn:
    """One message on its way through the assistant. `replies` grows while it is answered; `worked_out` tells that nothing is
    missing, `stored` that it was saved.

    `deliveries` turns the complete replies into effects, for channels that send answers by calls of their own.
    """

    message_id: str
    replies: List[Reply] = field(default_factory=list)
    effects: List[Effect] = field(default_factory=list)
    worked_out: bool = False
    stored: bool = False
    deliveries: Callable[[List[Reply]], List[Effect]] = lambda replies: []


current_turn: ContextVar[Optional[Turn]] = ContextVar("current_turn", default=None)
