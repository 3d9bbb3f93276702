"""What visitors think of answers: one judgement an answer, kept and erased with its conversation."""

import time
from dataclasses import dataclass
from typing import Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.replies.reply import Reply
from infusion_guide.storage import counts, misses, transcript
from infusion_guide.storage.sealing import seal_words, unseal
from infusion_guide.storage.tables import feedback, turns

_LOOKED_BACK = 40  # turns in which the words that an answer was given to are looked for


class NoSuchAnswer(ValueError):
    """The answer was never given in this conversation, or longer ago than turns are kept (privacy.KEEP_TURNS)."""


@dataclass(frozen=True)
class Judgement:
    """Of answer `number` (from 0) to the message `message_id` of `conversation`; `value` None takes it back."""

    conversation: str
    message_id: str
    number: int
    value: Optional[str]
    reason: Optional[str] = None


def judge(connection: Connection, judgement: Judgement) -> str:
    """Stores `judgement` in place of an earlier one of the same answer; the name of the answer (utter_...).

    Raises:
        NoSuchAnswer: nothing was stored.
    """
    own = (feedback.c.sender_id == judgement.conversation, feedback.c.message_id == judgement.message_id)
    answer = _answer(connection, judgement)
    channel = judgement.conversation.split(":", 1)[0]
    before = connection.execute(sa.select(feedback.c.value).where(*own, feedback.c.number == judgement.number)).scalar()
    if before:
        counts.put(connection, [counts.Count(channel, before, answer, -1)])
    if before == "down":
        misses.not_disliked(connection, judgement.conversation, judgement.message_id)
    connection.execute(sa.delete(feedback).where(*own, feedback.c.number == judgement.number))
    if judgement.value:
        connection.execute(
            sa.insert(feedback).values(
                sender_id=judgement.conversation,
                message_id=judgement.message_id,
                number=judgement.number,
                utter_action=answer,
                value=judgement.value,
                reason=seal_words(judgement.reason) if judgement.reason else None,
                at=time.time(),
            )
        )
        counts.put(connection, [counts.Count(channel, judgement.value, answer)])
    if judgement.value == "down":
        words = _words(connection, judgement)
        if words:
            misses.thumbs_down(connection, judgement.conversation, judgement.message_id, answer, words)
    return answer


def _words(connection: Connection, judgement: Judgement) -> Optional[str]:
    """What the patient had written, if it was not long ago."""
    told = transcript.latest(connection, judgement.conversation, _LOOKED_BACK)
    return next((each.text for each in told if each.message_id == judgement.message_id), None)


def _answer(connection: Connection, judgement: Judgement) -> str:
    """The name of the answer, as it was stored with its turn: what a caller calls it does not count."""
    whose, which = turns.c.sender_id == judgement.conversation, turns.c.message_id
    # The door stores a caller's id with a blank and a part of the text's hash after it.
    same = sa.or_(which == judgement.message_id, which.startswith(f"{judgement.message_id} ", autoescape=True))
    replies = connection.execute(sa.select(turns.c.replies).where(whose, same)).scalars().first()
    given = unseal(replies) if replies else []
    if not 0 <= judgement.number < len(given):
        raise NoSuchAnswer("This answer is not known any more.")
    return Reply.of_message(given[judgement.number]).name
