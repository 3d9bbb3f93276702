"""Work in a thread beside the talk, one sender after the other: whoever sends a thousand waits for the thousand, nobody else."""

import asyncio
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Deque, Optional, Tuple, TypeVar

Found = TypeVar("Found")
_Job = Tuple["asyncio.Future[Any]", Callable[[], Any]]

MOST_OF_ONE = 20  # jobs of one sender that wait; the oldest gives way to a newer one
MOST = 2000  # jobs that wait in all; then the sender with most of them gives way


class GaveWay(RuntimeError):
    """Newer work of the same sender took the place of this one, or there was too much of everything."""


class FairQueue:
    """One job at a time, in turn of the senders."""

    def __init__(self, name: str, most_of_one: int = MOST_OF_ONE) -> None:
        self._most_of_one = most_of_one
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: "OrderedDict[str, Deque[_Job]]" = OrderedDict()
        self._count = 0
        self._working: Optional["asyncio.Task[None]"] = None

    async def run(self, sender: str, work: Callable[[], Found]) -> Found:
        """What `work` returns, when the turn of `sender` has come. Raises GaveWay, and what `work` raises."""
        job: "asyncio.Future[Found]" = asyncio.get_running_loop().create_future()
        own = self._waiting.setdefault(sender, deque())
        own.append((job, work))
        self._count += 1
        if len(own) > self._most_of_one:
            self._give_way(sender)
        elif self._count > MOST:
            self._give_way(max(self._waiting, key=lambda each: len(self._waiting[each])))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await job

    def _give_way(self, sender: str) -> None:
        job, _ = self._taken(sender)
        if not job.done():
            job.set_exception(GaveWay())

    def _taken(self, sender: str) -> _Job:
        own = self._waiting.pop(sender)
        job = own.popleft()
        if own:
            self._waiting[sender] = own  # behind all others
        self._count -= 1
        return job

    async def _work(self) -> None:
        while self._waiting:
            job, work = self._taken(next(iter(self._waiting)))
            if job.done():  # nobody waits for it any more
                continue
            try:
                found = await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except Exception as error:
                if not job.done():
                    job.set_exception(error)
            else:
                if not job.done():
                    job.set_result(found)
