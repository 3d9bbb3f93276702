"""Requests: who wants to be called back, who takes it, what came of it."""

from typing import Any, Dict, Optional, Sequence
from urllib.parse import urlencode

from sqlalchemy.engine import Connection
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from infusion_guide.callbacks.callback import Callback, speaks
from infusion_guide.callbacks.fields import Field, readable
from infusion_guide.clinic.clock import clinic_time
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.report.csv_export import csv_response
from infusion_guide.staff.access import ADMINS, CLINICAL, ROLES, page
from infusion_guide.staff.conversations import clear_traces
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import language_asked, page_count, page_number, redirect, render
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import callbacks
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
    show, search, number = _asked(request)
    language = language_asked(request)

    def work(connection: Connection) -> Dict[str, Any]:
        fields, before = _fields(request), (number - 1) * A_PAGE
        found = callbacks.listed(connection, fields, _status(show), search, A_PAGE, before, language)
        staff.note(connection, request.state.member.name, "saw requests", show, f"{len(found.requests)} of them")
        oldest = callbacks.oldest_waiting(connection)
        return {"found": found, "counts": callbacks.counts(connection), "oldest": oldest}

    values = await request.state.database.run(work)
    chosen = {"show": show, "search": search, "language": language}
    here = urlencode({name: value for name, value in chosen.items() if value})
    pages = page_count(values["found"].total, A_PAGE)
    shown = {"show": show, "search": search, "number": number, "pages": pages, "tabs": _TABS, "here": here}
    shown.update(language=language, languages=LANGUAGES)
    return render(request, "requests.html", **shown, **values, most_searched=MOST_SEARCHED)


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

    try:
        await request.state.database.run(work)
    except callbacks.TooLate as late:
        return redirect(address, f"Nothing was changed. {late}")
    return redirect(address, _SAID[action])


@page(ADMINS)
async def erase_request(request: Request) -> Response:
    """Erases the request and the conversation it came from, because the patient asked for it."""
    reference = request.path_params["reference"]
    form = await Erasure.of(request)
    if (form.typed.data or "").strip().upper() != reference:
        form.typed.errors = ["This is not the reference, so nothing was erased."]
        return await _details(request, NoteForm.begun(request), 422, form)

    def work(connection: Connection) -> None:
        erase(connection, _known(connection, request).conversation)
        staff.note(connection, request.state.member.name, "erased a request", reference, "at the patient's request")

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
    member = request.state.member

    def work(connection: Connection) -> Dict[str, Any]:
        found = _known(connection, request)
        staff.note(connection, member.name, "saw a request", found.reference)
        return {
            "found": found,
            "notes": callbacks.notes(connection, found.reference),
            "history": callbacks.history(connection, found),
        }

    values = await request.state.database.run(work)
    values["erasure"] = (erasure or Erasure.begun(request)) if member.role in ADMINS else None
    shown = {"form": form, "fields": _fields(request), "may_read": member.role in CLINICAL}
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
    Route("/staff/requests.csv", export),
    Route("/staff/requests/{reference}", show_one),
    Route("/staff/requests/{reference}/notes", write_note, methods=["POST"]),
    Route("/staff/requests/{reference}/erase", erase_request, methods=["POST"]),
    Route("/staff/requests/{reference}/{action}", act, methods=["POST"]),
]
