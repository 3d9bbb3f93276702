"""Runs the assistant and its action server on this machine: `python -m infusion_guide.serve` (or `... serve shell`)."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, TextIO

from infusion_guide.settings import ROOT, SettingError, Settings, settings
from infusion_guide.train import ensure_model


def environment(chosen: Settings) -> Dict[str, str]:
    """What Rasa's processes need in their environment: the settings that endpoints.yml names, telemetry off."""
    return {
        **os.environ,
        "ACTIONS_PORT": str(chosen.actions_port),
        "DATABASE": str(ROOT / chosen.database),
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
    """The process of `command`, stopped at the end by its own pid: asked first, killed after ten seconds.

    What it says goes to the file `out`, or to this terminal.
    """
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT if out else None)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def action_server(port: int) -> List[str]:
    """Command of the action server; Rasa SDK binds every address unless told otherwise."""
    code = f"import rasa_sdk.endpoint as endpoint; endpoint.run('actions', port={port})"
    return [sys.executable, "-c", _LOOPBACK + code]


# rasa_sdk.endpoint.run has no parameter for the address and passes "0.0.0.0" to Sanic.
_LOOPBACK = (
    "import sanic; original = sanic.Sanic.run\n"
    "def run(self, host=None, *args, **kwargs): return original(self, '127.0.0.1', *args, **kwargs)\n"
    "sanic.Sanic.run = run\n"
)


@contextmanager
def actions_running(port: int, env: Dict[str, str]) -> Iterator[None]:
    """The action server, ready to answer."""
    with running(action_server(port), env) as process:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield


def main() -> int:
    """Serves until interrupted; `shell` as argument talks in the terminal instead."""
    try:
        chosen = settings()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    model = ensure_model()
    env = environment(chosen)
    shell = sys.argv[1:] == ["shell"]
    rasa = [sys.executable, "-W", "ignore", "-m", "rasa"]
    files = ["--model", str(model), "--endpoints", "endpoints.yml"]
    if not chosen.clinic_phone:
        print("Note: CLINIC_PHONE is not set in .env, so replies name no phone number of the clinic.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with actions_running(chosen.actions_port, env):
            if shell:
                print("Loading; type your question when you are asked to. /stop ends the talk.", flush=True)
                return subprocess.call([*rasa, "shell", *files, "--credentials", os.devnull], cwd=ROOT, env=env)
            command = [*rasa, "run", *files, "--credentials", "credentials.yml", "-i", chosen.host, "-p", str(chosen.port)]
            with running(command, env) as process:
                wait_for(f"http://{chosen.host}:{chosen.port}/webhooks/rest/", process)
                print(
                    f"Ready on http://{chosen.host}:{chosen.port} (Ctrl+C stops it). Try:\n"
                    f"  curl -s http://{chosen.host}:{chosen.port}/webhooks/rest/webhook "
                    """-d '{"sender": "me", "message": "does it help with depression?"}'""",
                    flush=True,
                )
                return process.wait()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
