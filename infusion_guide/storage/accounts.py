"""Accounts of staff, their sessions and the audit log; and the command that makes the first account.

`python -m infusion_guide.storage.accounts add NAME ROLE` (or `make staff`); without words it lists its others.
"""

import getpass
import hashlib
import re
import secrets
import sys
import time
import unicodedata
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.engine import Connection, Row
from zxcvbn import zxcvbn

from infusion_guide.clinic.settings import SettingError, settings
from infusion_guide.storage import audit_chain, second_factor
from infusion_guide.storage.tables import audit, staff, staff_factors, staff_sessions, staff_tries

ROLES = ("front_desk", "clinician", "admin")
SHORTEST = 12  # characters of a password
LONGEST = 200
MOST_WRONG = 5  # wrong passwords in a row that close an account for one place: a browser that it knows, or an address
MOST_ANYWHERE = 50  # ... and for every browser that it does not know
_FORGOTTEN = 86_400.0  # seconds after which wrong passwords from a place are forgotten
LOCKED = 15 * 60.0  # seconds
LONGEST_SESSION = 12 * 3600.0  # seconds, however busy somebody is

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_STRONG = 4  # zxcvbn's best: more than 10,000,000,000 guesses
_JUDGED = 72  # characters; zxcvbn takes long for more
# Besides the clinic's and the person's names: what anybody would try here first.
_OBVIOUS_WORDS = """
ketamine esketamine spravato infusion infusions therapy clinic guide staff patient patients health medical nurse doctor
spring summer autumn fall winter monday tuesday wednesday thursday friday saturday sunday january february march april may june
july august september october november december password passwort contrasena welcome hello admin letmein changeme secret
"""
_OBVIOUS = tuple(_OBVIOUS_WORDS.split())
_BETTER = "Please choose four or more words that have nothing to do with each other or with the clinic."
_FEWEST_OTHERS = 6  # letters besides obvious words

_hasher = PasswordHasher()  # Argon2id with the parameters of RFC 9106 for machines with little memory: 64 MiB, 3 rounds


class Refused(ValueError):
    """A change to an account is not allowed; the message says why, in words for whoever asked for it."""


# ---- Passwords ----


def weakness(name: str, password: str) -> Optional[str]:
    """Why `password` is too easy to guess for `name`, in one sentence; None when it may be used."""
    plain = _normal(password).casefold()
    if len(plain) < SHORTEST:
        return f"The password needs at least {SHORTEST} characters. A few words in a row are fine."
    if len(plain) > LONGEST:
        return f"The password is longer than {LONGEST} characters."
    if name and name.casefold() in plain:
        return "The password must not contain the name."
    known = [*_OBVIOUS, *re.findall(r"\w{3,}", settings().clinic_name.casefold())]
    left = re.sub("|".join(sorted(known, key=len, reverse=True)), "", plain)
    judged = zxcvbn(plain[:_JUDGED], user_inputs=[name, *known])
    if judged["score"] <= 1:
        return f"Many people use this password or nearly this one, so it would be guessed first. {_BETTER}"
    if judged["score"] < _STRONG or len(re.findall(r"[^\W\d_]", left)) < _FEWEST_OTHERS <= len(plain) - len(left):
        return f"This password is made of things that others would try. {_BETTER}"
    return None


def first_password() -> str:
    """A random password for somebody who will choose an own one at once: 80 bits, in groups that can be read out."""
    drawn = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(16))
    return "-".join(drawn[start : start + 4] for start in range(0, 16, 4))


def hashed(password: str) -> str:
    """What is stored of `password`."""
    return _hasher.hash(_normal(password))


