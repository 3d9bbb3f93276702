"""A peer's processes: training as a child process, serving, and their memory."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import psutil

from infusion_guide.clinic.settings import ROOT, settings
from infusion_guide.run.commands import environment
from infusion_guide.run.supervisor import stop, wait_for
from infusion_guide.storage.database import migrate
from tests.ports import free_port
from tools.bench.peers import DOMAIN, OURS, Peer

_RASA = [sys.executable, "-W", "ignore", "-m", "infusion_guide.engine"]
_MB = 1e6


class StepFailed(RuntimeError):
    """A process ended with an error; the message names its log."""


@dataclass(frozen=True)
class Served:
    """A peer that answers at `url` (REST). Seconds from its start to its first answer; pids of its servers.

    Ours runs its actions itself: 0 seconds, no pid.
    """

    url: str
    start_seconds: float
    actions_start_seconds: float
    pid: int
    actions_pid: Optional[int]

    def memory(self) -> Dict[str, float]:
        """Resident MB of the assistant and of the action server, each with its children."""
        return {"assistant": _resident(self.pid), "actions": _resident(self.actions_pid) if self.actions_pid else 0.0}


def trained(peer: Peer) -> Dict[str, float]:
    """Trains `peer` with Rasa's own command and an empty cache: wall and CPU seconds, peak resident MB.

    `others_s`: CPU seconds that everything else on the machine used meanwhile.

    Raises:
        StepFailed: Rasa could not train.
    """
    command = [*_RASA, "train", "--force", "--config", str(peer.config), "--domain", str(DOMAIN), "--data"]
    command += [*(str(place) for place in peer.data), "--out", str(peer.folder), "--fixed-model-name", "model"]
    log = peer.folder / "train.log"
    with tempfile.TemporaryDirectory() as cache, open(log, "w", encoding="utf-8") as out:
        env = {**environment(settings()), "RASA_CACHE_DIRECTORY": cache}
        start, busy = time.perf_counter(), _machine_cpu()
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT)
        try:
            # wait4 and not wait: only it tells what this one child and its own children used.
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall, others = time.perf_counter() - start, _machine_cpu() - busy - used.ru_utime - used.ru_stime
    if process.returncode or not peer.model.exists():
        raise StepFailed(f"training of {peer.name} failed, see {log.relative_to(ROOT)}")
    peak = used.ru_maxrss * 1024 / _MB  # Linux counts in KiB
    return {"wall_s": wall, "user_s": used.ru_utime, "system_s": used.ru_stime, "peak_mb": peak, "others_s": others}


@contextmanager
def serving(peer: Peer) -> Iterator[Served]:
    """`peer` behind REST on a free loopback port, with an empty database; both servers end with the context."""
    for old in peer.folder.glob("conversations.db*"):
        old.unlink()
    port, actions_port = free_port(), free_port()
    database = f"sqlite:///{peer.folder / 'conversations.db'}"
    if peer.name == OURS:
        migrate(database)
    env = environment(replace(settings(), database_url=database))
    start = time.perf_counter()
    with ExitStack() as stack:
        actions = None
        if peer.name != OURS:
            command = [sys.executable, "-W", "ignore", "-m", "rasa_sdk", "--actions", "actions", "--port", str(actions_port)]
            env = {**env, "ACTIONS_PORT": str(actions_port), "SANIC_HOST": "127.0.0.1"}
            actions = stack.enter_context(logged(command, env, peer.folder / "actions.log"))
            wait_for(f"http://127.0.0.1:{actions_port}/health", actions)
        actions_ready = time.perf_counter()
        files = ["--model", str(peer.model), "--endpoints", str(peer.endpoints), "--credentials", str(peer.credentials)]
        command = [*_RASA, "run", *files, "-i", "127.0.0.1", "-p", str(port)]
        with logged(command, env, peer.folder / "server.log") as assistant:
            url = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
            _first_answer(url, assistant, peer)
            ready = time.perf_counter()
            yield Served(url, ready - actions_ready, actions_ready - start, assistant.pid, actions.pid if actions else None)


def _first_answer(url: str, process: subprocess.Popen, peer: Peer, seconds: float = 300) -> None:
    request = urllib.request.Request(url, b'{"sender": "first", "message": "hello"}', {"Content-Type": "application/json"})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(request, timeout=60):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise StepFailed(f"{peer.name} did not answer within {seconds:.0f} s, see {peer.folder.name}/server.log")


@contextmanager
def logged(command: List[str], env: Dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    """The process of `command`, its words in `log`."""
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            yield process
        finally:
            stop(process)


def _machine_cpu() -> float:
    """CPU seconds that all processes have used since the machine started."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


def _resident(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / _MB
