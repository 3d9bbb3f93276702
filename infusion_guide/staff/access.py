"""Who may see a page: sessions, roles, CSRF; and signing in, with lock-out."""

import asyncio
import functools
import ipaddress
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Iterable, List, Optional, Sequence
from urllib.parse import urlsplit

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from sqlalchemy.engine import Connection
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infusion_guide.clinic.settings import settings
from infusion_guide.staff.forms import StaffForm
from infusion_guide.storage import accounts as staff
from infusion_guide.storage.accounts import ROLES

logger = logging.getLogger(__name__)

ROLE_NAMES = {"front_desk": "Front desk", "clinician": "Clinician", "admin": "Admin"}
CLINICAL = ("clinician", "admin")  # the roles that may read what patients wrote, and every answer
ADMINS = ("admin",)
SIGN_IN, PASSWORD = "/staff/sign-in", "/staff/password"
COOKIE = "staff_session"
FORM_COOKIE = "staff_form"  # what the token of the sign-in form is bound to: there is no session yet
_STALE = "This page was open for too long, so nothing was changed. Go back, load it again and try once more."
_MOST_FIELDS = 500  # of one form
_FAILED_TRIES = RateLimitItemPerMinute(20, 15)  # of one internet address in 15 minutes
ELSEWHERE = ("cross-site", "same-site")  # Sec-Fetch-Site of what does not come from these pages
_ANSWER = 0.5  # seconds that Redis has to answer before this process counts alone

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
    """Counts failed sign-ins of each internet address; in Redis where there is one, for all processes."""

    def __init__(self) -> None:
        self._counters: List[MovingWindowRateLimiter] = [MovingWindowRateLimiter(MemoryStorage())]
        if settings().redis_url:
            options = {"socket_timeout": _ANSWER, "socket_connect_timeout": _ANSWER}
            storage = RedisStorage(f"async+{settings().redis_url}", implementation="redispy", **options)
            self._counters.insert(0, MovingWindowRateLimiter(storage))
        staff.nobody()  # made now, or the first guess would take longer
        self.turn = asyncio.Lock()  # one password at a time, so that guesses at the same moment are counted, too

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


async def sign_in(request: Request, name: str, password: str) -> Optional[str]:
    """The token of a new session; None when the name or password is wrong, or no try is left.

    Why, it does not say: whoever guesses learns nothing about which names exist. Every try that is looked at costs one
    comparison of a password, whether there is an account or not.
    """
    guesses: Guesses = request.app.state.guesses
    address = address_of(request)
    if not await guesses.may_try(address):
        return None
    async with guesses.turn:
        if not await guesses.may_try(address):
            return None
        token = await _try(request, name, password)
        if token is None:
            await guesses.failed(address)
        return token


async def confirm(request: Request, password: str) -> bool:
    """Whether `password` is that of the member who is signed in; tries are counted as at the sign-in."""
    database, member, now = request.state.database, request.state.member, time.time()
    found, admitted = await database.run(lambda connection: _admitted(connection, member.name, now))
    async with request.app.state.guesses.turn:
        right = admitted and await asyncio.to_thread(staff.matches, found.password, password)
    if right:
        await database.run(lambda connection: staff.signed_in(connection, member.id))
    else:
        await database.run(lambda connection: _note_failure(connection, found, admitted, now))
    return bool(right)


async def _try(request: Request, name: str, password: str) -> Optional[str]:
    database, now = request.state.database, time.time()
    found, admitted = await database.run(lambda connection: _admitted(connection, name, now))
    # Not in the database's threads: these have two seconds for each piece of work.
    right = await asyncio.to_thread(staff.matches, found.password if admitted else staff.nobody(), password)
    if not (admitted and right):
        await database.run(lambda connection: _note_failure(connection, found, admitted, now))
        return None
    new_hash = await asyncio.to_thread(staff.hashed, password) if staff.needs_new_hash(found.password) else None
    former = request.cookies.get(COOKIE, "")

    def begin(connection: Connection) -> str:
        staff.signed_in(connection, found.id, new_hash)
        staff.end_session(connection, former)
        staff.note(connection, found.name, "signed in", found.name)
        return staff.begin_session(connection, found.id, now)

    return str(await database.run(begin))


def _admitted(connection: Connection, name: str, now: float) -> Any:
    found = staff.find(connection, name)
    return found, bool(found) and staff.admit_try(connection, found.id, now)


def _note_failure(connection: Connection, found: Any, admitted: bool, now: float) -> None:
    name = found.name if found else ""
    if not admitted:
        why = "no such account" if not found else "locked" if found.active else "not active"
        return staff.note(connection, name, "sign-in failed", name, why)
    staff.note(connection, name, "sign-in failed", name, "wrong password")
    locked_until = staff.account(connection, found.id).locked_until
    if locked_until and locked_until > now:
        staff.note(connection, name, "account locked", name, f"after {staff.MOST_WRONG} wrong passwords")
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