def matches(stored: str, password: str) -> bool:
    """Whether `stored` was made of `password`. Takes about 50 ms of two cores and 64 MiB, on purpose."""
    try:
        return _hasher.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def needs_new_hash(stored: str) -> bool:
    """Whether `stored` was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)  # the same letters from another keyboard


@lru_cache(maxsize=1)
def nobody() -> str:
    """What a password is compared with where there is no account, so that this takes the same time."""
    return hashed(secrets.token_hex())


# ---- Accounts ----


def normal_name(name: str) -> str:
    """`name` as accounts are called: small letters.

    Raises:
        Refused: no account can have this name.
    """
    name = unicodedata.normalize("NFKC", name).strip().lower()
    if not _NAME.fullmatch(name):
        raise Refused("A name has 2 to 32 small letters, digits, dots, dashes or underscores, and begins with a letter.")
    return name


def add(connection: Connection, name: str, role: str, password_hash: str, must_change: bool) -> None:
    """A new account; `password_hash` is of `hashed`. Raises Refused: the name is taken or no name, the role is none."""
    name = normal_name(name)
    check_role(role)
    if find(connection, name):
        raise Refused(f"There is an account {name} already.")
    row = {"name": name, "role": role, "password": password_hash, "must_change": must_change}
    connection.execute(sa.insert(staff).values(**row, active=True, created=time.time(), failures=0))


def find(connection: Connection, name: str) -> Optional[Row]:
    """The account `name`, or None."""
    return connection.execute(sa.select(staff).where(staff.c.name == name.strip().lower())).first()


def account(connection: Connection, staff_id: int) -> Row:
    """The account with the id `staff_id`. Raises Refused: there is none."""
    found = connection.execute(sa.select(staff).where(staff.c.id == staff_id)).first()
    if found is None:
        raise Refused("There is no such account.")
    return found


def accounts(connection: Connection) -> List[Row]:
    """Every account, by name."""
    return connection.execute(sa.select(staff).order_by(staff.c.name)).fetchall()


def set_hash(connection: Connection, staff_id: int, password_hash: str, must_change: bool, keep: str = "") -> None:
    """A new password (of `hashed`), which also unlocks; ends the account's sessions but the one of the token `keep`."""
    _change(connection, staff_id, password=password_hash, must_change=must_change)
    unlock(connection, staff_id)
    end_sessions(connection, staff_id, keep)


def set_role(connection: Connection, staff_id: int, role: str) -> None:
    """A new role; ends the account's sessions. Raises Refused: no such role, or nobody would be admin any more."""
    check_role(role)
    _change_but_keep_an_admin(connection, staff_id, role=role)
    end_sessions(connection, staff_id)


def set_active(connection: Connection, staff_id: int, active: bool) -> None:
    """Lets an account sign in, or no longer; then its sessions end. Raises Refused: nobody would be admin any more."""
    _change_but_keep_an_admin(connection, staff_id, active=active)
    if not active:
        end_sessions(connection, staff_id)


def unlock(connection: Connection, staff_id: int) -> None:
    """Forgets the wrong passwords of an account, wherever they came from."""
    _change(connection, staff_id, failures=0, locked_until=None)
    connection.execute(sa.delete(staff_tries).where(staff_tries.c.staff_id == staff_id))


def _change(connection: Connection, staff_id: int, **values: Any) -> None:
    connection.execute(sa.update(staff).where(staff.c.id == staff_id).values(**values))


def check_role(role: str) -> None:
    """Raises Refused: `role` is no role."""
    if role not in ROLES:
        raise Refused(f"There is no role {role}. The roles are {', '.join(ROLES)}.")


def _change_but_keep_an_admin(connection: Connection, staff_id: int, **values: Any) -> None:
    # Two admins who take each other's role away at once: PostgreSQL lets one wait at the lock, SQLite at the change.
    admins = sa.select(staff.c.id).where(staff.c.role == "admin", staff.c.active)
    connection.execute(admins.order_by(staff.c.id).with_for_update()).fetchall()
    _change(connection, staff_id, **values)
    if connection.execute(admins).first() is None:
        raise Refused("This is the last active admin. Make somebody else an admin first.")


# ---- Signing in ----


def admit_try(connection: Connection, staff_id: int, now: float, place: str, known: bool) -> bool:
    """Counts one try of a password as a wrong one before it is looked at; False when it may not be looked at.

    Counted first, or guesses at the same moment would all be let in. MOST_WRONG of them close the account for `place`;
    MOST_ANYWHERE close it for all places but those that are `known`: strangers cannot lock out who has signed in before. If it
    was the right password after all, `signed_in` takes that back.
    """
    found = connection.execute(sa.select(staff.c.active).where(staff.c.id == staff_id)).scalar()
    return bool(found) and _count_here(connection, staff_id, now, place) and (known or _count_anywhere(connection, staff_id, now))


def _count_here(connection: Connection, staff_id: int, now: float, place: str) -> bool:
    own = (staff_tries.c.staff_id == staff_id, staff_tries.c.place == place)
    counted = (
        sa.update(staff_tries).where(*own, _open(staff_tries, now)).values(at=now, **_one_more(staff_tries, MOST_WRONG, now))
    )
    if connection.execute(counted).rowcount:
        return True
    connection.execute(sa.delete(staff_tries).where(staff_tries.c.at < now - _FORGOTTEN))
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(staff_tries).values(staff_id=staff_id, place=place, failures=1, at=now))
        return True
    except sa.exc.IntegrityError:  # it is there: closed, or somebody counted at the same moment
        return bool(connection.execute(counted).rowcount)


def _count_anywhere(connection: Connection, staff_id: int, now: float) -> bool:
    own = (staff.c.id == staff_id, _open(staff, now))
    return bool(connection.execute(sa.update(staff).where(*own).values(**_one_more(staff, MOST_ANYWHERE, now))).rowcount)


