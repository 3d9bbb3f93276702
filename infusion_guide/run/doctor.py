"""Looks the whole set-up over and says what to do: `python -m infusion_guide.run.doctor` (`make doctor`).

One line a check: OK, NOTE (it works, but read this) or FIX. The exit code is 1 when there is something to fix. Passwords
and keys are never printed, neither is what a failing library says.
"""

import asyncio
import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Callable, List, Optional, Tuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine.url import make_url

from infusion_guide.clinic.opening_hours import OpeningHours
from infusion_guide.clinic.settings import ENV_FILE, ROOT, SettingError, Settings, settings
from infusion_guide.delivery.notices import mail_problem
from infusion_guide.engine.training import MODELS, model_path
from infusion_guide.replies import pins
from infusion_guide.run.commands import local_url
from infusion_guide.run.doctor_messaging import PLATFORMS, problem
from infusion_guide.storage.database import create_engine, full_url

OK, NOTE, FIX = "OK", "NOTE", "FIX"
SECONDS = 3.0  # for one check; all run at the same time
_ASKING = 2.0  # seconds that a server has to answer
_ROOM = 1_000_000_000  # free bytes below which a disk is soon full
_SKEW = 5.0  # seconds between two clocks
_UNSIGNED = "Reviewed by: nobody yet"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*\\?$", re.MULTILINE)
_NEEDED = ("rasa", "rasa_sdk", "spacy", "onnxruntime", "sqlalchemy", "alembic", "psycopg2", "redis", "prometheus_client")


@dataclass(frozen=True)
class Finding:
    """What a check found: `status` OK, NOTE or FIX, and plain words."""

    status: str
    words: str


Check = Callable[[Settings], Finding]


