"""Who wants nothing more from a messaging platform's channel."""

import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.storage.sealing import seal
from infusion_guide.storage.tables import opt_outs, turns


def is_out(connection: Connection, conversation: str) -> bool:
    """Whether the person of `conversation` asked us to write nothing more."""
    return connection.execute(sa.select(opt_outs.c.at).where(opt_outs.c.conversation == conversation)).first() is not None


def is_news(connection: Connection, conversation: str, message_id: str) -> bool:
    """Whether the message is heard for the first time; it is remembered as an answered turn without replies."""
    said = {"sender_id": conversation, "message_id": message_id, "replies": seal([]), "at": time.time()}
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(turns).values(said))
    except sa.exc.IntegrityError:
        return False
    return True


def leave(connection: Connection, conversation: str) -> None:
    """Remembers it; once more does no harm."""
    if not is_out(connection, conversation):
        connection.execute(sa.insert(opt_outs).values(conversation=conversation, at=time.time()))


def come_back(connection: Connection, conversation: str) -> None:
    """Forgets it."""
    connection.execute(sa.delete(opt_outs).where(opt_outs.c.conversation == conversation))
