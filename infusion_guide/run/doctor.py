"""Looks the whole set-up over and says what to do: `python -m infusion_guide.run.doctor` (`make doctor`).

One line a check: OK, NOTE (it works, but read this) or FIX. The exit code is 1 when there is something to fix. Passwords
and keys are never printed, neither is what a failing library says.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from sqlalchemy.engine.url import make_url

from infusion_guide.clinic.opening_hours import OpeningHours
from infusion_guide.clinic.settings import ENV_FILE, HERE, ROOT, SettingError, Settings, settings
from infusion_guide.engine.training import MODELS, model_path
from infusion_guide.replies import pins
from infusion_guide.run import doctor_servers as servers
from infusion_guide.run.findings import FIX, NOTE, OK, SKEW, Finding
from infusion_guide.storage.database import full_url

SECONDS = 3.0  # for one check; all run at the same time
_ROOM = 1_000_000_000  # free bytes below which a disk is soon full
_UNSIGNED = "Reviewed by: nobody yet"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*\\?$", re.MULTILINE)
_NEEDED = ("rasa", "rasa_sdk", "spacy", "onnxruntime", "sqlalchemy", "alembic", "psycopg2", "redis", "prometheus_client")


Check = Callable[[Settings], Finding]


def python_version(_: Settings) -> Finding:
    """requirements/ is pinned for Python 3.12."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 12):
        return Finding(OK, f"Python {version}")
    return Finding(FIX, f"Python {version}, but the packages are pinned for 3.12. Run `make setup` and use .venv/bin/python.")


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


def production(chosen: Settings) -> Finding:
    """What patients need before they may use it."""
    if not chosen.production:
        return Finding(NOTE, "PRODUCTION is off: for this machine only, not for patients")
    if chosen.undecided():
        return Finding(FIX, chosen.undecided())
    open_to_all, proxies = chosen.host not in HERE, bool(chosen.proxies)
    unsafe = f"HOST is {chosen.host} without a reverse proxy: put one with TLS before it and set PROXIES=1"
    thoughts = {
        unsafe: open_to_all and not proxies,
        f"HOST is {chosen.host}: let only the proxy reach PORT, or X-Forwarded-For can be forged": open_to_all and proxies,
        "PROXIES is 0: behind a proxy all patients would count as one address; set PROXIES=1": not (open_to_all or proxies),
        "STORED_WORDS is plain: patients' words are stored as they are; consider encrypted or redacted": (
            chosen.stored_words == "plain"
        ),
        "STAFF_SECOND_FACTOR is false: a stolen password opens the staff pages; consider true": not chosen.staff_second_factor,
        "DATABASE_URL is SQLite: fine for one process, PostgreSQL for several": chosen.database_url.startswith("sqlite"),
    }
    words = "; ".join(thought for thought, applies in thoughts.items() if applies)
    if not words:
        return Finding(OK, "PRODUCTION is on and complete")
    return Finding(FIX if thoughts[unsafe] else NOTE, f"{words}. All of it in .env.")


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
    if newest > time.time() + SKEW:
        return Finding(FIX, "the clock is behind the newest model's. Switch NTP on (timedatectl set-ntp true).")
    return Finding(OK, "the clock is plausible")


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
    servers.notices,
    servers.database,
    servers.server_log,
    servers.erasure,
    servers.audit_log,
    servers.redis,
    servers.assistant,
    servers.actions,
    production,
    secrets_file,
    disk,
    clock,
    servers.messaging,
    review,
)


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
