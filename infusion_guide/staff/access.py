"""Who may see a page: sessions, roles, CSRF, second factor; and signing in, with lock-out."""

import asyncio
import functools
import hashlib
import hmac
import ipaddress
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Iterable, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from sqlalchemy.engine import Connection
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infusion_guide.clinic.identity import secret
from infusion_guide.clinic.settings import settings
from infusion_guide.staff.forms import StaffForm
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import second_factor
from infusion_guide.storage.accounts import ROLES

logger = logging.getLogger(__name__)

ROLE_NAMES = {"front_desk": "Front desk", "clinician": "Clinician", "admin": "Admin"}
CLINICAL = ("clinician", "admin")  # the roles that may read what patients wrote, and every answer
ADMINS = ("admin",)
SIGN_IN, CODE, PASSWORD, FACTOR = "/staff/sign-in", "/staff/sign-in/code", "/staff/password", "/staff/second-factor"
COOKIE = "staff_session"
BROWSER_COOKIE = "staff_browser"  # which accounts this browser has signed in with: strangers' guesses do not lock it out
HALF_COOKIE = "staff_half"  # the password was right, the code is still to come
HALF_SECONDS = 300
FORM_COOKIE = "staff_form"  # what the token of the sign-in form is bound to: there is no session yet
_STALE = "This page was open for too long, so nothing was changed. Go back, load it again and try once more."
_MOST_FIELDS = 500  # of one form
_FAILED_TRIES = RateLimitItemPerMinute(20, 15)  # of one internet address in 15 minutes, from browsers that are not known
_BROWSER_SECONDS = 180 * 86_400
_MOST_NAMES = 20  # of accounts that one browser is known for
_MOST_STRANGERS = 20  # that wait for their password to be compared
ELSEWHERE = ("cross-site", "same-site")  # Sec-Fetch-Site of what does not come from these pages
_ANSWER = 0.5  # seconds that Redis has to answer before this process counts alone

_WITHOUT_FACTOR = (PASSWORD, FACTOR, "/staff/sign-out")

Handler = Callable[[Request], Awaitable[Response]]


class NotSignedIn(Exception):
    """A page was asked for without a session; sign_in.py answers (application.py)."""


class RowId(IntegerConvertor):
    """The id of a row in an address, {id:row}: no more digits than a database's integer has."""

    regex = "[0-9]{1,18}"


register_url_convertor("row", RowId())


@dataclass(frozen=True)
class Member:
    """Somebody who is signed in; `role` is one of ROLES."""

    id: int
    name: str
    role: str


def page(roles: Sequence[str] = ROLES) -> Callable[[Handler], Handler]:
    """Lets only members with one of `roles` reach a handler, and a POST only with its CSRF token.

    The handler finds `request.state.member` and `request.state.database`.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            _refuse_foreign(request)
            _refuse_unstorable([*request.path_params.values(), *request.query_params.values()])
            signed_in = await _session(request)
            if signed_in is None:
                raise NotSignedIn
            request.state.member = Member(signed_in.staff_id, signed_in.name, signed_in.role)
            request.state.csrf = signed_in.csrf
            if signed_in.role not in roles:
                raise HTTPException(403, "Your role does not include this page. An admin can change that.")
            await _check_token(request)
            if signed_in.must_change and request.url.path not in (PASSWORD, "/staff/sign-out"):
                return RedirectResponse(PASSWORD, 303)
            if settings().staff_second_factor and not signed_in.factor and request.url.path not in _WITHOUT_FACTOR:
                return RedirectResponse(FACTOR, 303)
            return await handler(request)

        guarded.roles = tuple(roles)  # type: ignore[attr-defined]
        return guarded

    return decorate


def public_page(handler: Handler) -> Handler:
    """Lets everybody reach a handler, a POST only with the CSRF token of the form that this browser was given."""

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        _refuse_foreign(request)
        _refuse_unstorable(request.query_params.values())
        use_form_cookie(request)
        await _check_token(request)
        return await handler(request)

    guarded.roles = None  # type: ignore[attr-defined]
    return guarded


def use_form_cookie(request: Request) -> None:
    """For a page without a session: its form's token is bound to a cookie of this browser."""
    request.state.database = request.app.state.database
    request.state.member = None
    request.state.csrf = request.cookies.get(FORM_COOKIE) or secrets.token_hex(20)


