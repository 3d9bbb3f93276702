"""How many messages are answered at once: what would wait for too long is refused now, honestly."""

import time
from collections import Counter
from contextlib import contextmanager
from typing import Iterator

from infusion_guide.channels.rate_limits import Limited

MOST = 12  # turns of one process under way; more of them would only wait for each other (docs/scaling.md)
_LEAST = 4  # a slow machine carries so many, if nothing else
MOST_OF_ONE = 8  # of one conversation: they wait for each other anyway
_SLOW, _FAST = 1.5, 0.8  # seconds of a turn: above, fewer are let in; below, more again
_WAIT = 2  # seconds after which to try again


class Admission:
    """Counts turns. A message that is let in keeps its place until the context ends."""

    def __init__(self) -> None:
        self._most, self._under_way, self._of = MOST, 0, Counter[str]()

    @contextmanager
    def of(self, conversation: str) -> Iterator[None]:
        """The place of one message of `conversation`. Raises Limited when there is none."""
        if self._of[conversation] >= MOST_OF_ONE:
            raise Limited("visitor", _WAIT)
        if self._under_way >= self._most:
            raise Limited("all", _WAIT)
        started = time.monotonic()
        self._under_way += 1
        self._of[conversation] += 1
        try:
            yield
            self._learn(time.monotonic() - started)  # of what was answered: a failure tells nothing of the load
        finally:
            self._under_way -= 1
            self._of[conversation] -= 1
            if not self._of[conversation]:
                del self._of[conversation]

    def _learn(self, seconds: float) -> None:
        if seconds > _SLOW:
            self._most = max(_LEAST, self._most - 1)
        elif seconds < _FAST:
            self._most = min(MOST, self._most + 1)
