"""The second factor of staff: codes of an app on their phone (TOTP, RFC 6238, by pyotp), and recovery codes for a lost one.

The app's secret is stored encrypted with a key made of SECRET_KEY: a stolen database makes no codes. A code counts once.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from typing import List, Optional

import pyotp
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import Connection

from infusion_guide.clinic.identity import keys
from infusion_guide.storage.tables import staff_factors

MOST_WRONG = 5  # codes in a row
LOCKED = 15 * 60.0  # seconds
CODES = 10  # for recovery
SECRET = re.compile("[A-Z2-7]{32}")  # 160 bits

_STEP = 30  # seconds that a code is shown
_EARLIER_AND_LATER = (0, -1, 1)  # steps that a phone's clock may be off
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def fresh_secret() -> str:
    """A secret for an app, in letters and digits."""
    return str(pyotp.random_base32())


def address(secret: str, name: str, clinic: str) -> str:
    """What the picture for the app says (otpauth://...)."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=clinic))


def step_of(secret: str, code: str, now: float, after: int = 0) -> Optional[int]:
    """The 30 seconds whose code `code` is, later than `after`; None: it is none, or counts no more."""
    digits = "".join(code.split())
    for shift in _EARLIER_AND_LATER:
        step = int(now // _STEP) + shift
        if step > after and hmac.compare_digest(pyotp.TOTP(secret).at(step * _STEP), digits.encode("ascii", "replace").decode()):
            return step
    return None


def has(connection: Connection, staff_id: int) -> bool:
    """Whether an account has a second factor."""
    return connection.execute(sa.select(staff_factors.c.staff_id).where(staff_factors.c.staff_id == staff_id)).first() is not None


def codes_left(connection: Connection, staff_id: int) -> int:
    """How many recovery codes are left."""
    stored = connection.execute(sa.select(staff_factors.c.codes).where(staff_factors.c.staff_id == staff_id)).scalar()
    return len(json.loads(stored)) if stored else 0


def set_up(connection: Connection, staff_id: int, secret: str, step: int, now: float) -> List[str]:
    """Gives an account a second factor in the place of any other; `step`: of the code that proved it. The recovery codes."""
    codes = [_recovery_code() for _ in range(CODES)]
    row = {"secret": _fernet().encrypt(secret.encode()).decode(), "step": step, "since": now, "failures": 0}
    take_away(connection, staff_id)
    hashed = json.dumps([_digest(code) for code in codes])
    connection.execute(sa.insert(staff_factors).values(staff_id=staff_id, codes=hashed, **row))
    return codes


def take_away(connection: Connection, staff_id: int) -> bool:
    """Leaves an account with its password only; whether it had more."""
    return bool(connection.execute(sa.delete(staff_factors).where(staff_factors.c.staff_id == staff_id)).rowcount)


def admit(connection: Connection, staff_id: int, code: str, now: float) -> str:
    """ "code" or "recovery code" when `code` is right, then it never is again; "" when it is wrong or too many were.

    Counted as wrong before it is looked at, so that guesses at the same moment are all counted.
    """
    own = staff_factors.c.staff_id == staff_id
    again = sa.or_(staff_factors.c.locked_until.isnot(None), staff_factors.c.failures >= MOST_WRONG)  # a lock that is over
    failures = sa.case((again, 1), else_=staff_factors.c.failures + 1)
    locked = sa.case((failures >= MOST_WRONG, now + LOCKED), else_=None)
    is_open = sa.or_(staff_factors.c.locked_until.is_(None), staff_factors.c.locked_until <= now)
    counted = sa.update(staff_factors).where(own, is_open).values(failures=failures, locked_until=locked)
    if not connection.execute(counted).rowcount:
        return ""
    row = connection.execute(sa.select(staff_factors).where(own)).one()
    right = {"failures": 0, "locked_until": None}
    digest, left = _digest(code), json.loads(row.codes)
    if digest in left:
        left.remove(digest)
        connection.execute(sa.update(staff_factors).where(own).values(codes=json.dumps(left), **right))
        return "recovery code"
    try:
        secret = _fernet().decrypt(row.secret.encode()).decode()
    except InvalidToken:  # SECRET_KEY was changed without leaving the former one: a recovery code, or an admin, helps
        return ""
    step = step_of(secret, code, now, row.step)
    if step is None:
        return ""
    connection.execute(sa.update(staff_factors).where(own).values(step=step, **right))
    return "code"


def _recovery_code() -> str:
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(12))  # 59 bits
    return "-".join(drawn[start : start + 4] for start in range(0, 12, 4))


def _digest(code: str) -> str:
    plain = re.sub(r"[\s-]", "", code).lower()
    return hmac.new(b"recovery code", plain.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _fernet() -> MultiFernet:
    made = (hashlib.sha256(b"second factor " + key).digest() for key in keys())
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])
