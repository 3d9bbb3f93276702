"""The one database: SQLite on one machine, PostgreSQL in production. Work that takes too long fails, honestly."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Iterator, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.pool import QueuePool

from infusion_guide.clinic.settings import ROOT, settings
from infusion_guide.storage import server_log

SECONDS = 2.0  # for one piece of work, from the wait for a connection to the commit
_THREADS = 8
_MIGRATIONS = Path(__file__).parent / "migrations"

Found = TypeVar("Found")

# What SQLAlchemy raises when the database, not the work, is at fault.
FAILURES = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, sa.exc.TimeoutError)


class DatabaseUnavailable(RuntimeError):
    """The database did not answer in time or refused; nothing of the work was committed, as far as it could tell us."""


class DatabaseUnusable(DatabaseUnavailable):
    """The database is there and cannot be worked with; the message says what a person must do."""


class DatabaseNewer(DatabaseUnusable):
    """A newer release of this project changed its tables: this one might damage what it does not know."""


def create_engine(url: str) -> Engine:
    """An engine for `url` that tests connections before use and waits for nothing longer than SECONDS.

    SQLite: readers do not wait for writers (write-ahead log), and the disk is synced at checkpoints: a power cut can
    cost the last messages, never the database (sqlite.org/wal.html).
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False, "timeout": SECONDS})
        sa.event.listen(engine, "connect", _tune_sqlite)
        return engine
    milliseconds = int(SECONDS * 1000)
    # A network that went away without a word is noticed in about ten seconds, not after two hours.
    network = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 5 * milliseconds}
    limits = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=10000"
    engine = sa.create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),  # SQLAlchemy's own choice changes with its version
        pool_pre_ping=True,
        pool_size=_THREADS,
        max_overflow=0,
        pool_timeout=SECONDS,
        connect_args={"connect_timeout": int(SECONDS), "options": limits, "application_name": "infusion-guide", **network},
    )
    sa.event.listen(engine, "connect", server_log.hush)
    return engine


def _tune_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA secure_delete=ON")  # what was erased is overwritten, not only unlinked
    cursor.close()


def full_url(url: str) -> str:
    """`url` with SQLite's relative file names made relative to the project, whatever the working directory."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        parsed = parsed.set(database=str(ROOT / parsed.database))
    return parsed.render_as_string(hide_password=False)


class Database:
    """Runs work in transactions, away from the event loop: a frozen database freezes a thread, never the other patients."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(full_url(url))
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # the same connections
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], Found]) -> Found:
        """What `work` returns; committed when it returned, rolled back when it raised.

        Raises:
            DatabaseUnavailable: no answer within SECONDS, or the connection failed.
        """
        return await self._in_time(self.run_now, work)

    async def read(self, work: Callable[[Connection], Found]) -> Found:
        """What `work` returns, which asks one question and changes nothing: without the two round trips of a transaction.

        Raises:
            DatabaseUnavailable: as above.
        """
        return await self._in_time(self._read_now, work)

    def run_now(self, work: Callable[[Connection], Found]) -> Found:
        """As `run`, in the calling thread and without the time limit of our own."""
        with _failures_named(), self.engine.begin() as connection:
            return work(connection)

    def _read_now(self, work: Callable[[Connection], Found]) -> Found:
        with _failures_named(), self._reader.connect() as connection:
            return work(connection)

    async def _in_time(self, now: Callable[[Callable[[Connection], Found]], Found], work: Callable[[Connection], Found]) -> Found:
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._threads, now, work), SECONDS)
        except TimeoutError:
            raise DatabaseUnavailable(f"The database did not answer within {SECONDS:.0f} s (DATABASE_URL).") from None


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise DatabaseUnavailable(f"The database failed: {type(error).__name__} (DATABASE_URL).") from error


@lru_cache(maxsize=4)
def database(url: str = "") -> Database:
    """The process's database of `url`; without one, of the settings."""
    return Database(url or settings().database_url)


def migrate(url: str) -> None:
    """Brings the tables of the database `url` to the newest revision (Alembic); creates them the first time.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        DatabaseUnusable: it is damaged, or we may not make tables in it.
        DatabaseNewer: its tables are of a newer release.
    """
    from alembic import command  # a quarter of a second, and only whoever migrates needs it
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = full_url(url)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise DatabaseNewer(
            "The database belongs to a newer release than this one (DATABASE_URL). Start that release again, or restore the "
            "backup from before the update."
        ) from None
    except sa.exc.DBAPIError as error:
        raise _in_words(error) from error


def _in_words(error: sa.exc.DBAPIError) -> DatabaseUnavailable:
    """What keeps the tables from being brought up to date, and what to do. Raises `error` where it is a fault of ours."""
    cause, code = str(error.orig), getattr(error.orig, "pgcode", None) or ""
    if "file is not a database" in cause or "malformed" in cause:
        return DatabaseUnusable(
            "The database file is damaged (DATABASE_URL). Put it aside and restore a backup; without one, the next start makes "
            "an empty database."
        )
    if "readonly database" in cause or "unable to open database file" in cause:
        return DatabaseUnusable(
            "The database file cannot be written (DATABASE_URL). Give this user the file and its folder (chown), or free the "
            "disk."
        )
    if code == "42501":
        return DatabaseUnusable(
            "The role in DATABASE_URL may make no tables in the database. Let its owner run: GRANT USAGE, CREATE ON SCHEMA "
            "public TO <that role>."
        )
    if code.startswith("28") or "authentication failed" in cause or "does not exist" in cause:
        return DatabaseUnusable(
            "The database does not let us in: user, password or name in DATABASE_URL are wrong, or it was not made yet."
        )
    if isinstance(error, FAILURES):
        return DatabaseUnavailable(
            f"The database cannot be reached (DATABASE_URL): {type(error.orig).__name__}. Start it, or mend the address."
        )
    raise error
