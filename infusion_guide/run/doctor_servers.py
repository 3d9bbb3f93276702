"""The doctor's look at whatever must answer: mail, database, Redis, our own servers, messaging platforms."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, Mapping, Optional, Tuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine.url import make_url

from infusion_guide.channels.platform import Platform
from infusion_guide.channels.platforms import platforms
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.delivery.notices import mail_problem
from infusion_guide.run.commands import local_url
from infusion_guide.run.findings import FIX, NOTE, OK, SKEW, Finding
from infusion_guide.storage import audit_chain, privacy
from infusion_guide.storage import server_log as logged
from infusion_guide.storage.database import create_engine, full_url

_ENTRIES = 20_000  # of the audit log; all of them: `accounts verify`
_ASKING = 2.0  # seconds that a server has to answer


def notices(chosen: Settings) -> Finding:
    """Staff are told of requests, crises and lost answers; the mail server lets us in (nothing is sent)."""
    if not (chosen.notice_email or chosen.notice_webhook):
        words = "neither NOTICE_EMAIL nor NOTICE_WEBHOOK is set in .env: nobody is told of call-back requests and crises."
        return Finding(NOTE, words)
    trouble = asyncio.run(mail_problem(chosen, _ASKING)) if chosen.notice_email else None
    if trouble:
        return Finding(FIX, f"{trouble} E-mails to staff wait. Correct SMTP_... in .env (docs/operations.md).")
    if not chosen.staff_url:
        words = f"STAFF_URL is not set in .env: notices link to port {chosen.staff_port} of this machine."
        return Finding(FIX if chosen.production else NOTE, words)
    if chosen.production and not chosen.staff_url.startswith("https://"):
        return Finding(FIX, "STAFF_URL begins with http://: passwords and requests would cross the network readable. Use https.")
    ways = [way for way, on in (("e-mail", chosen.notice_email), ("NOTICE_WEBHOOK", chosen.notice_webhook)) if on]
    return Finding(OK, f"staff are told by {' and '.join(ways)}")


def database(chosen: Settings) -> Finding:
    """The database answers and has today's tables; its clock is ours."""
    shown, url = without_secrets(chosen.database_url), make_url(full_url(chosen.database_url))
    newest = ScriptDirectory(str(ROOT / "infusion_guide" / "storage" / "migrations")).get_current_head()
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        if Path(str(url.database)).parent.is_dir():
            return Finding(OK, f"{shown} does not exist yet; it is made at the first start")
        return Finding(FIX, f"the folder of {shown} does not exist. Make it, or change DATABASE_URL in .env.")
    engine = create_engine(full_url(chosen.database_url))
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            if url.get_backend_name() != "sqlite":
                theirs = float(connection.execute(sa.text("SELECT extract(epoch FROM now())")).scalar())
                if abs(theirs - time.time()) > SKEW:
                    return Finding(FIX, f"the clock of {shown} and ours are {abs(theirs - time.time()):.0f} s apart. Use NTP.")
    except Exception as error:  # whatever driver and network raise
        kind = type(getattr(error, "orig", None) or error).__name__
        return Finding(FIX, f"{shown} cannot be reached ({kind}). Start it, or correct DATABASE_URL in .env.")
    finally:
        engine.dispose()
    if revision == newest:
        return Finding(OK, f"{shown} answers, tables of revision {revision}")
    return Finding(NOTE, f"{shown} has tables of revision {revision or 'none'}; the next start brings them to {newest}.")


def server_log(chosen: Settings) -> Finding:
    """PostgreSQL writes no patient's words into its own log."""
    if make_url(chosen.database_url).get_backend_name() == "sqlite":
        return Finding(OK, "SQLite keeps no log of statements")
    engine = create_engine(full_url(chosen.database_url))
    try:
        with engine.connect() as connection, connection.connection.cursor() as cursor:
            left = logged.loud(cursor)
    except Exception as error:  # whatever driver and network raise; the check of the database says more
        return Finding(NOTE, f"it could not be asked ({type(getattr(error, 'orig', None) or error).__name__}).")
    finally:
        engine.dispose()
    if not left:
        return Finding(OK, "PostgreSQL's own log holds no statements")
    words = f"PostgreSQL may write patients' words into its own log ({', '.join(left)}). Its administrator runs once what "
    words += "`.venv/bin/python -m infusion_guide.storage.server_log` prints."
    return Finding(FIX if chosen.production else NOTE, words)


def erasure(chosen: Settings) -> Finding:
    """What is past its time is erased, because the clock is believed; no call-back request is forgotten."""
    url = make_url(full_url(chosen.database_url))
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return Finding(OK, "nothing is kept yet")
    engine, now = create_engine(full_url(chosen.database_url)), time.time()
    try:
        with engine.connect() as connection:
            why, late = privacy.leapt(connection, now), privacy.waiting_too_long(connection, now)
    except Exception as error:  # whatever driver and network raise, or tables of before; the check of the database says more
        return Finding(NOTE, f"it could not be looked at ({type(getattr(error, 'orig', None) or error).__name__}).")
    finally:
        engine.dispose()
    if why:
        words = f"{why} Nothing is erased by age until a person runs `.venv/bin/python -m infusion_guide.storage.privacy purge "
        return Finding(FIX if chosen.production else NOTE, f"{words}--clock-is-right`. Look at the clock first.")
    if late:
        return Finding(FIX, f"{late} call-back requests wait longer than KEEP_REQUESTS_DAYS. Somebody must take them (/staff).")
    return Finding(OK, "the clock is believed; no call-back request is forgotten")


