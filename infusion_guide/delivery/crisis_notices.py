"""Tells staff of a crisis reply that no stored turn holds: through the outbox, and past it where the database is away."""

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Set

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.delivery import outbox
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.tables import conversations
from infusion_guide.storage.turn import Effect

logger = logging.getLogger(__name__)

_REMEMBERED = 10_000  # notices of this hour that this process has begun
_MOST = 500  # of them that are under way at once
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 120.0  # seconds between two tries, twice as many each time
_END = 12 * 3600.0  # seconds after which a notice that nobody takes is given up


class CrisisNotices:
    """Of one process. Where others tell of the same, the key of the notice is the same, in the outbox and on its way."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._begun: "OrderedDict[str, None]" = OrderedDict()
        self._tasks: Set["asyncio.Task[None]"] = set()

    def tell(self, conversation: Optional[str], sender: str) -> None:
        """Begins to tell; returns at once. `conversation` None: only who sent it is known, and tells two notices apart."""
        effects = outbox.unstored_crisis_notice(conversation, sender)
        if not effects or effects[0].key in self._begun:
            return
        if len(self._tasks) >= _MOST:
            logger.error("Staff are not told of a crisis: %d notices wait already.", _MOST)
            return
        self._begun[effects[0].key] = None
        if len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)
        task = asyncio.create_task(self._tell(conversation, effects))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, conversation: Optional[str], effects: List[Effect]) -> None:
        end, wait = time.monotonic() + _END, _FIRST_WAIT
        while effects and time.monotonic() < end:
            try:
                await self._database().run(lambda connection, left=effects: _store(connection, conversation, left))
                return
            except Exception as error:
                words = str(error) if isinstance(error, DatabaseUnavailable) else type(error).__name__
                logger.warning("A crisis notice was not stored, so it is sent: %s", words)
            effects = [effect for effect in effects if not await _sent(effect)]
            if effects:
                await asyncio.sleep(wait)
                wait = min(_LONGEST_WAIT, 2 * wait)
        if effects:
            logger.error("Staff were not told of a crisis: neither the database nor the receiver answered.")


def _store(connection: Connection, conversation: Optional[str], effects: List[Effect]) -> None:
    outbox.put(connection, conversation or "", effects)
    if conversation:  # staff may look at what is there of it
        mine = sa.update(conversations).where(conversations.c.sender_id == conversation)
        connection.execute(mine.values(crisis=time.time()))


class _Direct(outbox.Entry):
    """An entry that no outbox holds."""

    @property
    def payload(self) -> Dict[str, Any]:
        """See parent."""
        found: Dict[str, Any] = self["payload"]
        return found


async def _sent(effect: Effect) -> bool:
    entry = _Direct(kind=effect.kind, key=effect.key, payload=effect.payload, at=time.time())
    try:
        await asyncio.wait_for(outbox.HANDLERS[effect.kind](entry), outbox.MAIL_SECONDS)
        return True
    except Exception as error:
        logger.warning(
            "A crisis notice was not sent: %s", error if isinstance(error, outbox.NotDelivered) else type(error).__name__
        )
        return False
