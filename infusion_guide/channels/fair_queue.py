"""Work in a thread beside the talk, the weightiest of each sender's turn first: who sends a thousand waits, nobody else does."""

import asyncio
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Optional, TypeVar

Found = TypeVar("Found")

MOST_OF_ONE = 20  # jobs of one sender that wait; the oldest gives way to a newer one
MOST = 2000  # jobs that wait in all; then the sender with most of them gives way


class GaveWay(RuntimeError):
    """Newer work of the same sender took the place of this one, or there was too much of everything."""


@dataclass
class _Job:
    found: "asyncio.Future[Any]"
    work: Callable[[], Any]
    weight: float

    def end(self, result: Any = None, error: Optional[Exception] = None) -> None:
        """Tells the loop that waits; from any thread."""

        def tell() -> None:
            if self.found.done():  # nobody waits any more
                return
            if error:
                self.found.set_exception(error)
            else:
                self.found.set_result(result)

        with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            self.found.get_loop().call_soon_threadsafe(tell)


class FairQueue:
    """One job at a time, in turn of the senders: the first of everybody, then the second; of the same turn the weightiest.

    The thread takes the next job itself: a busy talk, whose loop comes round only so often, does not hold it up.
    """

    def __init__(self, name: str, most_of_one: int = MOST_OF_ONE) -> None:
        self._most_of_one = most_of_one
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()  # over all below
        self._waiting: Dict[str, Deque[_Job]] = {}
        self._count = 0
        self._served: Counter[str] = Counter()  # jobs of each sender since nothing waited
        self._is_working = False

    async def run(self, sender: str, work: Callable[[], Found], weight: float = 0.0) -> Found:
        """What `work` returns, when the turn of `sender` has come; `weight`: from 0 to 1.

        Raises GaveWay, and what `work` raises.
        """
        job = _Job(asyncio.get_running_loop().create_future(), work, weight)
        with self._lock:
            own = self._waiting.setdefault(sender, deque())
            own.append(job)
            self._count += 1
            if len(own) > self._most_of_one:
                self._taken(sender).end(error=GaveWay())
            elif self._count > MOST:
                self._taken(max(self._waiting, key=lambda each: len(self._waiting[each]))).end(error=GaveWay())
            if not self._is_working:
                self._is_working = True
                self._thread.submit(self._work)
        found: Found = await job.found
        return found

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return self._count

    def _taken(self, sender: str) -> _Job:
        own = self._waiting[sender]
        job = own.popleft()
        if not own:
            del self._waiting[sender]
        self._count -= 1
        return job

    def _next(self) -> Optional[_Job]:
        """The job whose turn it is; None when nothing waits, and then the thread rests."""
        with self._lock:
            if not self._waiting:
                self._served.clear()
                self._is_working = False
                return None
            sender = max(self._waiting, key=lambda each: self._waiting[each][0].weight - self._served[each])
            self._served[sender] += 1
            return self._taken(sender)

    def _work(self) -> None:
        while job := self._next():
            if job.found.done():
                continue
            try:
                job.end(job.work())
            except Exception as error:
                job.end(error=error)
