"""Signing in and out, one's own password, and one's own second factor."""

import asyncio
import time
from typing import Any, List
from urllib.parse import quote

import segno
from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Regexp

from infusion_guide.clinic.settings import settings
from infusion_guide.staff.access import (
    CODE,
    COOKIE,
    ELSEWHERE,
    FACTOR,
    HALF_COOKIE,
    HALF_SECONDS,
    PASSWORD,
    SIGN_IN,
    Crowded,
    Entry,
    complete,
    confirm,
    delete_cookie,
    half,
    keep_form_cookie,
    page,
    public_page,
    read_form,
    remember,
    set_cookie,
    sign_in,
    use_form_cookie,
)
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import redirect, render
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import second_factor

_OF_ADDRESSES = "/?=&%+:@"  # characters that stay as they are; a line's end does not
_WRONG = (
    f"That did not work. Please check the name and the password. After {staff.MOST_WRONG} wrong passwords in a row a name is "
    f"closed here for {staff.LOCKED / 60:.0f} minutes; an admin can open it sooner."
)
_CROWDED = "Too many people try to sign in at this moment. Please try again in a minute."
_WRONG_CODE = (
    "That did not work. Wait for the app's next code, or use a recovery code. After "
    f"{second_factor.MOST_WRONG} wrong ones in a row no code is taken for {second_factor.LOCKED / 60:.0f} minutes."
)


class SignIn(StaffForm):
    """Name and password."""

    name = StringField("Name")
    password = PasswordField("Password")


class Code(StaffForm):
    """A code, after the password."""

    code = StringField("Code")


class Phone(StaffForm):
    """A second factor to begin with: the app's secret, proved by a code."""

    secret = HiddenField(validators=[Regexp(second_factor.SECRET)])
    code = StringField("The 6 digits that the app shows")
    present = PasswordField("Your password")


class NoPhone(StaffForm):
    """The end of a second factor."""

    code = StringField("A code of the app, or a recovery code")
    present = PasswordField("Your password")


class NewPassword(StaffForm):
    """The present password, and a new one twice."""

    present = PasswordField("Present password")
    fresh = PasswordField("New password", description=f"At least {staff.SHORTEST} characters. A few words in a row are fine.")
    again = PasswordField("New password once more")


@public_page
async def enter(request: Request) -> Response:
    """Signs in, and leads to the page that was asked for."""
    if request.method == "GET":
        return ask(request)
    form = await SignIn.of(request)
    wanted, name = _wanted(request), form.name.data or ""
    try:
        entry = await sign_in(request, name[:64], (form.password.data or "")[: staff.LONGEST + 1])
    except Crowded:
        return ask(request, 503, _CROWDED, name)
    if entry is None:
        return ask(request, 403, _WRONG, name)
    if entry.half:
        response = RedirectResponse(f"{CODE}?next={quote(wanted, safe='')}", 303)
        set_cookie(response, HALF_COOKIE, entry.half, HALF_SECONDS)
        return response
    return _opened(request, entry, wanted)


def _opened(request: Request, entry: Entry, wanted: str) -> Response:
    response = RedirectResponse(wanted, 303)
    set_cookie(response, COOKIE, entry.token)
    remember(request, response, entry.name)
    return response


def _wanted(request: Request) -> str:
    wanted = request.query_params.get("next", "")
    return wanted if _ours(wanted) else "/staff"


@public_page
async def ask_code(request: Request) -> Response:
    """The page for the code, to whoever gave the right password a moment ago."""
    return _code_page(request) if half(request) else RedirectResponse(SIGN_IN, 303)


@public_page
async def enter_code(request: Request) -> Response:
    """Signs in with the code."""
    form = await Code.of(request)
    if half(request) is None:
        return ask(request, 403, "This took too long. Please begin again.")
    entry = await complete(request, (form.code.data or "")[:40])
    if entry is None:
        return _code_page(request, 403, _WRONG_CODE)
    response = _opened(request, entry, _wanted(request))
    delete_cookie(response, HALF_COOKIE)
    return response


def _code_page(request: Request, status: int = 200, problem: str = "") -> Response:
    use_form_cookie(request)
    response = render(request, "sign_in_code.html", status, problem=problem, next=_wanted(request))
    keep_form_cookie(request, response)
    return response


def ask(request: Request, status: int = 200, problem: str = "", name: str = "") -> Response:
    """The sign-in page."""
    wanted = request.query_params.get("next", "")
    return _page(request, status, problem=problem, name=name, next=wanted if _ours(wanted) else "")


async def not_signed_in(request: Request, _: Exception) -> Response:
    """Leads to the sign-in page and back again; a form that came after the session had ended is not lost."""
    if request.method == "POST":
        return await _ask_again(request)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("sec-fetch-site") in ELSEWHERE:
        # A link in a webmail: the browser keeps the session's cookie back (SameSite=Strict) until one of our own pages asks.
        return HTMLResponse(
            "<!doctype html><title>One moment</title>", headers={"Refresh": f"0; url={quote(wanted, safe=_OF_ADDRESSES)}"}
        )
    return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='')}", 303)


async def _ask_again(request: Request) -> Response:
    """The sign-in page for whoever sent a form after the session had ended, with what was typed: the browser kept nothing.

    Only to a browser that had a session, and never a password.
    """
    typed = []
    if COOKIE in request.cookies and request.url.path != PASSWORD:
        fields = (value for _, value in (await read_form(request)).multi_items() if isinstance(value, str))
        typed = [value for value in fields if len(value.split()) > 1]
    return _page(request, 403, lost=True, typed=typed)