def audit_log(chosen: Settings) -> Finding:
    """Nobody altered the audit log."""
    url = make_url(full_url(chosen.database_url))
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return Finding(OK, "nothing is kept yet")
    engine = create_engine(full_url(chosen.database_url))
    try:
        with engine.connect() as connection:
            found = audit_chain.verify(connection, _ENTRIES)
    except Exception as error:  # as above
        return Finding(NOTE, f"it could not be looked at ({type(getattr(error, 'orig', None) or error).__name__}).")
    finally:
        engine.dispose()
    if found.broken:
        return Finding(FIX, f"{found.broken} Find out who has changed the database, and compare it with a backup.")
    return Finding(OK, f"the audit log's newest {found.entries:,} entries are as they were written")


def redis(chosen: Settings) -> Finding:
    """Redis answers where one is used."""
    if not chosen.redis_url:
        return Finding(OK, "no REDIS_URL: one assistant process, which is fine")
    from redis import Redis

    shown = without_secrets(chosen.redis_url)
    try:
        limits = {"socket_timeout": _ASKING, "socket_connect_timeout": _ASKING}
        with closing(Redis.from_url(chosen.redis_url, **limits)) as client:
            client.ping()
    except Exception as error:  # whatever the client raises
        words = f"{shown} does not answer ({type(error).__name__}). Start it, or correct REDIS_URL in .env."
        return Finding(FIX, words)
    return Finding(OK, f"{shown} answers")


def assistant(chosen: Settings) -> Finding:
    """PORT is free, or the assistant is there and ready."""
    url = local_url(chosen)
    status, _ = _ask(f"{url}/health")
    if status is None:
        return _free("PORT", chosen.port)
    ready, parts = _ask(f"{url}/ready")
    if status != 200 or not isinstance(parts, dict) or "model" not in parts:
        return Finding(FIX, f"port {chosen.port} is in use by something else. End it, or change PORT in .env.")
    if ready == 200:
        return Finding(OK, f"the assistant on port {chosen.port} is ready")
    missing = ", ".join(sorted(str(name) for name, does in parts.items() if does is not True))
    return Finding(FIX, f"the assistant on port {chosen.port} runs but is not ready: {missing}. See docs/operations.md.")


def actions(chosen: Settings) -> Finding:
    """Actions run in the assistant, or the server of ACTIONS_URL is there."""
    if not chosen.actions_url:
        return Finding(OK, "no ACTIONS_URL: actions run in the assistant, which is fine")
    status, names = _ask(f"{chosen.actions_url}/actions")
    if status == 200 and isinstance(names, list):
        return Finding(OK, f"the action server {chosen.actions_url} answers")
    return Finding(FIX, f"the action server {chosen.actions_url} does not answer. Start it, or correct ACTIONS_URL in .env.")


def messaging(chosen: Settings) -> Finding:
    """Every messaging platform that is switched on takes our settings."""
    on = [platform for platform in platforms() if platform.is_on(chosen)]
    if not on:
        return Finding(OK, "no messaging platform is switched on")
    with ThreadPoolExecutor(len(on)) as pool:
        problems = [found for found in pool.map(lambda platform: _refusal(platform, chosen), on) if found]
    if not chosen.public_url:
        problems.append("PUBLIC_URL is not set: docs/messaging.md says which addresses the platforms need")
    if problems:
        return Finding(FIX, "; ".join(problems) + ".")
    return Finding(OK, f"accepted by {', '.join(platform.title for platform in on)}")


def _refusal(platform: Platform, chosen: Settings) -> Optional[str]:
    """What is wrong with a platform that is on, and what to do; neither its address, which may hold a token, nor its answer."""
    question = platform.question(chosen)
    status, found = _ask(question.url, question.headers, _ASKING)
    if not status:
        return f"{platform.title} cannot be reached: does this machine reach the internet?"
    if status in (400, 401, 403, 404) or (status == 200 and not (isinstance(found, dict) and question.is_good(found))):
        return f"{platform.title}: {question.settings} is not accepted ({status}). Copy it again into .env"
    return None if status == 200 else f"{platform.title} answers {status}; try again later"


def _ask(url: str, headers: Mapping[str, str] = MappingProxyType({}), seconds: float = _ASKING / 2) -> Tuple[Optional[int], Any]:
    """Status (0: no HTTP, None: nobody listens) and JSON of `url`."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=seconds) as answer:
            return answer.status, _json(answer.read(100_000))
    except urllib.error.HTTPError as error:
        return error.code, _json(error.read(100_000))
    except urllib.error.URLError as error:
        return (None if isinstance(error.reason, ConnectionRefusedError) else 0), None
    except Exception:  # not HTTP, or too slow
        return 0, None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _free(name: str, port: int) -> Finding:
    if port < 1024 and sys.platform != "win32":
        return Finding(NOTE, f"{name} {port} is free, but ports below 1024 belong to root; use a higher one behind a proxy.")
    return Finding(OK, f"port {port} is free")


def without_secrets(url: str) -> str:
    """`url` with neither user, password nor parameters, for example postgresql://db.example.org:5432/clinic."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
