"""The assistant as production runs it, for tests that break things: worker processes, one action server, PostgreSQL, Redis.

with ExitStack() as stack:
    one = Cluster(stack.enter_context(Postgres()), stack.enter_context(Redis()), folder, workers=2)
    stack.enter_context(one)
    client = one.workers[0].client()
    said = client.say(client.conversation(), "does it hurt?")
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import psutil
import psycopg2
import requests

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.engine.training import model_path
from infusion_guide.run.commands import assistant, environment
from infusion_guide.storage.database import migrate
from tests.ports import HOST, free_port
from tools.bench.local_servers import Postgres, Redis

START_SECONDS = 180.0  # twenty on an idle machine
UNLIMITED = 1_000_000  # where limits are not what is tested
REST_TOKEN = secrets.token_hex(32)
CRISIS = "I am going to kill myself tonight"
QUESTION = "does it help with depression?"
NEEDS_ACTION = "where is that from?"  # asked after an answer, it is answered by an action


def production(**changes: Any) -> Settings:
    """Settings for patients, without limits; `changes` are fields of Settings."""
    names = ("visitor_messages_per_minute", "visitor_messages_per_day", "address_messages_per_minute", "messages_per_second")
    chosen = {
        "production": True,
        "secret_key": secrets.token_hex(32),
        "rest_token": REST_TOKEN,
        "stored_words": "plain",  # in production the clinic has to choose
        **dict.fromkeys(names, UNLIMITED),
        **changes,
    }
    return Settings(**chosen)


def variables(chosen: Settings) -> Dict[str, str]:
    """The environment of a server process with exactly the settings `chosen`, whatever stands in a developer's .env."""
    found = environment(chosen)
    for each in fields(chosen):
        found[each.name.upper()] = str(getattr(chosen, each.name))
    return found


class Process:
    """One server process with its log. Signals go to its own pid only."""

    def __init__(self, command: List[str], env: Dict[str, str], log: Path) -> None:
        self._command, self._env, self._log = command, env, log
        self._process: Optional[subprocess.Popen] = None

    def start(self) -> None:
        """Starts it, and returns at once."""
        with open(self._log, "ab") as out:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Process id of the last start."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = 30) -> int:
        """Exit status, once it ended by itself."""
        return self._process.wait(seconds)

    def wait_for(self, url: str, status: Optional[int] = 200) -> None:
        """Returns when `url` answers with `status` (None: with any).

        Raises:
            RuntimeError: it ended, or did not within START_SECONDS.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self.alive:
                raise RuntimeError(f"The server ended.\n{self.log[-3000:]}")
            with suppress(requests.RequestException):
                found = requests.get(url, timeout=5).status_code
                if status in (None, found):
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{url} did not answer in time.\n{self.log[-3000:]}")

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        if self.alive:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Suspends it: its port is open, nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        if self.alive:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ends it in good order, or at once when that takes long."""
        if not self.alive:
            return
        self.thaw()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Said:
    """One answer to a message: `status` 0 is no answer at all (the connection broke)."""

    status: int
    replies: Any
    seconds: float
    headers: Dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All words of all replies."""
        if not isinstance(self.replies, list):
            return ""
        return "\n".join(reply.get("text", "") for reply in self.replies)

    @property
    def kinds(self) -> List[str]:
        """Names of the replies, such as utter_faq/depression."""
        return [reply["metadata"].get("utter_action", "") for reply in self.replies]


class Client:
    """A program that talks to one worker over REST. Not shared between threads."""

    def __init__(self, url: str, token: str = REST_TOKEN, address: Optional[str] = None) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"
        if address:  # as the reverse proxy reports it
            self._http.headers["X-Forwarded-For"] = address

    def conversation(self) -> str:
        """The ticket of a new conversation."""
        answered = self._http.post(f"{self.url}/webhooks/rest/conversation", timeout=10)
        answered.raise_for_status()
        return answered.json()["sender"]

    def say(self, ticket: str, text: str, message_id: Optional[str] = None, timeout: float = 20) -> Said:
        """Sends one message. A connection that broke or stayed silent is the status 0."""
        body = {"sender": ticket, "message": text}
        return self.post({**body, "message_id": message_id} if message_id else body, timeout=timeout)

    def post(self, body: Any, path: str = "/webhooks/rest/webhook", timeout: float = 20, **headers: str) -> Said:
        """Sends `body` (bytes as they are, everything else as JSON)."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        started = time.perf_counter()
        try:
            answered = self._http.post(
                self.url + path, data=data, headers={"Content-Type": "application/json", **headers}, timeout=timeout
            )
        except requests.RequestException:
            return Said(0, [], time.perf_counter() - started)
        seconds = time.perf_counter() - started
        try:
            replies = answered.json()
        except ValueError:
            replies = None
        return Said(answered.status_code, replies, seconds, dict(answered.headers))

    def get(self, path: str, timeout: float = 20, **options: Any) -> requests.Response:
        """Any other call."""
        return self._http.get(self.url + path, timeout=timeout, **options)


