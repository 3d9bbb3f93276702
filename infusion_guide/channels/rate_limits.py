"""How much may come in: for each visitor, for each address, and for all together."""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from functools import lru_cache
from typing import Deque, List, Optional, Tuple

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from infusion_guide.clinic.settings import settings

logger = logging.getLogger(__name__)

_DEVELOPMENT = 40  # times as many outside production, where tests and tools speak and nobody else can
_MOST_KEYS = 100_000  # windows that one process remembers; the least recently used are forgotten
_ANSWER = 0.5  # seconds that Redis has to answer before this process counts alone
_ALONE = 5.0  # seconds that it does so then: a Redis that hangs is not waited for at each message


@dataclass(frozen=True)
class Limited(Exception):
    """Too many messages; `who` is "visitor", "address" or "all", `seconds` until the next one is let in."""

    who: str
    seconds: int


class RateLimits:
    """Moving windows, counted in Redis for all workers; in this process where there is no Redis or it does not answer."""

    def __init__(self) -> None:
        chosen = settings()
        times = 1 if chosen.production else _DEVELOPMENT
        self._visitor: List[RateLimitItem] = [
            RateLimitItemPerMinute(times * chosen.visitor_messages_per_minute),
            RateLimitItemPerDay(times * chosen.visitor_messages_per_day),
        ]
        self._address = [RateLimitItemPerMinute(times * chosen.address_messages_per_minute)]
        self._all = [RateLimitItemPerSecond(times * chosen.messages_per_second)]
        self._told, self._aided = RateLimitItemPerMinute(1), RateLimitItemPerMinute(10)
        self._here = _Windows()
        self._shared: Optional[MovingWindowRateLimiter] = None
        self._alone_until = 0.0
        if chosen.redis_url:
            options = {"socket_timeout": _ANSWER, "socket_connect_timeout": _ANSWER}
            storage: Storage = RedisStorage(f"async+{chosen.redis_url}", implementation="redispy", **options)
            self._shared = MovingWindowRateLimiter(storage)

    async def visitor(self, conversation: str, address: Optional[str]) -> None:
        """Counts one message of `conversation` from `address` (None: a platform's servers). Raises Limited."""
        if address:  # first: conversations are free, and each one counted takes memory
            await self._count("address", self._address, address)
        await self._count("visitor", self._visitor, conversation)
        await self._count("all", self._all, "all")

    async def address(self, address: str) -> None:
        """Counts one call that is no message, such as the request for a conversation. Raises Limited."""
        await self._count("address", self._address, address)

    async def _count(self, who: str, items: List[RateLimitItem], key: str) -> None:
        for item in items:
            allowed, reset = await self._hit(item, who, key)
            if not allowed:
                raise Limited(who, max(1, int(reset - time.time()) + 1))

    async def _hit(self, item: RateLimitItem, who: str, key: str) -> Tuple[bool, float]:
        if self._shared and time.monotonic() >= self._alone_until:
            try:
                return await asyncio.wait_for(_hit(self._shared, item, who, key), _ANSWER)
            except Exception as error:  # whatever Redis or its client raises: counting must not stop the talk
                self._alone_until = time.monotonic() + _ALONE
                logger.warning("Redis does not count messages (%s); this process counts alone.", type(error).__name__)
        return self._here.hit(item, who, key)

    def may_tell(self, conversation: str) -> bool:
        """Whether `conversation` may get one more message that is no answer: one a minute, for some platforms take money."""
        return self._here.hit(self._told, "told", conversation)[0]

    def may_aid(self, conversation: str) -> bool:
        """Whether `conversation` may get one more crisis reply without a turn: ten a minute, the last of which it still reads."""
        return self._here.hit(self._aided, "aided", conversation)[0]


class _Windows:
    """Moving windows in this process. The library's own memory storage hops to a thread for each key of the day."""

    def __init__(self) -> None:
        self._times: "OrderedDict[Tuple[str, str, str], Deque[float]]" = OrderedDict()

    def hit(self, item: RateLimitItem, who: str, key: str) -> Tuple[bool, float]:
        """Whether one more is within `item`, and the Unix time at which the window has room again."""
        now, seconds = time.time(), item.get_expiry()
        times = self._times.setdefault((str(item), who, key), deque())
        self._times.move_to_end((str(item), who, key))
        if len(self._times) > _MOST_KEYS:
            self._times.popitem(last=False)
        while times and not now - seconds < times[0] <= now:  # too old, or of a clock that was ahead
            times.popleft()
        if len(times) >= item.amount:
            return False, times[0] + seconds
        times.append(now)
        return True, 0.0


async def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, who: str, key: str) -> Tuple[bool, float]:
    if await limiter.hit(item, who, key):
        return True, 0.0
    return False, (await limiter.get_window_stats(item, who, key)).reset_time


@lru_cache(maxsize=1)
def rate_limits() -> RateLimits:
    """The process's counters."""
    return RateLimits()