def keep_form_cookie(request: Request, response: Response) -> None:
    """Sets the cookie of `use_form_cookie`, where it is not there yet."""
    if FORM_COOKIE not in request.cookies:
        set_cookie(response, FORM_COOKIE, request.state.csrf)


def set_cookie(response: Response, name: str, value: str, seconds: Optional[int] = None) -> None:
    """A cookie that only these pages get, and no script; it ends with the browser or after `seconds`."""
    response.set_cookie(name, value, seconds, path="/staff", httponly=True, samesite="strict", secure=settings().production)


def delete_cookie(response: Response, name: str) -> None:
    """Takes a cookie back."""
    response.delete_cookie(name, path="/staff", httponly=True, samesite="strict", secure=settings().production)


async def _session(request: Request) -> Any:
    request.state.database = request.app.state.database
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    return await request.state.database.run(lambda connection: staff.session(connection, token, time.time()))


def _refuse_foreign(request: Request) -> None:
    """A form of another website is refused; browsers say where a form stands."""
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(settings().staff_url).netloc}
    if site not in (None, "same-origin", "none") or (origin is not None and urlsplit(origin).netloc not in ours - {""}):
        raise HTTPException(403, "This form was sent from another website, so nothing was changed.")


def _refuse_unstorable(values: Iterable[Any]) -> None:
    """PostgreSQL stores no NUL, and nobody types one."""
    if any("\0" in value for value in values if isinstance(value, str)):
        raise HTTPException(400)


async def _check_token(request: Request) -> None:
    if request.method in ("GET", "HEAD"):
        return
    _refuse_unstorable(value for _, value in (await read_form(request)).multi_items())
    if not (await StaffForm.of(request)).validate():
        raise HTTPException(403, _STALE)


async def read_form(request: Request) -> FormData:
    """The fields that were sent; kept in the request, so that `request.form()` gives them again."""
    return await request.form(max_files=0, max_fields=_MOST_FIELDS)


async def note(request: Request, action: str, object: str, detail: Optional[str] = None) -> None:
    """Writes into the audit log what the member did, where no change is stored together with it (staff.note)."""
    name = request.state.member.name
    await request.state.database.run(lambda connection: staff.note(connection, name, action, object, detail))


# ---- Signing in ----


class Guesses:
    """Counts failed sign-ins of each internet address, in Redis where there is one, for all processes; and has passwords
    compared one after the other: those of browsers that are known in a line of their own.
    """

    def __init__(self) -> None:
        self._counters: List[MovingWindowRateLimiter] = [MovingWindowRateLimiter(MemoryStorage())]
        if settings().redis_url:
            options = {"socket_timeout": _ANSWER, "socket_connect_timeout": _ANSWER}
            storage = RedisStorage(f"async+{settings().redis_url}", implementation="redispy", **options)
            self._counters.insert(0, MovingWindowRateLimiter(storage))
        staff.nobody()  # made now, or the first guess would take longer
        self._lines = {True: asyncio.Semaphore(1), False: asyncio.Semaphore(1)}
        self._strangers = 0
        # One try of an address at a time, so that those at the same moment are counted, too.
        self._addresses: "WeakValueDictionary[str, asyncio.Lock]" = WeakValueDictionary()

    async def may_try(self, address: str) -> bool:
        """Whether `address` has tries left."""
        return await self._ask("test", address)

    async def failed(self, address: str) -> None:
        """Counts a failed try."""
        await self._ask("hit", address)

    async def _ask(self, what: str, address: str) -> bool:
        for counter in self._counters[:-1]:
            try:
                return bool(await asyncio.wait_for(getattr(counter, what)(_FAILED_TRIES, "sign-in", address), _ANSWER))
            except Exception as error:  # whatever Redis or its client raises: then this process counts
                logger.warning("Redis does not count sign-ins (%s); this process counts alone.", type(error).__name__)
        return bool(await getattr(self._counters[-1], what)(_FAILED_TRIES, "sign-in", address))

    def one_of(self, address: str) -> asyncio.Lock:
        """What tries of `address` wait for."""
        return self._addresses.setdefault(address, asyncio.Lock())

    async def matches(self, stored: str, password: str, known: bool) -> bool:
        """Whether `stored` was made of `password`; a stranger's waits for strangers only. Raises Crowded."""
        if not known and self._strangers >= _MOST_STRANGERS:
            raise Crowded
        self._strangers += not known
        try:
            async with self._lines[known]:
                # Not in the database's threads: these have two seconds for each piece of work.
                return await asyncio.to_thread(staff.matches, stored, password)
        finally:
            self._strangers -= not known


