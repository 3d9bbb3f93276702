"""Conversations with a crisis, a request or feedback: redacted; the original words only for a reason, which is written down."""

import asyncio
import logging
import time
from typing import Any, Dict, List, Sequence
from urllib.parse import urlencode

from sqlalchemy.engine import Connection, Row
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from infusion_guide.clinic.settings import settings
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.staff import first_day
from infusion_guide.staff.access import ADMINS, CLINICAL, page
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.live import quiet_page
from infusion_guide.staff.rendering import language_asked, page_count, page_number, redirect, render
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import conversations as staff_conversations
from infusion_guide.storage import desk
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.privacy import erase, wipe
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.storage.transcript import Exchange

logger = logging.getLogger(__name__)

HERE = "/staff/conversations"
LISTED, TURNS = 25, 50  # on one page
TYPED = 4  # characters of an id that are typed again to delete it

REASONS = {"crisis": "Crisis", "request": "Request", "feedback": "Feedback"}
PURPOSES = {
    "care": "To care for this patient",
    "request": "To work on the patient's request",
    "crisis": "To look into a crisis",
    "mistake": "To look into a complaint or a mistake of the assistant",
    "other": "Another reason, in my words",
}


class Original(StaffForm):
    """Why somebody needs to read a patient's own words."""

    purpose = SelectField("Why do you need them?", [InputRequired()], choices=[("", "Please choose"), *PURPOSES.items()])
    words = StringField(
        "In your words",
        [Length(max=150, message="Please say it in at most 150 characters.")],
        description="This is kept in the audit log: no health details, please.",
    )

    def validate_purpose(self, field: SelectField) -> None:
        """Another reason needs words."""
        if field.data == "other" and not (self.words.data or "").strip():
            raise ValidationError("Please write your reason in the field below.")


class Deletion(StaffForm):
    """The end of the conversation's id, typed."""

    typed = StringField(
        f"Last {TYPED} characters of the conversation's id", description="They are typed so that no other one is deleted."
    )


@page(CLINICAL)
async def list_conversations(request: Request) -> Response:
    """Which conversations there are to look at, and why; that somebody saw the list is noted."""
    return render(request, "conversations.html", **await _list(request))


@quiet_page(CLINICAL)
async def list_rows(request: Request) -> Response:
    """The same without the page around it, for staff.js."""
    return render(request, "conversations_list.html", **await _list(request))


async def _list(request: Request) -> Dict[str, Any]:
    reason = request.query_params.get("why", "")
    reason = reason if reason in REASONS else ""
    number, language = page_number(request.query_params), language_asked(request)

    def work(connection: Connection) -> Any:
        found, total = staff_conversations.listed(connection, reason or None, LISTED, (number - 1) * LISTED, language)
        staff.note(connection, request.state.member.name, "saw conversations", reason or "all", f"{len(found)} of them")
        return found, total, desk.unseen_crises(connection, time.time())

    rows, total, unseen = await request.state.database.run(work)
    here = urlencode({"why": reason, **({"language": language} if language else {})})
    return {
        "first_day": None if rows or reason or language else await first_day.known(request),
        "rows": [(row, _address(row.sender_id), _whys(row), _channel(row.sender_id)) for row in rows],
        "unseen": [(row, _address(row.sender_id)) for row in unseen],
        "total": total,
        "reason": reason,
        "reasons": REASONS,
        "number": number,
        "pages": page_count(total, LISTED),
        "language": language,
        "languages": LANGUAGES,
        "address": f"{HERE}?{here}&",
        "here": here,
    }


@page(CLINICAL)
async def one_conversation(request: Request) -> Response:
    """One conversation as its patient saw it, redacted; that somebody saw it is noted."""
    return await _show(request, request.query_params.get("id", ""), page_number(request.query_params))


@page(CLINICAL)
async def original_words(request: Request) -> Response:
    """The same with the patient's own words, this once."""
    fields = await request.form()
    conversation, number = str(fields.get("id", "")), page_number(fields)
    form = await Original.of(request)
    if not form.validate():
        return await _show(request, conversation, number, 422, reason_form=form)
    said = await asyncio.to_thread(staff_conversations.without_names, " ".join((form.words.data or "").split()))
    return await _show(request, conversation, number, why_original=PURPOSES[form.purpose.data] + (f": {said}" if said else ""))


