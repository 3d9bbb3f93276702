"""Runs the assistant and the staff pages on this machine: `python -m infusion_guide.run` (`make run`).

`... run chat` talks in the terminal. In a container, where restarting is somebody else's work, one role a process:
`... run assistant|staff|migrate`. This process must stay small: what it needs of Rasa or the database, others do for it.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from infusion_guide.clinic.settings import ROOT, SettingError, Settings, settings
from infusion_guide.engine.training import model_path
from infusion_guide.replies import pins
from infusion_guide.run import commands
from infusion_guide.run.supervisor import Part, stop_when_asked, supervise
from infusion_guide.teaching.trial import Watch
from infusion_guide.watch.console import Bar, quietly, tell

NO_DATABASE = 75  # exit code of `migrate`: the database cannot be worked with now (EX_TEMPFAIL)
TABLES_AGAIN = 10.0  # seconds between two tries to bring a database up to date that was away at the start
PART = "assistant"  # the part that a newly taught model starts anew


def main(words: List[str]) -> int:
    """Plays the role `words` names; without one, serves until interrupted. The exit code is 2 for a wrong setting."""
    try:
        chosen = settings()
    except SettingError as error:
        tell(str(error))
        return 2
    if chosen.undecided():
        tell(chosen.undecided())
        return 2
    os.chdir(ROOT)
    if not words:
        return run(chosen)
    if words[0] not in ROLES:
        tell(f"There is no role {words[0]}: choose one of {', '.join(ROLES)}.")
        return 2
    os.environ.update(commands.environment(chosen))
    return ROLES[words[0]](chosen, *words[1:])


def run(chosen: Settings) -> int:
    """Trains what must be trained, then keeps the servers running."""
    wrong = port_in_use(chosen) or pins.changed()
    if wrong:
        tell(wrong)
        return 1
    code, note = prepare(chosen)
    if code not in (0, NO_DATABASE):
        return code
    stop_when_asked()
    taught, tables = Watch(), Tables(chosen, missing=code == NO_DATABASE)
    if tables.missing:
        tell("It starts all the same: until the database is there, a crisis is answered and everybody else is told to come back.")

    def renewed() -> Optional[Part]:
        tables.look()
        fresh = taught.fresh()
        return _assistant(chosen, fresh) if fresh else None

    pages = f"{commands.local_url(chosen, chosen.staff_port)}/staff"
    parts = [_assistant(chosen, model_path()), Part("staff pages", commands.role("staff"), f"{pages}/health")]
    return supervise(parts, commands.environment(chosen), lambda: _greet(chosen, f"{pages}{note}"), renewed)


def prepare(chosen: Settings) -> Tuple[int, str]:
    """Trains and migrates in processes that end: the exit code of what failed, and what is to be said of the staff pages."""
    env = commands.environment(chosen)
    code = subprocess.call(commands.training(), cwd=ROOT, env=env)
    if code:
        return code, ""
    migrated = subprocess.run(commands.role("migrate"), cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    return migrated.returncode, migrated.stdout.rstrip()


class Tables:
    """Brings the database up to date as soon as it can be worked with, while the servers run already."""

    def __init__(self, chosen: Settings, missing: bool) -> None:
        self.missing = missing
        self._env = commands.environment(chosen)
        self._trying: Optional[subprocess.Popen] = None
        self._next = time.monotonic() + TABLES_AGAIN

    def look(self) -> None:
        """Begins a try when it is time, and says when one has worked; waits for nothing."""
        if not self.missing:
            return
        if self._trying is None:
            if time.monotonic() >= self._next:
                quiet = subprocess.DEVNULL
                self._trying = subprocess.Popen(commands.role("migrate"), cwd=ROOT, env=self._env, stdout=quiet, stderr=quiet)
            return
        code = self._trying.poll()
        if code is None:
            return
        self._trying, self._next = None, time.monotonic() + TABLES_AGAIN
        if code == 0:
            self.missing = False
            tell("The database is there, and up to date.")


def port_in_use(chosen: Settings) -> str:
    """A sentence that names the setting of a port on which somebody listens; "" when both are free."""
    for name, port in (("PORT", chosen.port), ("STAFF_PORT", chosen.staff_port)):
        family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
        try:
            socket.create_server((chosen.host, port), family=family).close()
        except OSError as error:
            why = os.strerror(error.errno or 0).lower()
            return f"Nothing can listen on {chosen.host}:{port} ({why}). End what does, or change {name} in .env."
    return ""


def _assistant(chosen: Settings, model: Path) -> Part:
    return Part(PART, commands.assistant(model), f"{commands.local_url(chosen)}/health")


def _greet(chosen: Settings, pages: str) -> None:
    url = commands.local_url(chosen)
    phone = "" if chosen.clinic_phone else "Note: CLINIC_PHONE is not set in .env: replies name no phone number of the clinic.\n"
    print(
        f"\nReady. The chat as patients see it: {url}/ (Ctrl+C stops everything)\n"
        f"Staff pages: {pages}\n"
        f"For programs: curl -s {url}/webhooks/rest/webhook"
        """ -d '{"sender": "me", "message": "does it help with depression?"}'\n"""
        f"{phone}"
        "Next: make chat talks in the terminal, make doctor looks everything over, make lists all commands.",
        flush=True,
    )


# ---- Roles. Each imports what only it needs. ----


def _serve_assistant(chosen: Settings, model: str = "") -> int:
    """The assistant of `model`; without it, of the present data. Nothing is trained here."""
    path = Path(model) if model else model_path()
    if not path.exists():
        raise SystemExit("There is no model of the present data: run `make train`, or build the image anew.")
    from infusion_guide.engine.serving import serve

    serve(path, chosen.host, chosen.port)
    return 0


def _serve_staff(_: Settings) -> int:
    from infusion_guide.staff.__main__ import main as serve

    return serve()


def _migrate(chosen: Settings) -> int:
    """Brings the database up to date. Says how to make the first account of the staff pages while there is none."""
    from infusion_guide.storage import accounts as staff
    from infusion_guide.storage.database import DatabaseNewer, DatabaseUnavailable, database, migrate

    try:
        migrate(chosen.database_url)
        if not database(chosen.database_url).run_now(staff.accounts):
            print(" (nobody can sign in yet: make staff NAME=maria ROLE=admin, with your name)")
        return 0
    except DatabaseNewer as error:  # nothing may be written to it, so nothing may run
        tell(str(error))
        return 1
    except DatabaseUnavailable as error:
        tell(str(error))
        return NO_DATABASE


def _chat(chosen: Settings) -> int:
    code, _ = prepare(chosen)
    if code:
        return code
    with quietly() as terminal, Bar("Loading the assistant", terminal):
        from infusion_guide.run import chat

        agent = chat.load(model_path())
    return chat.chat(agent)


Role = Callable[..., int]
ROLES: Dict[str, Role] = {"assistant": _serve_assistant, "staff": _serve_staff, "migrate": _migrate, "chat": _chat}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