class Crowded(Exception):
    """Too many strangers try to sign in at this moment."""


@dataclass(frozen=True)
class Entry:
    """What a right name and password give: the token of a session, or what a code completes (`half`)."""

    name: str
    token: str = ""
    half: str = ""


@dataclass(frozen=True)
class _Place:
    """Where a try comes from; `known`: a browser that has signed in with this account before."""

    key: str
    known: bool


async def sign_in(request: Request, name: str, password: str) -> Optional[Entry]:
    """What is opened; None when the name or password is wrong, or no try is left.

    Why, it does not say: whoever guesses learns nothing about which names exist. Every try that is looked at costs one
    comparison of a password, whether there is an account or not. Raises Crowded.
    """
    guesses: Guesses = request.app.state.guesses
    place, address = _place(request, name), address_of(request)
    if place.known:
        return await _try(request, name, password, place)
    if not await guesses.may_try(address):
        return None
    async with guesses.one_of(address):
        if not await guesses.may_try(address):
            return None
        entry = await _try(request, name, password, place)
        if entry is None:
            await guesses.failed(address)
        return entry


async def confirm(request: Request, password: str) -> bool:
    """Whether `password` is that of the member who is signed in; tries are counted as at the sign-in, in this browser."""
    database, member, now = request.state.database, request.state.member, time.time()
    place = _Place(_hidden("session", request.cookies.get(COOKIE, "")), True)
    found, admitted = await database.run(lambda connection: _admitted(connection, member.name, now, place))
    right = admitted and await request.app.state.guesses.matches(found.password, password, True)
    if right:
        await database.run(lambda connection: staff.signed_in(connection, member.id, None, place.key))
    else:
        await database.run(lambda connection: _note_failure(connection, found, admitted, now, place))
    return bool(right)


async def _try(request: Request, name: str, password: str, place: _Place) -> Optional[Entry]:
    database, now, guesses = request.state.database, time.time(), request.app.state.guesses
    found, admitted = await database.run(lambda connection: _admitted(connection, name, now, place))
    right = await guesses.matches(found.password if admitted else staff.nobody(), password, place.known)
    if not (admitted and right):
        await database.run(lambda connection: _note_failure(connection, found, admitted, now, place))
        return None
    new_hash = await asyncio.to_thread(staff.hashed, password) if staff.needs_new_hash(found.password) else None

    def begin(connection: Connection) -> Entry:
        staff.signed_in(connection, found.id, new_hash, place.key)
        if second_factor.has(connection, found.id):
            return Entry(found.name, half=_halves().dumps([found.id, _hidden("password", new_hash or found.password)]))
        return Entry(found.name, _begun(request, connection, found, now, None))

    return await database.run(begin)


def half(request: Request) -> Optional[Tuple[int, str]]:
    """The account whose password was right in this browser a moment ago, and what its password is known by; None without."""
    try:
        staff_id, password = _halves().loads(request.cookies.get(HALF_COOKIE, ""), max_age=HALF_SECONDS)
        return int(staff_id), str(password)
    except (BadSignature, ValueError, TypeError):
        return None


