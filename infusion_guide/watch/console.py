"""What a person at the terminal sees: a line for each step, which fills up while the step runs."""

import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from typing import Any, Iterator, Optional, TextIO

_WIDTH = 20  # characters of a bar
_TICK = 0.5  # seconds between two looks at a bar


def tell(words: str) -> None:
    """What went wrong, or changed, in words."""
    print(words, file=sys.stderr, flush=True)


class Bar:
    """with Bar("Training the assistant") as bar: bar.show(0.4, "SafetyGuard")

    One line. On a terminal it moves, and shows the seconds so far; elsewhere (a file, CI) it is written once.
    """

    def __init__(self, words: str, out: Optional[TextIO] = None) -> None:
        self._words, self._out = words, out or sys.stdout
        self._part: Optional[float] = None
        self._note = ""
        self._ended = threading.Event()

    def show(self, part: Optional[float] = None, note: str = "") -> None:
        """`part` of the step is done (0 to 1, None: nobody knows); `note` is what it does now."""
        self._part, self._note = part, note

    def __enter__(self) -> "Bar":
        self._began = time.monotonic()
        self._is_live = self._out.isatty()
        self._write(f"{self._words} ...")
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        if self._is_live:
            self._ticker.start()
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._ended.set()
        if self._is_live:
            self._ticker.join()
            self._write(f"\r\033[K{self._words} ...")
        self._write(f" {'stopped' if kind else 'done'} after {self._seconds():.0f} s\n")

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            full = round(_WIDTH * self._part) if self._part is not None else 0
            bar = f" [{'#' * full}{'-' * (_WIDTH - full)}]" if self._part is not None else " ..."
            line = f"{self._words}{bar} {self._seconds():.0f} s  {self._note}"
            self._write(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")

    def _write(self, words: str) -> None:
        self._out.write(words)
        self._out.flush()


@contextmanager
def quietly() -> Iterator[TextIO]:
    """Libraries say nothing while the context lasts; it gives the place where a Bar may still write.

    Everything that comes to standard output and error, also from C, is kept, and told when the context ends with an error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as said, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        for number in (1, 2):
            os.dup2(said.fileno(), number)
        try:
            yield terminal
        except BaseException:
            said.seek(0)
            os.write(kept[1], said.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in zip((1, 2), kept):
                os.dup2(original, number)
                os.close(original)
