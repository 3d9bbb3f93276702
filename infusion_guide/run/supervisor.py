"""Runs the assistant and the staff pages on this machine: `python -m infusion_guide.run.serve` (or `... serve shell`).

In a container, where restarting is somebody else's work, one role a process: `... serve assistant|staff|migrate`.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, TextIO

from infusion_guide.clinic.settings import ROOT, SettingError, Settings, settings
from infusion_guide.engine.training import ensure_model, model_path
from infusion_guide.storage import accounts as staff
from infusion_guide.storage.database import DatabaseUnavailable, database, full_url, migrate
from infusion_guide.teaching import trial

ROLES = ("assistant", "staff", "migrate")
_RASA = [sys.executable, "-W", "ignore", "-m", "rasa"]
STOP_SECONDS = 10.0  # that a process has to end by itself; above the door's time for a whole turn (channels/door.py)
LOOK = 0.5  # seconds between two looks whether everything runs
LONGEST_PAUSE = 30.0  # seconds before a new start
MOST_ENDS, WINDOW = 5, 300.0  # so many unexpected ends within so many seconds are mended


def environment(chosen: Settings) -> Dict[str, str]:
    """What Rasa's processes need in their environment: the settings that endpoints.yml names, telemetry off."""
    return {
        "OPENBLAS_NUM_THREADS": "1",  # one core a process; more cores are for more assistants (docs/scaling.md)
        **os.environ,
        "DATABASE_URL": full_url(chosen.database_url),
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


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


@contextmanager
def running(command: List[str], env: Dict[str, str], out: Optional[TextIO] = None) -> Iterator[subprocess.Popen]:
    """The process of `command`, stopped at the end by its own pid: asked first, killed after STOP_SECONDS.

    What it says goes to the file `out`, or to this terminal.
    """
    process = _start(command, env, out)
    try:
        yield process
    finally:
        _stop(process)


def _start(command: List[str], env: Dict[str, str], out: Optional[TextIO] = None) -> subprocess.Popen:
    # A session of its own: Ctrl+C reaches this process only, which stops the others one after the other.
    error = subprocess.STDOUT if out else None
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=error, start_new_session=True)


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def assistant(chosen: Settings, model: Path) -> List[str]:
    """Command of the assistant."""
    files = ["--model", str(model), "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
    return [*_RASA, "run", *files, "-i", chosen.host, "-p", str(chosen.port)]


def staff_pages() -> List[str]:
    """Command of the staff pages, on HOST and STAFF_PORT."""
    return [sys.executable, "-W", "ignore", "-m", "infusion_guide.staff"]


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
                    _tell(f"The {part.name} ended again (exit {process.returncode}); giving up after {MOST_ENDS} new starts.")
                    return 1
                pause = min(LONGEST_PAUSE, 2.0 ** (len(ends) - 1))
                _tell(f"The {part.name} ended (exit {process.returncode}); starting it again in {pause:.0f} s.")
                time.sleep(pause)
                processes[part] = _start(part.command, env)
    finally:
        for process in reversed(list(processes.values())):
            _stop(process)


def _replaced(processes: Dict[Part, subprocess.Popen], fresh: Part, env: Dict[str, str]) -> Dict[Part, subprocess.Popen]:
    """`processes`, in their order, with `fresh` started in the place of the part of its name."""
    _tell(f"The {fresh.name} is started anew.")
    after: Dict[Part, subprocess.Popen] = {}
    for part, process in processes.items():
        if part.name == fresh.name:
            _stop(process)
            after[fresh] = _start(fresh.command, env)
        else:
            after[part] = process
    return after


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _stop_when_asked() -> None:
    """SIGTERM, Ctrl+C and a closed terminal end this process once; further signals do not disturb the stopping."""
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave(*_: Any) -> None:
        for each in asked:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(0)

    for each in asked:
        signal.signal(each, leave)


def local_url(chosen: Settings, port: int = 0) -> str:
    """Where this machine reaches the assistant (or what listens on `port`), also when it listens on every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host, chosen.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port or chosen.port}"


def main() -> int:
    """Serves until interrupted; `shell` as argument talks in the terminal instead."""
    try:
        chosen = settings()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    if sys.argv[1:] and sys.argv[1] in ROLES:
        return _play(sys.argv[1], chosen)
    model = ensure_model()
    if _migrated(chosen):
        return 1
    env = environment(chosen)
    if not chosen.clinic_phone:
        print("Note: CLINIC_PHONE is not set in .env, so replies name no phone number of the clinic.", flush=True)
    if sys.argv[1:] == ["shell"]:
        files = ["--model", str(model), "--endpoints", "endpoints.yml", "--credentials", os.devnull]
        return _shell([*_RASA, "shell", *files], env)
    _stop_when_asked()
    taught = trial.Watch()

    def assistant_of(model: Path) -> Part:
        return Part("assistant", assistant(chosen, model), f"{local_url(chosen)}/health")

    def renewed() -> Optional[Part]:
        fresh = taught.fresh()
        return assistant_of(fresh) if fresh else None

    parts = [
        assistant_of(model),
        Part("staff pages", staff_pages(), f"{local_url(chosen, chosen.staff_port)}/staff/health"),
    ]
    return supervise(parts, env, lambda: _greet(chosen), renewed)


def _migrated(chosen: Settings) -> int:
    """Brings the database up to date; the exit code says whether that worked."""
    try:
        migrate(chosen.database_url)
        return 0
    except DatabaseUnavailable as error:
        _tell(str(error))
        return 1


def _play(role: str, chosen: Settings) -> int:
    """One role in this very process, so that signals of a container's supervisor reach it. Nothing is trained here."""
    if role == "migrate":
        return _migrated(chosen)
    if role == "staff":
        command = staff_pages()
    elif model_path().exists():
        command = assistant(chosen, model_path())
    else:
        raise SystemExit("There is no model of the present data: run `make train`, or build the image anew.")
    os.chdir(ROOT)
    return os.execvpe(command[0], command, environment(chosen))  # does not come back


def _shell(command: List[str], env: Dict[str, str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print("Loading; type your question when you are asked to. /stop ends the talk.", flush=True)
        return subprocess.call(command, cwd=ROOT, env=env)
    except KeyboardInterrupt:
        return 0


def _greet(chosen: Settings) -> None:
    url = local_url(chosen)
    print(
        f"Ready on {url} (Ctrl+C stops it). Try:\n"
        f"""  curl -s {url}/webhooks/rest/webhook -d '{{"sender": "me", "message": "does it help with depression?"}}'\n"""
        f"Staff pages: {local_url(chosen, chosen.staff_port)}/staff{_first_account(chosen)}",
        flush=True,
    )


def _first_account(chosen: Settings) -> str:
    """How to make the first account of the staff pages; "" when there is one."""
    try:
        known = database(chosen.database_url).run_now(staff.accounts)
    except DatabaseUnavailable:
        return ""
    return "" if known else " (nobody can sign in yet: make staff NAME=maria ROLE=admin, with your name)"


if __name__ == "__main__":
    sys.exit(main())
