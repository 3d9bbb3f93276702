"""Signing in and out, and one's own password."""

import asyncio
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from wtforms import PasswordField, StringField

from infusion_guide.staff.access import (
    COOKIE,
    ELSEWHERE,
    PASSWORD,
    SIGN_IN,
    confirm,
    delete_cookie,
    keep_form_cookie,
    page,
    public_page,
    read_form,
    set_cookie,
    sign_in,
    use_form_cookie,
)
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import redirect, render
from infusion_guide.storage import accounts as staff

_OF_ADDRESSES = "/?=&%+:@"  # characters that stay as they are; a line's end does not
_WRONG = (
    f"That did not work. Please check the name and the password. After {staff.MOST_WRONG} wrong passwords in a row a name is "
    f"closed for {staff.LOCKED / 60:.0f} minutes; an admin can open it sooner."
)


class SignIn(StaffForm):
    """Name and password."""

    name = StringField("Name")
    password = PasswordField("Password")


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
    wanted = request.query_params.get("next", "")
    token = await sign_in(request, (form.name.data or "")[:64], (form.password.data or "")[: staff.LONGEST + 1])
    if token is None:
        return ask(request, 403, _WRONG, form.name.data or "")
    response = RedirectResponse(wanted if _ours(wanted) else "/staff", 303)
    set_cookie(response, COOKIE, token)
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
    problem = problem or staff.weakness(member.name, form.fresh.data or "") or ""
    if problem:
        return render(request, "password.html", 422, form=form, problem=problem)
    new_hash = await asyncio.to_thread(staff.hashed, form.fresh.data)

    def work(connection: Connection) -> None:
        staff.set_hash(connection, member.id, new_hash, must_change=False, keep=request.cookies[COOKIE])
        staff.note(connection, member.name, "changed own password", member.name)

    await request.state.database.run(work)
    return redirect("/staff", "You have a new password now.")


ROUTES = [
    Route(SIGN_IN, enter, methods=["GET", "POST"]),
    Route("/staff/sign-out", leave, methods=["POST"]),
    Route(PASSWORD, password, methods=["GET", "POST"]),
]