def _open(table: sa.Table, now: float) -> Any:
    return sa.or_(table.c.locked_until.is_(None), table.c.locked_until <= now)


def _one_more(table: sa.Table, most: int, now: float) -> Dict[str, Any]:
    again = sa.or_(table.c.locked_until.isnot(None), table.c.failures >= most)  # a lock that is over
    failures = sa.case((again, 1), else_=table.c.failures + 1)
    return {"failures": failures, "locked_until": sa.case((failures >= most, now + LOCKED), else_=None)}


def signed_in(connection: Connection, staff_id: int, new_hash: Optional[str] = None, place: str = "") -> None:
    """The password was right: nothing is counted against the account from this place and from anywhere any more."""
    values = {"password": new_hash} if new_hash else {}
    _change(connection, staff_id, failures=0, locked_until=None, **values)
    connection.execute(sa.delete(staff_tries).where(staff_tries.c.staff_id == staff_id, staff_tries.c.place == place))


def just_closed(connection: Connection, staff_id: int, place: str, now: float) -> Tuple[bool, bool]:
    """Whether an account is closed for `place`, and for every browser that is not known."""
    here = sa.select(staff_tries.c.locked_until).where(staff_tries.c.staff_id == staff_id, staff_tries.c.place == place)
    anywhere = sa.select(staff.c.locked_until).where(staff.c.id == staff_id)
    return tuple((connection.execute(each).scalar() or 0.0) > now for each in (here, anywhere))  # type: ignore[return-value]


def closed(connection: Connection, now: float) -> Dict[int, float]:
    """Until when (Unix seconds) the password of an account is not even looked at, somewhere or everywhere, by its id."""
    found: Dict[int, float] = {}
    for columns in ((staff_tries.c.staff_id, staff_tries.c.locked_until), (staff.c.id, staff.c.locked_until)):
        for staff_id, until in connection.execute(sa.select(*columns).where(columns[1] > now)):
            found[staff_id] = max(until, found.get(staff_id, 0.0))
    return found


# ---- Sessions ----


def begin_session(connection: Connection, staff_id: int, now: float) -> str:
    """A new session; the token that opens it, which is stored nowhere. Sessions that are over are deleted on the way."""
    forget_sessions(connection, now)
    token = secrets.token_urlsafe(32)
    row = {"token": _digest(token), "staff_id": staff_id, "csrf": secrets.token_hex(20), "began": now, "seen": now}
    connection.execute(sa.insert(staff_sessions).values(**row))
    return token


def session(connection: Connection, token: str, now: float) -> Optional[Row]:
    """The session that `token` opens, with `name`, `role`, `must_change` and `factor` (is there a second one?)
    of its account; None when there is none.

    Looked at, it goes on: it ends STAFF_SESSION_MINUTES after the last look and LONGEST_SESSION after its beginning.
    """
    factor = sa.exists().where(staff_factors.c.staff_id == staff.c.id).label("factor")
    columns = [staff_sessions, staff.c.name, staff.c.role, staff.c.must_change, factor]
    joined = staff_sessions.join(staff, staff.c.id == staff_sessions.c.staff_id)
    found = connection.execute(
        sa.select(*columns).select_from(joined).where(staff_sessions.c.token == _digest(token), staff.c.active)
    ).first()
    if found is None:
        return None
    idle = _idle()
    if found.seen < now - idle or found.began < now - LONGEST_SESSION:
        end_session(connection, token)
        return None
    if found.seen < now - min(60.0, idle / 10):  # not a write for each page
        connection.execute(sa.update(staff_sessions).where(staff_sessions.c.token == found.token).values(seen=now))
    return found


def end_session(connection: Connection, token: str) -> None:
    """Signs out."""
    connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.token == _digest(token)))


def end_sessions(connection: Connection, staff_id: int, keep: str = "") -> None:
    """Ends every session of an account but the one of the token `keep`."""
    others = (staff_sessions.c.staff_id == staff_id, staff_sessions.c.token != _digest(keep))
    connection.execute(sa.delete(staff_sessions).where(*others))


def forget_sessions(connection: Connection, now: float) -> None:
    """Deletes the sessions that are over."""
    over = sa.or_(staff_sessions.c.seen < now - _idle(), staff_sessions.c.began < now - LONGEST_SESSION)
    connection.execute(sa.delete(staff_sessions).where(over))


def _idle() -> float:
    return 60.0 * settings().staff_session_minutes


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# ---- Audit log ----