def python_version(_: Settings) -> Finding:
    """Rasa 3.6 needs Python 3.10."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 10):
        return Finding(OK, f"Python {version}")
    return Finding(FIX, f"Python {version}, but Rasa needs 3.10. Run `make setup` and use .venv/bin/python.")


def packages(_: Settings) -> Finding:
    """Everything that requirements/base.txt pins is installed in its version."""
    pinned = _PINNED.findall((ROOT / "requirements" / "base.txt").read_text(encoding="utf-8"))
    wrong = [name for name, version in pinned if _installed(name) != version]
    wrong += [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if wrong:
        return Finding(FIX, f"{len(wrong)} packages missing or of another version ({', '.join(wrong[:4])}). Run `make setup`.")
    return Finding(OK, f"{len(pinned)} packages as pinned")


def _installed(name: str) -> Optional[str]:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def model(_: Settings) -> Finding:
    """The trained model belongs to the present data."""
    path = model_path()
    if path.exists():
        return Finding(OK, f"model {path.name} is fresh")
    if list(MODELS.glob("infusion-guide-*.tar.gz")):
        return Finding(FIX, "the model is older than data/, config.yml or the code it is made of. Run `make train`.")
    return Finding(FIX, "there is no model. Run `make train` (a few minutes).")


def crisis_words(_: Settings) -> Finding:
    """In a crisis is said what was signed."""
    changed = pins.changed()
    return Finding(FIX, changed) if changed else Finding(OK, "the words for a crisis are those that were signed")


def clinic(chosen: Settings) -> Finding:
    """Patients are told whom to call."""
    if chosen.clinic_phone:
        return Finding(OK, "CLINIC_PHONE is set")
    words = "CLINIC_PHONE is not set in .env: replies name no phone number of the clinic."
    return Finding(FIX if chosen.production else NOTE, words)


def opening_hours(chosen: Settings) -> Finding:
    """Patients are told truthfully whether somebody is there."""
    if not chosen.clinic_hours:
        return Finding(NOTE, "CLINIC_HOURS is not set in .env: replies never say whether somebody is there.")
    hours = OpeningHours.parse(chosen.clinic_hours, chosen.clinic_timezone, chosen.clinic_holidays)
    now = datetime.now(UTC)
    said = f"{hours.in_words()}, {chosen.clinic_timezone}"
    opens = hours.next_opening(now)
    if opens:
        said += f"; opens next {hours.moment_in_words(opens, now)}"
    if not chosen.clinic_holidays:
        return Finding(NOTE, f"{said}. CLINIC_HOLIDAYS is not set in .env: public holidays count as open.")
    today = now.astimezone(hours.zone).date()
    coming = (today + timedelta(days=number) for number in range(366))
    off = next((day for day in coming if hours.week[day.weekday()] and hours.is_day_off(day)), None)
    return Finding(OK, f"{said}; next day off {off or 'not within a year'}")


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
                if abs(theirs - time.time()) > _SKEW:
                    return Finding(FIX, f"the clock of {shown} and ours are {abs(theirs - time.time()):.0f} s apart. Use NTP.")
    except Exception as error:  # whatever driver and network raise
        kind = type(getattr(error, "orig", None) or error).__name__
        return Finding(FIX, f"{shown} cannot be reached ({kind}). Start it, or correct DATABASE_URL in .env.")
    finally:
        engine.dispose()
    if revision == newest:
        return Finding(OK, f"{shown} answers, tables of revision {revision}")
    return Finding(NOTE, f"{shown} has tables of revision {revision or 'none'}; the next start brings them to {newest}.")


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


def _ask(url: str) -> Tuple[Optional[int], object]:
    """Status (0: no HTTP, None: nobody listens) and JSON of `url`."""
    try:
        with urllib.request.urlopen(url, timeout=_ASKING / 2) as answer:
            return answer.status, _json(answer.read(100_000))
    except urllib.error.HTTPError as error:
        return error.code, _json(error.read(100_000))
    except urllib.error.URLError as error:
        return (None if isinstance(error.reason, ConnectionRefusedError) else 0), None
    except Exception:  # not HTTP, or too slow
        return 0, None


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _free(name: str, port: int) -> Finding:
    if port < 1024 and sys.platform != "win32":
        return Finding(NOTE, f"{name} {port} is free, but ports below 1024 belong to root; use a higher one behind a proxy.")
    return Finding(OK, f"port {port} is free")


def production(chosen: Settings) -> Finding:
    """What patients need before they may use it."""
    if not chosen.production:
        return Finding(NOTE, "PRODUCTION is off: for this machine only, not for patients")
    wrong, thoughts = [], []
    open_to_all = chosen.host not in ("127.0.0.1", "localhost", "::1")
    if open_to_all and not chosen.proxies:
        wrong.append(f"HOST is {chosen.host} without a reverse proxy: put one with TLS before it and set PROXIES=1")
    if open_to_all and chosen.proxies:
        thoughts.append(f"HOST is {chosen.host}: let only the proxy reach PORT, or X-Forwarded-For can be forged")
    if not open_to_all and not chosen.proxies:
        thoughts.append("PROXIES is 0: behind a proxy all patients would count as one address; set PROXIES=1")
    if chosen.stored_words == "plain":
        thoughts.append("STORED_WORDS is plain: patients' words are stored as they are; consider encrypted or redacted")
    if chosen.database_url.startswith("sqlite"):
        thoughts.append("DATABASE_URL is SQLite: fine for one process, PostgreSQL for several")
    if wrong:
        return Finding(FIX, "; ".join(wrong + thoughts) + ". All of it in .env.")
    return Finding(NOTE, "; ".join(thoughts) + ".") if thoughts else Finding(OK, "PRODUCTION is on and complete")


def secrets_file(_: Settings) -> Finding:
    """.env may hold keys: nobody else on this machine should read it."""
    if ENV_FILE.exists() and ENV_FILE.stat().st_mode & 0o077:
        return Finding(NOTE, "others on this machine can read .env. Run `chmod 600 .env`.")
    return Finding(OK, ".env is private" if ENV_FILE.exists() else "no .env; every setting has a default")


def disk(chosen: Settings) -> Finding:
    """Room for models and conversations."""
    places = {ROOT}
    url = make_url(full_url(chosen.database_url))
    if url.get_backend_name() == "sqlite":
        places.add(Path(str(url.database)).parent)
    free = min(shutil.disk_usage(place).free for place in places if place.is_dir())
    if free < _ROOM:
        return Finding(FIX, f"only {free / 1e6:.0f} MB of disk are free; a full disk stops the talk. Make room.")
    return Finding(OK, f"{free / 1e9:.0f} GB of disk are free")


def clock(_: Settings) -> Finding:
    """The clock is not behind the newest file of the project: limits, tickets and erasure count on it."""
    newest = max((path.stat().st_mtime for path in MODELS.glob("*.tar.gz")), default=0.0)
    if newest > time.time() + _SKEW:
        return Finding(FIX, "the clock is behind the newest model's. Switch NTP on (timedatectl set-ntp true).")
    return Finding(OK, "the clock is plausible")


def messaging(chosen: Settings) -> Finding:
    """Every messaging platform that is switched on takes our token."""
    on = [platform for platform in PLATFORMS if platform.switched_on(chosen)]
    if not on:
        return Finding(OK, "no messaging platform is switched on")
    with ThreadPoolExecutor(len(on)) as pool:
        problems = [found for found in pool.map(lambda platform: problem(platform, chosen), on) if found]
    if not chosen.public_url:
        problems.append("PUBLIC_URL is not set: docs/messaging.md says which addresses the platforms need")
    if problems:
        return Finding(FIX, "; ".join(problems) + ".")
    return Finding(OK, ", ".join(platform.name for platform in on) + (" takes our token" if len(on) == 1 else " take our tokens"))


def review(_: Settings) -> Finding:
    """A clinician has signed what patients read."""
    answers = sorted((ROOT / "data").rglob("*.yml"))
    unsigned = [path for path in answers if _UNSIGNED in path.read_text(encoding="utf-8")[:2000]]
    if unsigned:
        return Finding(NOTE, f"{len(unsigned)} files in data/ are reviewed by nobody yet; a clinician signs their headers.")
    return Finding(OK, "every answer is reviewed")


CHECKS: Tuple[Check, ...] = (
    python_version,
    packages,
    model,
    crisis_words,
    clinic,
    opening_hours,
    notices,
    database,
    redis,
    assistant,
    actions,
    production,
    secrets_file,
    disk,
    clock,
    messaging,
    review,
)


def without_secrets(url: str) -> str:
    """`url` with neither user, password nor parameters, for example postgresql://db.example.org:5432/clinic."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def examine(chosen: Settings, checks: Tuple[Check, ...] = CHECKS) -> List[Tuple[str, Finding]]:
    """Name and finding of each check, in order, after SECONDS at the latest."""
    found: "dict[str, Finding]" = {}

    def look(check: Check) -> None:
        try:
            found[check.__name__] = check(chosen)
        except Exception as error:  # a broken check must not hide the others
            found[check.__name__] = Finding(FIX, f"could not be checked ({type(error).__name__}).")

    threads = [threading.Thread(target=look, args=(check,), daemon=True) for check in checks]
    end = time.monotonic() + SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = Finding(FIX, f"no answer within {SECONDS:.0f} s.")
    return [(check.__name__.replace("_", " "), found.get(check.__name__, late)) for check in checks]


def main() -> int:
    """Prints the findings; 0 when nothing has to be fixed, 1 otherwise."""
    try:
        chosen = settings()
    except SettingError as error:
        print(f"{FIX:5}settings: {error}")
        return 1
    findings = [("settings", Finding(OK, "every setting can be read")), *examine(chosen)]
    for name, finding in findings:
        print(f"{finding.status:5}{name}: {finding.words}")
    return int(any(finding.status == FIX for _, finding in findings))


if __name__ == "__main__":
    sys.exit(main())