async def _show(
    request: Request, conversation: str, number: int, status: int = 200, why_original: str = "", **forms: StaffForm
) -> Response:
    """The conversation; redacted without a reason `why_original`. `forms`: those whose answer this is, by their names here."""
    by = request.state.member.name

    def looked_at(connection: Connection) -> Any:
        row = staff_conversations.find(connection, conversation)
        if row is None:
            return None, None
        if why_original:
            staff.note(connection, by, "saw the original words", conversation, why_original)
        else:
            staff.note(connection, by, "saw a conversation", conversation, "redacted")
        return row, staff_conversations.sealed(connection, conversation)

    row, stored = await request.state.database.run(looked_at)
    if row is None:
        raise HTTPException(404)
    try:
        talk = await asyncio.to_thread(_page_of, stored, number, not why_original)
        unreadable = ""
    except Unreadable as error:
        talk, unreadable, status = _page([], 1), str(error), 503
    return render(
        request,
        "conversation.html",
        status,
        **talk,
        conversation=conversation,
        row=row,
        whys=_whys(row),
        channel=_channel(conversation),
        language=LANGUAGES.get(row.language, row.language),
        original=bool(why_original),
        kept_redacted=settings().stored_words == "redacted",
        unreadable=unreadable,
        address=f"{_address(conversation)}&",
        **{"reason_form": Original.begun(request), "deletion_form": Deletion.begun(request), **forms},
        may_delete=request.state.member.role in ADMINS,
    )


def _page_of(stored: staff_conversations.Sealed, number: int, hide: bool) -> Dict[str, Any]:
    turns, secrets = staff_conversations.opened(stored)
    talk = _page(turns, number)
    if hide:
        talk["turns"] = staff_conversations.redacted(talk["turns"], secrets)
    return talk


def _page(turns: Sequence[Exchange], number: int) -> Dict[str, Any]:
    """Page `number` of `turns`: the first holds the newest, each reads from old to new."""
    pages = page_count(len(turns), TURNS)
    number = min(number, pages)
    end = len(turns) - (number - 1) * TURNS
    return {"turns": turns[max(0, end - TURNS) : end], "total": len(turns), "number": number, "pages": pages}


@page(ADMINS)
async def delete_conversation(request: Request) -> Response:
    """Deletes everything of a conversation, because its patient asked for it."""
    conversation = str((await request.form()).get("id", ""))
    form = await Deletion.of(request)
    if (form.typed.data or "").strip() != conversation[-TYPED:]:
        form.typed.errors = [f"These are not the last {TYPED} characters of the id, so nothing was deleted."]
        return await _show(request, conversation, 1, 422, deletion_form=form)
    by = request.state.member.name

    def deleted(connection: Connection) -> bool:
        if staff_conversations.find(connection, conversation) is None:
            return False
        rows = sum(erase(connection, conversation, by).values())
        staff.note(connection, by, "deleted a conversation", conversation, f"at the patient's request, {rows} rows")
        return True

    if not await request.state.database.run(deleted):
        raise HTTPException(404)
    response = redirect(HERE, "Deleted, with everything that belonged to it.")
    response.background = BackgroundTask(clear_traces, request.state.database)
    return response


async def clear_traces(database: Database) -> None:
    """Clears the database's files of what was deleted, after the answer: it may take seconds."""
    try:
        await asyncio.to_thread(wipe, database)
    except DatabaseUnavailable as error:
        logger.warning("%s `python -m infusion_guide.storage.privacy purge` clears them.", error)


def _whys(row: Row) -> List[str]:
    return [REASONS[reason] for reason in staff_conversations.why(row)]


def _channel(conversation: str) -> str:
    return conversation.split(":", 1)[0] if ":" in conversation else "unknown"


def _address(conversation: str) -> str:
    return f"{HERE}/one?{urlencode({'id': conversation})}"


NAV = ("Conversations", HERE, CLINICAL)
ROUTES: List[Route] = [
    Route(HERE, list_conversations),
    Route(f"{HERE}/list", list_rows),
    Route(f"{HERE}/one", one_conversation),
    Route(f"{HERE}/original", original_words, methods=["POST"]),
    Route(f"{HERE}/delete", delete_conversation, methods=["POST"]),
]
