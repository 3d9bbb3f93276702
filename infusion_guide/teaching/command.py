"""`make teach`: tries the sentences that wait (data/taught/waiting.yml) and lets them go live if nothing gets worse.

Besides the figures a new model owes the clinic: the gate, Rasa's own validation, and every test that talks to the trained
assistant in this process (each danger has its reply among them). The other tests are about code, which a taught sentence
does not change, and need a browser or databases; `--full` runs them, too (`make test`).
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any, Dict, List, Optional

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.teaching import trial
from infusion_guide.teaching.waiting import can_write

_PYTHON = [sys.executable, "-W", "ignore", "-m"]
_GATE = ["tests/test_consistency.py", "tests/test_ledger.py", "tests/test_readme.py"]
_TALKS = re.compile(r"^(?:async )?def test_\w+\([^)]*\b(?:talk|new_talk|trained_assistant)\b", re.M)
_START = 5.0  # seconds that a trial has to begin in the background


def impossible(project: Path = ROOT) -> str:
    """Why no trial can run here, in words for staff; "" when one can."""
    if not (project / "tests" / "heldout").is_dir():
        return "This is an image without the project's tests."
    if not can_write(project) or not os.access(project, os.W_OK):
        return "This assistant may not change its own files here."
    if importlib.util.find_spec("pytest") is None:
        return "The packages for tests are missing: run `make check` once in the project's folder."
    return ""


def tools(full: bool = False) -> trial.Tools:
    """The project's own commands, run in the copy."""
    return trial.Tools(_measure, _check, _train, _test_all if full else _test)


def start(full: bool = False, project: Path = ROOT) -> bool:
    """Starts a trial that outlives this process; returns when it has begun, False when it did not."""
    results = project / "results"
    results.mkdir(exist_ok=True)
    command = [*_PYTHON, "infusion_guide.teaching", *(["--full"] if full else [])]
    with open(results / "teaching.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=project, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        if trial.is_running(project):
            return True
        time.sleep(0.05)
    return process.poll() is None


def _measure(copy: Path, texts: List[str]) -> List[Dict[str, Any]]:
    given, found = copy / "given.jsonl", copy / "found.jsonl"
    given.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    _run(copy, "The measuring failed", "infusion_guide.evaluate", "--file", given.name, "--out", found.name)
    return [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]


def _check(copy: Path) -> None:
    _run(copy, "The sentences do not fit the project's other files", "pytest", "-q", *_GATE)


def _train(copy: Path) -> None:
    _run(copy, "The training failed", "infusion_guide.teaching.train")


def _test(copy: Path) -> None:
    validate = ("rasa", "data", "validate", "--fail-on-warnings", "--data", "data", "--domain", "domain.yml")
    _run(copy, "Rasa finds fault with the sentences", *validate)
    _run(copy, "A test of the new assistant failed", "pytest", "-q", *talking_tests(copy))


def _test_all(copy: Path) -> None:
    _finish(subprocess.run(["make", "test"], cwd=copy, env=_environment(), check=False), "A test of the project failed")


def talking_tests(project: Path) -> List[str]:
    """The test files that talk to the trained assistant."""
    found = sorted((project / "tests").glob("test_*.py"))
    return [str(path.relative_to(project)) for path in found if _TALKS.search(path.read_text(encoding="utf-8"))]


def _run(copy: Path, failed: str, *words: str) -> None:
    _finish(subprocess.run([*_PYTHON, *words], cwd=copy, env=_environment(), check=False), failed)


def _finish(done: "subprocess.CompletedProcess[bytes]", failed: str) -> None:
    if done.returncode:
        raise trial.Failed(f"{failed}; an engineer finds why in results/teaching.log.")


def _environment() -> Dict[str, str]:
    """Without the clinic's settings: a trial touches no patient's conversations and writes to nobody."""
    ours = {field.name.upper() for field in fields(Settings)} | {"PYTHONPATH"}
    quiet = {"RASA_TELEMETRY_ENABLED": "false"}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, **quiet, "PYTHONWARNINGS": "ignore"}


def main(words: Optional[List[str]] = None) -> int:
    """The command; the exit code is 0 when the sentences went live or none was waiting."""
    parser = argparse.ArgumentParser(prog="make teach")
    parser.add_argument("--full", action="store_true", help="every test of the project")
    chosen = parser.parse_args(words)
    reason = impossible()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    try:
        found = trial.run(tools(chosen.full), tell=lambda line: print(line, flush=True))
    except trial.Running as error:
        print(error, file=sys.stderr)
        return 2
    if found.get("after"):
        print(f"\n{trial.table(found['before'], found['after'])}\n")
        for line, label in zip(found["lines"], found["answered"]):
            print(f"{line['topic']:32} {'(taken out) ' if line.get('withdraw') else ''}{line['text']}  ->  {label}")
    print(found["reason"] if found.get("state") != "released" or "reason" in found else "\nThese sentences are live now.")
    return 0 if found.get("state") == "released" or found.get("reason") == "Nothing is waiting." else 1
