"""Requests: who wants to be called back, who takes it, what came of it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Dict, List, Optional, Sequence, Tuple
from urllib.parse import urlencode

from sqlalchemy.engine import Connection
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from infusion_guide.callbacks.callback import Callback, speaks
from infusion_guide.callbacks.fields import Field, readable
from infusion_guide.clinic.clock import clinic_time, clinic_zone
from infusion_guide.clinic.hours import opening_hours
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.report.csv_export import csv_response
from infusion_guide.staff import first_day
from infusion_guide.staff.access import ADMINS, CLINICAL, ROLES, page
from infusion_guide.staff.conversations import clear_traces
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.live import quiet_page
from infusion_guide.staff.rendering import language_asked, page_count, page_number, redirect, render, when
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import callbacks, desk
from infusion_guide.storage.callbacks import LONGEST_NOTE, MOST_SEARCHED
from infusion_guide.storage.privacy import erase

NAV = ("Requests", "/staff/requests", ROLES)
A_PAGE = 25
_MOST_EXPORTED = 5000
_TABS = {"new": "New", "taken": "Taken", "done": "Done", "all": "All"}
_SAID = {
    "take": "You have this request now.",
    "give-back": "The request is open for everybody again.",
    "done": "The request is closed. Thank you.",
    "open-again": "The request is open again.",
}


MORNING, AFTERNOON = 9, 14  # o'clock, for the next try


def next_tries(now: datetime) -> Dict[str, Tuple[str, datetime]]:
    """When to call again, by the choice's name: what it is called, and the moment, in opening hours where these are set."""
    local = now.astimezone(clinic_zone())

    def day(days: int, hour: int) -> datetime:
        return (local + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)

    wanted = {
        "hours": ("In two hours", local + timedelta(hours=2)),
        "morning": ("Tomorrow morning", day(1, MORNING)),
        "afternoon": ("Tomorrow afternoon", day(1, AFTERNOON)),
        "days": ("In three days", day(3, MORNING)),
    }
    found: Dict[str, Tuple[str, datetime]] = {}
    for name, (words, at) in wanted.items():
        moment = _open(at)
        if moment not in [each for _, each in found.values()]:
            found[name] = (words if moment == at else "When the clinic is open again", moment)
    return found


def _open(at: datetime) -> datetime:
    hours = opening_hours()
    return at if hours is None or hours.is_open(at) else hours.next_opening(at) or at


class TryForm(StaffForm):
    """When to call again."""

    next = SelectField("Nobody answers? Call again", validate_choice=False)

    @staticmethod
    def choices(now: datetime) -> List[Tuple[str, str]]:
        """The choices, each with its moment."""
        return [(name, f"{words}: {when(at.timestamp())}") for name, (words, at) in next_tries(now).items()]


class NoteForm(StaffForm):
    """A note."""

    words = TextAreaField(
        "New note",
        description="What was agreed, and what is left to do. Staff see it, patients do not.",
        filters=[lambda words: (words or "").replace("\r\n", "\n").strip()],  # as the browser counted it
        validators=[
            DataRequired("Please write something first."),
            Length(max=LONGEST_NOTE, message=f"A note has at most {LONGEST_NOTE:,} characters. Please make two of it."),
        ],
    )


class Erasure(StaffForm):
    """The reference, typed."""

    typed = StringField("The reference of this request", description="It is typed so that no other one is erased.")


@page()
async def show_list(request: Request) -> Response:
    """The list: one tab for each state."""
    return render(request, "requests.html", **await _list(request))


@quiet_page()
async def show_rows(request: Request) -> Response:
    """The same without the page around it, for staff.js, which puts it in the place of what is there."""
    return render(request, "requests_list.html", **await _list(request))