def _page(request: Request, status: int, **values: Any) -> Response:
    use_form_cookie(request)
    usual = {"problem": "", "name": "", "next": "", "lost": False, "typed": []}
    response = render(request, "sign_in.html", status, **{**usual, **values})
    keep_form_cookie(request, response)
    return response


def _ours(address: str) -> bool:
    """Whether `address` is a path of these pages, whatever browsers make of slashes."""
    return address.startswith("/staff/") and "\\" not in address and not address.startswith(SIGN_IN)


@page()
async def leave(request: Request) -> Response:
    """Signs out."""
    member = request.state.member

    def work(connection: Connection) -> None:
        staff.end_session(connection, request.cookies[COOKIE])
        staff.note(connection, member.name, "signed out", member.name)

    await request.state.database.run(work)
    response = redirect(SIGN_IN, "You are signed out.")
    delete_cookie(response, COOKIE)
    return response


@page()
async def password(request: Request) -> Response:
    """A new password of one's own; other sessions of the account end."""
    form = await NewPassword.of(request)
    if request.method == "GET":
        return render(request, "password.html", form=form, problem="")
    member, problem = request.state.member, ""
    if form.fresh.data != form.again.data:
        problem = "The two new passwords differ."
    elif form.fresh.data == form.present.data:
        problem = "The new password is the present one."
    elif not await confirm(request, form.present.data or ""):
        problem = "The present password is wrong."
    problem = problem or await asyncio.to_thread(staff.weakness, member.name, form.fresh.data or "") or ""
    if problem:
        return render(request, "password.html", 422, form=form, problem=problem)
    new_hash = await asyncio.to_thread(staff.hashed, form.fresh.data)

    def work(connection: Connection) -> None:
        staff.set_hash(connection, member.id, new_hash, must_change=False, keep=request.cookies[COOKIE])
        staff.note(connection, member.name, "changed own password", member.name)

    await request.state.database.run(work)
    return redirect("/staff", "You have a new password now.")


@page()
async def second(request: Request) -> Response:
    """One's own second factor: what there is, or a fresh secret to set one up with."""
    return await _second_page(request)


@page()
async def begin_second(request: Request) -> Response:
    """Sets it up, when password and code are right; the recovery codes are shown on this one page and never again."""
    form, member, now = await Phone.of(request), request.state.member, time.time()
    if not form.validate():
        raise HTTPException(400)
    step = second_factor.step_of(form.secret.data, (form.code.data or "")[:40], now)
    if not await confirm(request, form.present.data or ""):
        form.present.errors = ["The password is wrong."]
    if step is None:
        form.code.errors = ["This is not the code of this moment. Wait for the next one; the phone's clock must be right."]
    if step is None or form.present.errors:
        return await _second_page(request, 422, form.secret.data, phone=form)

    def work(connection: Connection) -> List[str]:
        codes = second_factor.set_up(connection, member.id, form.secret.data, step, now)
        staff.end_sessions(connection, member.id, keep=request.cookies[COOKIE])
        staff.note(connection, member.name, "set up a second factor", member.name)
        return codes

    return render(request, "recovery_codes.html", codes=await request.state.database.run(work))


@page()
async def end_second(request: Request) -> Response:
    """Takes it away again."""
    form, member = await NoPhone.of(request), request.state.member
    if not await confirm(request, form.present.data or ""):
        form.present.errors = ["The password is wrong."]
        return await _second_page(request, 422, no_phone=form)

    def work(connection: Connection) -> bool:
        if not second_factor.admit(connection, member.id, (form.code.data or "")[:40], time.time()):
            return False
        second_factor.take_away(connection, member.id)
        staff.note(connection, member.name, "took own second factor away", member.name)
        return True

    if not await request.state.database.run(work):
        form.code.errors = [_WRONG_CODE]
        return await _second_page(request, 422, no_phone=form)
    return redirect(FACTOR, "You sign in with the password alone now.")


async def _second_page(request: Request, status: int = 200, secret: str = "", **forms: StaffForm) -> Response:
    member = request.state.member
    left, has = await request.state.database.read(
        lambda connection: (second_factor.codes_left(connection, member.id), second_factor.has(connection, member.id))
    )
    secret = secret or second_factor.fresh_secret()
    picture = segno.make(second_factor.address(secret, member.name, settings().clinic_name), error="m")
    return render(
        request,
        "second_factor.html",
        status,
        has=has,
        left=left,
        needed=settings().staff_second_factor,
        picture=picture.svg_data_uri(scale=4, border=4),
        typed=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        **{"phone": Phone.begun(request, secret=secret), "no_phone": NoPhone.begun(request), **forms},
    )


ROUTES = [
    Route(SIGN_IN, enter, methods=["GET", "POST"]),
    Route(CODE, ask_code),
    Route(CODE, enter_code, methods=["POST"]),
    Route("/staff/sign-out", leave, methods=["POST"]),
    Route(PASSWORD, password, methods=["GET", "POST"]),
    Route(FACTOR, second),
    Route(FACTOR, begin_second, methods=["POST"]),
    Route(f"{FACTOR}/off", end_second, methods=["POST"]),
]
