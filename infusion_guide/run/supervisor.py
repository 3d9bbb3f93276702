"""Starts the servers that belong together, starts again what ends by itself, and stops all of them in order."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, List, Optional

from infusion_guide.clinic.settings import ROOT
from infusion_guide.watch.console import Bar, tell

STOP_SECONDS = 10.0  # that a process has to end by itself; above the door's time for a whole turn (channels/door.py)
LOOK = 0.5  # seconds between two looks whether everything runs
LONGEST_PAUSE = 30.0  # seconds before a new start
MOST_ENDS, WINDOW = 5, 300.0  # so many unexpected ends within so many seconds are mended


def wait_for(url: str, process: subprocess.Popen, seconds: float = 120) -> None:
    """Returns when `url` answers; SystemExit when the process ends first or the time is up."""
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            raise SystemExit(f"A server stopped while starting (exit {process.returncode}); its messages stand above.")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit(f"{url} did not answer within {seconds:.0f} s.")


def _start(command: List[str], env: Dict[str, str]) -> subprocess.Popen:
    # A session of its own: Ctrl+C reaches this process only, which stops the others one after the other.
    return subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)


def stop(process: subprocess.Popen) -> None:
    """Ends `process` by its own pid: asked first, killed after STOP_SECONDS."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True, eq=False)
class Part:
    """A server that belongs to the assistant: its command, and the address that answers once it has started."""

    name: str
    command: List[str]
    url: str


def supervise(
    parts: List[Part],
    env: Dict[str, str],
    ready: Callable[[], None],
    renewed: Callable[[], Optional[Part]] = lambda: None,
) -> int:
    """Starts `parts` in order, calls `ready`, and starts again what ends by itself; stops the last started first.

    `renewed` is asked again and again for a part that takes the place of the running one of its name.

    The pause before a new start doubles from one second to LONGEST_PAUSE with each end within WINDOW seconds. The exit
    code 1 comes back after more than MOST_ENDS of them: then something is wrong that a new start does not mend.

    Raises:
        SystemExit: a part did not start the first time, or this process was asked to stop.
    """
    processes: Dict[Part, subprocess.Popen] = {}
    ends: Deque[float] = deque()
    try:
        for part in parts:
            with Bar(f"Starting the {part.name}"):
                processes[part] = _start(part.command, env)
                wait_for(part.url, processes[part])
        ready()
        while True:
            time.sleep(LOOK)
            fresh = renewed()
            if fresh:
                processes = _replaced(processes, fresh, env)
            for part, process in processes.items():
                if process.poll() is None:
                    continue
                ends.append(time.monotonic())
                while ends[0] < ends[-1] - WINDOW:
                    ends.popleft()
                if len(ends) > MOST_ENDS:
                    tell(f"The {part.name} ended again (exit {process.returncode}); giving up after {MOST_ENDS} new starts.")
                    return 1
                pause = min(LONGEST_PAUSE, 2.0 ** (len(ends) - 1))
                tell(f"The {part.name} ended (exit {process.returncode}); starting it again in {pause:.0f} s.")
                time.sleep(pause)
                processes[part] = _start(part.command, env)
    finally:
        for process in reversed(list(processes.values())):
            stop(process)


def _replaced(processes: Dict[Part, subprocess.Popen], fresh: Part, env: Dict[str, str]) -> Dict[Part, subprocess.Popen]:
    """`processes`, in their order, with `fresh` started in the place of the part of its name."""
    tell(f"The {fresh.name} is started anew.")
    after: Dict[Part, subprocess.Popen] = {}
    for part, process in processes.items():
        if part.name == fresh.name:
            stop(process)
            after[fresh] = _start(fresh.command, env)
        else:
            after[part] = process
    return after


def stop_when_asked() -> None:
    """From now on SIGTERM, Ctrl+C and a closed terminal end this process, once; further signals do not disturb the stopping."""
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave(*_: Any) -> None:
        for each in asked:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(0)

    for each in asked:
        signal.signal(each, leave)