async def _list(request: Request) -> Dict[str, Any]:
    show, search, number = _asked(request)
    now, language = time.time(), language_asked(request)

    def work(connection: Connection) -> Dict[str, Any]:
        fields, before = _fields(request), (number - 1) * A_PAGE
        found = desk.listed(connection, fields, _status(show), search, A_PAGE, before, now, language)
        staff.note(connection, request.state.member.name, "saw requests", show, f"{len(found.requests)} of them")
        return {
            "found": found,
            "counts": callbacks.counts(connection),
            "oldest": desk.next_due(connection, now),
            "tries": desk.tries(connection, [each.reference for each in found.requests]),
            "due": desk.state(connection, now).requests,
        }

    values = await request.state.database.run(work)
    first = await first_day.known(request) if not any(values["counts"].values()) else None
    chosen = {"show": show, "search": search, "language": language}
    here = urlencode({name: value for name, value in chosen.items() if value})
    pages = page_count(values["found"].total, A_PAGE)
    shown = {"show": show, "search": search, "number": number, "pages": pages, "tabs": _TABS, "here": here}
    told = {"now": now, "first_day": first, "most_searched": MOST_SEARCHED, "longest_first": show in ("new", "taken")}
    return {**shown, **values, **told, "language": language, "languages": LANGUAGES}


@page()
async def show_next(request: Request) -> Response:
    """To the request that has waited longest."""
    found = await request.state.database.read(lambda connection: desk.next_due(connection, time.time()))
    if found is None:
        return redirect("/staff/requests", "Nobody is waiting for a call now.")
    return redirect(f"/staff/requests/{found.reference}")


@page()
async def export(request: Request) -> Response:
    """The same list as a file."""
    show, search, _ = _asked(request)
    fields = _fields(request)

    def work(connection: Connection) -> callbacks.Found:
        found = callbacks.listed(connection, fields, _status(show), search, _MOST_EXPORTED, 0, language_asked(request))
        staff.note(connection, request.state.member.name, "exported requests", show, f"{len(found.requests)} of them")
        return found

    found = await request.state.database.run(work)
    header = ("Reference", "Received", "Status", "Has it", "Closed", "Channel", "Language", *(field.title for field in fields))
    return csv_response("requests.csv", header, (_row(one, fields) for one in found.requests))


def _fields(request: Request) -> Sequence[Field]:
    """What the member may read of a request."""
    return readable(clinical=request.state.member.role in CLINICAL)


def _row(one: Callback, fields: Sequence[Field]) -> tuple:
    given = [one.given.get(field.name) for field in fields]
    given = given if one.readable else ["(cannot be read)", *[""] * (len(fields) - 1)]
    return (
        one.reference,
        _time(one.at),
        one.status,
        one.taken_by,
        _time(one.done),
        one.channel,
        LANGUAGES.get(one.language, one.language),
        *given,
    )


def _time(seconds: Optional[float]) -> str:
    return f"{clinic_time(seconds):%Y-%m-%d %H:%M}" if seconds else ""


@page()
async def show_one(request: Request) -> Response:
    """One request; that it was looked at is in the audit log."""
    return await _details(request, await NoteForm.of(request))


@page()
async def act(request: Request) -> Response:
    """Take, give back, done, open again."""
    reference, action = request.path_params["reference"], request.path_params["action"]
    if action not in callbacks.ACTIONS:
        raise HTTPException(404)
    name, address = request.state.member.name, f"/staff/requests/{reference}"

    def work(connection: Connection) -> None:
        _known(connection, request)
        callbacks.act(connection, reference, action, name)
        if action in ("take", "open-again"):
            desk.no_wait(connection, reference)

    try:
        await request.state.database.run(work)
    except callbacks.TooLate as late:
        return redirect(address, f"Nothing was changed. {late}")
    return redirect(address, _SAID[action])