def note(connection: Connection, staff_name: str, action: str, object: str, detail: Optional[str] = None) -> None:
    """Writes into the audit log that `staff_name` did `action` ("took a request") to `object` ("K7M-2QX").

    In the transaction of what was done, so that neither stands without the other. Never a patient's words in any of them.
    """
    audit_chain.put(connection, staff_name, action, object, detail)


def noted(
    connection: Connection, person: str = "", since: float = 0.0, until: float = 0.0, limit: int = 100, offset: int = 0
) -> Tuple[List[Row], int]:
    """Rows of the audit log, newest first, and how many there are in all; times are Unix seconds, 0 means any."""
    wanted = []
    if person:
        wanted.append(audit.c.staff == person)
    if since:
        wanted.append(audit.c.at >= since)
    if until:
        wanted.append(audit.c.at < until)
    total = connection.execute(sa.select(sa.func.count()).select_from(audit).where(*wanted)).scalar()
    rows = sa.select(audit).where(*wanted).order_by(audit.c.id.desc()).limit(limit).offset(offset)
    return connection.execute(rows).fetchall(), total


def noted_people(connection: Connection) -> List[str]:
    """Everybody who is named in the audit log, by name."""
    return [row.staff for row in connection.execute(sa.select(audit.c.staff).distinct().order_by(audit.c.staff))]


# ---- The command ----

_HELP = """Accounts of the staff pages:
  python -m infusion_guide.storage.accounts add NAME ROLE   (ROLE: front_desk, clinician or admin)
  python -m infusion_guide.storage.accounts reset NAME      (a new password; also unlocks)
  python -m infusion_guide.storage.accounts list
  python -m infusion_guide.storage.accounts phone-lost NAME (takes the second factor away; password and all stay)
  python -m infusion_guide.storage.accounts verify          (whether anybody altered the audit log)
A password is asked for; press Enter to have one made, which must be changed at the first sign-in."""
_BY = "command line"


def main(words: List[str]) -> int:
    """The command; the exit code."""
    from infusion_guide.storage.database import DatabaseUnavailable, database, migrate

    commands = {
        ("add", 3): _add,
        ("reset", 2): _reset,
        ("list", 1): _list,
        ("phone-lost", 2): _phone_lost,
        ("verify", 1): _verify,
    }
    chosen = commands.get((words[0] if words else "", len(words)))
    if chosen is None:
        print(_HELP, file=sys.stderr)
        return 2
    try:
        migrate(settings().database_url)
        database().run_now(lambda connection: chosen(connection, *words[1:]))
        return 0
    except (Refused, SettingError, DatabaseUnavailable) as error:
        print(error, file=sys.stderr)
        return 1


def _add(connection: Connection, name: str, role: str) -> None:
    name = normal_name(name)
    check_role(role)
    if find(connection, name):
        raise Refused(f"There is an account {name} already. `reset {name}` gives it a new password.")
    password, made = _asked(name)
    add(connection, name, role, hashed(password), must_change=made)
    note(connection, _BY, "added a person", name, role)
    _say(name, password, made)


def _reset(connection: Connection, name: str) -> None:
    found = find(connection, name)
    if found is None:
        raise Refused(f"There is no account {name}. `list` shows all of them.")
    password, made = _asked(found.name)
    set_hash(connection, found.id, hashed(password), must_change=made)
    note(connection, _BY, "reset a password", found.name)
    _say(found.name, password, made)


def _list(connection: Connection) -> None:
    for row in accounts(connection):
        print(f"{row.name:<32} {row.role:<12} {'' if row.active else 'not active'}".rstrip())


def _phone_lost(connection: Connection, name: str) -> None:
    found = find(connection, name)
    if found is None or not second_factor.take_away(connection, found.id):
        raise Refused(f"There is no account {name} with a second factor.")
    end_sessions(connection, found.id)
    note(connection, _BY, "took a second factor away", found.name)
    print(f"{found.name} signs in with the password alone now, and can set up another phone.")


def _verify(connection: Connection) -> None:
    found = audit_chain.verify(connection)
    if found.broken:
        raise Refused(f"{found.broken} Compare it with a backup.")
    print(f"{found.entries:,} entries, each as it was written; {found.older:,} are from before they were chained.")


def _asked(name: str) -> Tuple[str, bool]:
    """A password for `name`, and whether it was made here."""
    typed = getpass.getpass(f"Password for {name} (Enter makes one): ") if sys.stdin.isatty() else ""
    if not typed:
        return first_password(), True
    weak = weakness(name, typed)
    if weak:
        raise Refused(weak)
    if getpass.getpass("The same once more: ") != typed:
        raise Refused("These were two different passwords. Nothing was changed.")
    return typed, False


def _say(name: str, password: str, made: bool) -> None:
    print(f"{name} can sign in now." + (f" First password, shown only now: {password}" if made else ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