async def complete(request: Request, code: str) -> Optional[Entry]:
    """What the code of the app, or a recovery code, opens after the password; None when it is wrong or no try is left."""
    given, now = half(request), time.time()
    if given is None:
        return None

    def finish(connection: Connection) -> Optional[Entry]:
        try:
            found = staff.account(connection, given[0])
        except staff.Refused:
            return None
        if not found.active or not hmac.compare_digest(_hidden("password", found.password), given[1]):
            return None  # changed since
        how = second_factor.admit(connection, found.id, code, now)
        if not how:
            staff.note(connection, found.name, "sign-in failed", found.name, "wrong code")
            return None
        left = f", {second_factor.codes_left(connection, found.id)} left" if how == "recovery code" else ""
        return Entry(found.name, _begun(request, connection, found, now, f"with a {how}{left}"))

    return await request.state.database.run(finish)


def _begun(request: Request, connection: Connection, found: Any, now: float, detail: Optional[str]) -> str:
    staff.end_session(connection, request.cookies.get(COOKIE, ""))
    token = staff.begin_session(connection, found.id, now)
    staff.note(connection, found.name, "signed in", found.name, detail)
    return token


def remember(request: Request, response: Response, name: str) -> None:
    """From now on this browser is known for the account `name`: strangers' wrong passwords do not lock it out."""
    id_, names = _browser(request)
    kept = [*(known for known in names if known != name), name][-_MOST_NAMES:]
    set_cookie(response, BROWSER_COOKIE, _browsers().dumps([id_ or secrets.token_urlsafe(12), kept]), _BROWSER_SECONDS)


def _place(request: Request, name: str) -> _Place:
    id_, names = _browser(request)
    name = name.strip().lower()
    return _Place(_hidden("browser", id_), True) if name in names else _Place(_hidden("address", address_of(request)), False)


def _browser(request: Request) -> Tuple[str, List[str]]:
    try:
        id_, names = _browsers().loads(request.cookies.get(BROWSER_COOKIE, ""), max_age=_BROWSER_SECONDS)
        return str(id_), [str(name) for name in names]
    except (BadSignature, ValueError, TypeError):
        return "", []


def _hidden(kind: str, value: str) -> str:
    """A name for `value` that does not show it: internet addresses are not stored."""
    return hmac.new(b"staff place " + secret(), f"{kind} {value}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _browsers() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt="staff browser")


def _halves() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt="staff sign-in")


def _admitted(connection: Connection, name: str, now: float, place: _Place) -> Any:
    found = staff.find(connection, name)
    return found, bool(found) and staff.admit_try(connection, found.id, now, place.key, place.known)


def _note_failure(connection: Connection, found: Any, admitted: bool, now: float, place: _Place) -> None:
    name = found.name if found else ""
    if not admitted:
        why = "no such account" if not found else "locked" if found.active else "not active"
        return staff.note(connection, name, "sign-in failed", name, why)
    staff.note(connection, name, "sign-in failed", name, "wrong password")
    here, anywhere = staff.just_closed(connection, found.id, place.key, now)
    if here:
        staff.note(connection, name, "account locked", name, f"for one place, after {staff.MOST_WRONG} wrong passwords from it")
    if anywhere and not place.known:
        staff.note(connection, name, "account locked", name, f"for new browsers, after {staff.MOST_ANYWHERE} wrong passwords")
    return None


def address_of(request: Request) -> str:
    """The visitor's internet address, as the proxy before us says (PROXIES); of IPv6 the network, which is one house."""
    host = request.client.host if request.client else ""
    lines = ",".join(request.headers.getlist("x-forwarded-for"))  # some proxies add a line of their own below the caller's
    said = [part.strip() for part in lines.split(",") if part.strip()]
    proxies = settings().proxies
    if proxies and len(said) >= proxies:
        host = said[-proxies]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if found.version == 4:
        return host
    return str(found.ipv4_mapped or ipaddress.ip_network(f"{found}/64", strict=False))