@page()
async def tried(request: Request) -> Response:
    """Nobody answered the call: the request comes again at the time that is chosen."""
    reference, name = request.path_params["reference"], request.state.member.name
    address = f"/staff/requests/{reference}"
    wanted = next_tries(datetime.now(UTC)).get((await TryForm.of(request)).next.data or "")
    if wanted is None:
        raise HTTPException(400)
    at = wanted[1].timestamp()

    def work(connection: Connection) -> None:
        _known(connection, request)
        desk.tried(connection, reference, at, name)

    try:
        await request.state.database.run(work)
    except callbacks.TooLate as late:
        return redirect(address, f"Nothing was changed. {late}")
    return redirect(address, f"Kept: tried, no answer. It comes again {when(at)}, for everybody.")


@page(ADMINS)
async def erase_request(request: Request) -> Response:
    """Erases the request and the conversation it came from, because the patient asked for it."""
    reference = request.path_params["reference"]
    form = await Erasure.of(request)
    if (form.typed.data or "").strip().upper() != reference:
        form.typed.errors = ["This is not the reference, so nothing was erased."]
        return await _details(request, NoteForm.begun(request), 422, form)

    def work(connection: Connection) -> None:
        erase(connection, _known(connection, request).conversation, request.state.member.name)  # and notes it

    await request.state.database.run(work)
    response = redirect("/staff/requests", "Erased, with the conversation it came from.")
    response.background = BackgroundTask(clear_traces, request.state.database)
    return response


@page()
async def write_note(request: Request) -> Response:
    """Keeps a note; one that cannot be kept stands in its field again."""
    form = await NoteForm.of(request)
    if not form.validate():
        return await _details(request, form, 422)
    words = form.words.data

    def work(connection: Connection) -> None:
        callbacks.write_note(connection, _known(connection, request), request.state.member.name, words)

    try:
        await request.state.database.run(work)
    except callbacks.TooLate:
        raise HTTPException(404) from None
    return redirect(f"/staff/requests/{request.path_params['reference']}", "The note is kept.")


async def _details(request: Request, form: NoteForm, status: int = 200, erasure: Optional[Erasure] = None) -> Response:
    member, now = request.state.member, time.time()

    def work(connection: Connection) -> Dict[str, Any]:
        found = _known(connection, request)
        staff.note(connection, member.name, "saw a request", found.reference)
        return {
            "found": found,
            "notes": callbacks.notes(connection, found.reference),
            "history": desk.history(connection, found),
            "tries": desk.tries(connection, [found.reference]).get(found.reference, desk.Tries()),
            "next_due": desk.next_due(connection, now, after=found.reference),
        }

    values = await request.state.database.run(work)
    values["erasure"] = (erasure or Erasure.begun(request)) if member.role in ADMINS else None
    try_form = TryForm.begun(request)
    try_form.next.choices = TryForm.choices(datetime.fromtimestamp(now, UTC))
    shown = {"form": form, "try_form": try_form, "now": now, "fields": _fields(request), "may_read": member.role in CLINICAL}
    found = values["found"]
    shown["language"], shown["speaks"] = LANGUAGES.get(found.language, found.language), speaks(found.language)
    return render(request, "request.html", status, **shown, **values)


def _known(connection: Connection, request: Request) -> Callback:
    found = callbacks.one(connection, request.path_params["reference"], _fields(request))
    if found is None:
        raise HTTPException(404)
    return found


def _asked(request: Request) -> tuple:
    """Tab, search words and page number of the address."""
    show = request.query_params.get("show", "new")
    search = request.query_params.get("search", "").strip()[:100]
    return show if show in _TABS else "new", search, page_number(request.query_params)


def _status(show: str) -> str:
    return "" if show == "all" else show


ROUTES = [
    Route("/staff/requests", show_list),
    Route("/staff/requests/list", show_rows),
    Route("/staff/requests/next", show_next),
    Route("/staff/requests.csv", export),
    Route("/staff/requests/{reference}", show_one),
    Route("/staff/requests/{reference}/notes", write_note, methods=["POST"]),
    Route("/staff/requests/{reference}/tried", tried, methods=["POST"]),
    Route("/staff/requests/{reference}/erase", erase_request, methods=["POST"]),
    Route("/staff/requests/{reference}/{action}", act, methods=["POST"]),
]
