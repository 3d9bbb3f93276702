"""One turn at a time in each conversation: in this process in the order of arrival, across workers through Redis."""

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from typing import Any, AsyncGenerator, Optional
from weakref import WeakValueDictionary

import redis.asyncio as redis
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LockStore
from redis.asyncio.lock import Lock
from redis.exceptions import LockNotOwnedError, RedisError

from infusion_guide.clinic.settings import settings

logger = logging.getLogger(__name__)

EXPIRES = 2.5  # seconds after which the lock of a killed worker is free
RENEWED = 0.8  # seconds between two renewals of a lock that is in use
POLLED = 0.02  # seconds between two looks at a lock that another worker holds
_ANSWER = 1.0  # seconds that Redis has to answer
_ALONE = 5.0  # seconds without Redis after it did not: a Redis that hangs is not waited for at each message
_RELEASE = 0.3  # seconds for giving a lock back; the patient waits for it when a turn is cut off


class ConversationLocks(LockStore):
    """Locks that wait without polling inside one process and expire quickly after a crash.

    Redis makes the wait short and the order sensible across workers; what makes two workers safe is the version that
    every stored turn must match (tables.py). So without Redis, or with a Redis that does not answer, the talk goes on:
    at worst a turn is worked out twice and stored once.
    """

    def __init__(self, endpoint_config: Any = None) -> None:
        super().__init__()
        self._here: "WeakValueDictionary[str, asyncio.Lock]" = WeakValueDictionary()
        url = settings().redis_url
        self._redis: Optional[redis.Redis] = (
            redis.from_url(url, socket_timeout=_ANSWER, socket_connect_timeout=_ANSWER) if url else None
        )
        self._alone_until = 0.0

    @asynccontextmanager
    async def lock(self, conversation_id: str, *_: Any, **__: Any) -> AsyncGenerator[TicketLock, None]:
        """Holds the conversation `conversation_id`; waits for its turn."""
        here = self._here.setdefault(conversation_id, asyncio.Lock())
        async with here:
            held = await self._take(conversation_id)
            renewing = asyncio.create_task(_renew(held)) if held else None
            try:
                yield TicketLock(conversation_id)
            finally:
                if renewing and held:
                    renewing.cancel()
                    await self._give_back(held)

    async def _take(self, conversation_id: str) -> Optional[Lock]:
        if self._redis is None or time.monotonic() < self._alone_until:
            return None
        lock = self._redis.lock(f"conversation:{conversation_id}", timeout=EXPIRES, sleep=POLLED, blocking_timeout=EXPIRES + 0.5)
        try:
            return lock if await lock.acquire() else None
        except (TimeoutError, RedisError, OSError) as error:
            self._alone_until = time.monotonic() + _ALONE
            logger.warning("Redis does not lock (%s); stored versions keep the order. See REDIS_URL.", type(error).__name__)
            return None

    async def _give_back(self, lock: Lock) -> None:
        with suppress(RedisError, LockNotOwnedError, OSError, asyncio.TimeoutError):  # else it expires by itself
            await asyncio.wait_for(lock.release(), _RELEASE)

    async def answers(self) -> bool:
        """Whether Redis answers; True where none is used."""
        try:
            return self._redis is None or bool(await self._redis.ping())
        except (TimeoutError, RedisError, OSError):
            return False

    # Rasa's interface for its own ticket locks, which nothing here uses.
    def get_lock(self, conversation_id: str) -> Optional[TicketLock]:
        """See parent."""
        return None

    def delete_lock(self, conversation_id: str) -> None:
        """See parent."""

    def save_lock(self, lock: TicketLock) -> None:
        """See parent."""


async def _renew(lock: Lock) -> None:
    while True:
        await asyncio.sleep(RENEWED)
        try:
            await lock.reacquire()
        except (TimeoutError, RedisError, LockNotOwnedError, OSError):
            return
