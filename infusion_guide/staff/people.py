"""People: who may sign in, and as what."""

import asyncio
import time
from typing import Any, Callable

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import SelectField, StringField

from infusion_guide.staff.access import ADMINS, ROLE_NAMES, page
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import redirect, render
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import second_factor
from infusion_guide.storage.accounts import Refused

NAV = ("People", "/staff/people", ADMINS)
_ROLE_HINT = (
    "Front desk: requests and the report. Clinician: also conversations, unanswered questions and answers. Admin: everything."
)


class PersonForm(StaffForm):
    """A new member of staff."""

    name = StringField("Name to sign in with", description="Small letters and digits, for example maria or m.lopez")
    role = SelectField("Role", choices=list(ROLE_NAMES.items()), description=_ROLE_HINT)


class RoleForm(StaffForm):
    """Another role."""

    role = SelectField("Role", choices=list(ROLE_NAMES.items()), description=_ROLE_HINT)


@page(ADMINS)
async def show_list(request: Request) -> Response:
    """Everybody."""
    return await _list(request, await PersonForm.of(request, role="front_desk"))


@page(ADMINS)
async def add(request: Request) -> Response:
    """A new account; its first password is shown on this one page and never again."""
    form = await PersonForm.of(request)
    form.validate()
    password = staff.first_password()
    password_hash = await asyncio.to_thread(staff.hashed, password)

    def work(connection: Connection) -> str:
        name = staff.normal_name(form.name.data or "")
        staff.add(connection, name, form.role.data or "", password_hash, must_change=True)
        staff.note(connection, request.state.member.name, "added a person", name, form.role.data)
        return name

    try:
        name = await request.state.database.run(work)
    except Refused as refused:
        form.name.errors = [str(refused)]
        return await _list(request, form, 422)
    return render(request, "first_password.html", name=name, password=password)


async def _list(request: Request, form: PersonForm, status: int = 200) -> Response:
    now = time.time()
    people, closed = await request.state.database.read(
        lambda connection: (staff.accounts(connection), staff.closed(connection, now))
    )
    return render(request, "people.html", status, people=people, form=form, closed=closed)


@page(ADMINS)
async def show_one(request: Request) -> Response:
    """One person."""
    now = time.time()

    def work(connection: Connection) -> Any:
        person = _person(connection, request)
        return person, staff.closed(connection, now), second_factor.has(connection, person.id)

    person, closed, factor = await request.state.database.read(work)
    form = await RoleForm.of(request, role=person.role)
    return render(request, "person.html", person=person, form=form, closed=closed, factor=factor)


@page(ADMINS)
async def reset_password(request: Request) -> Response:
    """A new first password, shown once."""
    password = staff.first_password()
    password_hash = await asyncio.to_thread(staff.hashed, password)

    def work(connection: Connection) -> str:
        person = _person(connection, request)
        staff.set_hash(connection, person.id, password_hash, must_change=True)
        staff.note(connection, request.state.member.name, "reset a password", person.name)
        return str(person.name)

    return render(request, "first_password.html", name=await request.state.database.run(work), password=password)


@page(ADMINS)
async def change(request: Request) -> Response:
    """Another role, let in or out, unlocked."""
    action = request.path_params["action"]
    if action not in _CHANGES:
        raise HTTPException(404)
    form = await RoleForm.of(request)

    def work(connection: Connection) -> str:
        person = _person(connection, request)
        noted = _CHANGES[action](connection, person.id, form.role.data or "")
        staff.note(connection, request.state.member.name, noted, person.name, form.role.data if action == "role" else None)
        return str(person.name)

    address = f"/staff/people/{request.path_params['id']}"
    try:
        name = await request.state.database.run(work)
    except Refused as refused:
        return redirect(address, f"Nothing was changed. {refused}")
    return redirect(address, _SAID[action].format(name=name))


def _change_role(connection: Connection, staff_id: int, role: str) -> str:
    staff.set_role(connection, staff_id, role)
    return "changed a role"


def _activate(connection: Connection, staff_id: int, _: str) -> str:
    staff.set_active(connection, staff_id, True)
    return "activated a person"


def _deactivate(connection: Connection, staff_id: int, _: str) -> str:
    staff.set_active(connection, staff_id, False)
    return "deactivated a person"


def _unlock(connection: Connection, staff_id: int, _: str) -> str:
    staff.unlock(connection, staff_id)
    return "unlocked a person"


def _phone_lost(connection: Connection, staff_id: int, _: str) -> str:
    second_factor.take_away(connection, staff_id)
    staff.end_sessions(connection, staff_id)
    return "took a second factor away"


# What each change does; it gives back the audit log's words.
_CHANGES: "dict[str, Callable[[Connection, int, str], str]]" = {
    "role": _change_role,
    "activate": _activate,
    "deactivate": _deactivate,
    "unlock": _unlock,
    "phone-lost": _phone_lost,
}
_SAID = {
    "role": "{name} has the new role now, and must sign in again.",
    "activate": "{name} can sign in again.",
    "deactivate": "{name} cannot sign in any more, and was signed out.",
    "unlock": "{name} can try to sign in again.",
    "phone-lost": "{name} signs in with the password alone now, and was signed out.",
}


def _person(connection: Connection, request: Request) -> Any:
    try:
        return staff.account(connection, request.path_params["id"])
    except Refused:
        raise HTTPException(404) from None


ROUTES = [
    Route("/staff/people", show_list),
    Route("/staff/people/add", add, methods=["POST"]),
    Route("/staff/people/{id:row}", show_one),
    Route("/staff/people/{id:row}/password", reset_password, methods=["POST"]),
    Route("/staff/people/{id:row}/{action}", change, methods=["POST"]),
]