def conversation_id(ticket: str, channel: str = "rest") -> str:
    """Under which id the conversation of `ticket` is stored."""
    return f"{channel}:{ticket.split('.')[0]}"


class Worker(Process):
    """One assistant process, with the command of infusion_guide/run/commands.py."""

    def __init__(self, chosen: Settings, log: Path, model: Optional[Path] = None) -> None:
        self.settings = replace(chosen, port=free_port())
        self.url = f"http://{HOST}:{self.settings.port}"
        super().__init__(assistant(model or model_path()), variables(self.settings), log)

    def client(self, **options: Any) -> Client:
        """A new client of this worker."""
        return Client(self.url, **options)

    def wait_until_healthy(self) -> None:
        """Returns when it takes messages (/health says so also while databases are away)."""
        self.wait_for(f"{self.url}/health")


class Actions(Process):
    """The actions on a server of their own; `url` is for ACTIONS_URL.

    Rasa SDK binds every address unless SANIC_HOST tells otherwise.
    """

    def __init__(self, log: Path) -> None:
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.engine", "run", "actions", "--port", str(port)]
        super().__init__(command, {**os.environ, "SANIC_HOST": HOST, "RASA_TELEMETRY_ENABLED": "false"}, log)


class Cluster:
    """Workers that share PostgreSQL and Redis. The first one's actions run on a server of their own, the others' in process."""

    def __init__(self, postgres: Postgres, redis: Redis, folder: Path, workers: int, **changes: Any) -> None:
        self.postgres, self.redis = postgres, redis
        self.settings = production(database_url=postgres.url, redis_url=redis.url, **changes)
        self.actions = Actions(folder / "actions.log")
        where = [self.actions.url, *[""] * (workers - 1)]
        self.workers = [
            Worker(replace(self.settings, actions_url=url), folder / f"worker-{number}.log") for number, url in enumerate(where)
        ]

    def __enter__(self) -> "Cluster":
        try:
            migrate(self.postgres.url)
            for process in (self.actions, *self.workers):  # side by side: each start is mostly one core's work
                process.start()
            self.mend()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        for process in (*self.workers, self.actions):
            process.stop()

    def mend(self) -> None:
        """Everything runs and answers again, whatever a test did to it."""
        self.postgres.start()
        self.redis.start()
        for process in (self.actions, *self.workers):
            if process.alive:
                process.thaw()
            else:
                process.start()
        self.actions.wait_for(f"{self.actions.url}/health")
        for worker in self.workers:
            worker.wait_for(f"{worker.url}/ready")

    def rows(self, statement: str, *values: Any) -> List[Any]:
        """The rows of one SQL statement."""
        with closing(psycopg2.connect(self.postgres.url, connect_timeout=5)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def patient_said(self, ticket: str) -> List[str]:
        """The patient's words of a conversation, as stored, oldest first."""
        statement = "SELECT data FROM events WHERE sender_id = %s AND type_name = 'user' ORDER BY id"
        return [json.loads(data)["text"] for (data,) in self.rows(statement, conversation_id(ticket))]


def listening(pid: int) -> List[str]:
    """Addresses on which a process and its children listen."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return [c.laddr.ip for process in family for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]


@contextmanager
def frozen(*servers: Any) -> Iterator[None]:
    """`servers` hang while the context lasts."""
    try:
        for server in servers:
            server.freeze()
        yield
    finally:
        for server in servers:
            server.thaw()


def wait_until(happened: Any, seconds: float = 20) -> None:
    """Returns when `happened()` is true.

    Raises:
        AssertionError: it was not within `seconds`.
    """
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"Waited {seconds:.0f} s in vain."
        time.sleep(0.1)


def problems_in(log: str) -> List[str]:
    """Lines of a server's log that tell of an exception: tracebacks, and ours that say why."""
    signs = ("Traceback (most recent call last)", '"errors":', "  because of ")
    return [line for line in log.splitlines() if any(sign in line for sign in signs)]


os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")
