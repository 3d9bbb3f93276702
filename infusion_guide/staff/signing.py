"""Signing one reply after another: both languages side by side, what changed, who is led here; a release when all is signed."""

import asyncio
import time
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from infusion_guide.clinic.clock import clinic_time, clinic_today
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.clinic_answers import said_answers
from infusion_guide.replies.review import GROUPS, STATES, Entry, Reading, as_text
from infusion_guide.staff import sign_off
from infusion_guide.staff.access import CLINICAL, page
from infusion_guide.staff.answers import WRITERS, Known, difference, known
from infusion_guide.staff.examples import led_here
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import redirect, render
from infusion_guide.storage import signing
from infusion_guide.storage.signing import LONGEST_COMMENT, Release

HERE, RELEASES = "/staff/sign", "/staff/releases"


class SignForm(StaffForm):
    """A signature under the words of `digest`: those that were on the page."""

    digest = HiddenField(validators=[InputRequired()])


class CommentForm(StaffForm):
    """What the reader tells the author."""

    digest = HiddenField()
    words = TextAreaField(
        "Comment to the author",
        description="What is wrong, and the better words. It stands beside the reply until somebody settles it.",
        filters=[lambda words: (words or "").replace("\r\n", "\n").strip()],
        validators=[
            DataRequired("Please write something first."),
            Length(max=LONGEST_COMMENT, message=f"A comment has at most {LONGEST_COMMENT:,} characters."),
        ],
    )


class ReleaseForm(StaffForm):
    """The name of the release, and what was on the page."""

    digest = HiddenField(validators=[InputRequired()])
    name = StringField(
        "Name of the release",
        description="For example the month: it stands on the list to sign and in the log.",
        filters=[lambda words: " ".join((words or "").split())],
        validators=[InputRequired("Please give it a name."), Length(2, 64, "A name has 2 to 64 characters.")],
    )


@dataclass(frozen=True)
class Place:
    """Where a reply stands among all: its number, that in its group, and those before and after it that wait."""

    reply: Entry
    number: int
    count: int
    group: str
    number_in_group: int
    count_in_group: int
    signed: int
    before: Optional[Entry]
    after: Optional[Entry]


def place(replies: List[Entry], label: str) -> Optional[Place]:
    """The place of the reply on `label` in `replies` (crisis first, like beside like); None when there is none."""
    number = next((number for number, reply in enumerate(replies) if reply.topic.label == label), None)
    if number is None:
        return None
    today, reply = clinic_today(), replies[number]
    waits = [each.needs_signature(today) for each in replies]
    alike = [each for each in replies if each.topic.kind == reply.topic.kind]
    later = [*range(number + 1, len(replies)), *range(number)]
    return Place(
        reply,
        number + 1,
        len(replies),
        GROUPS[reply.topic.kind],
        alike.index(reply) + 1,
        len(alike),
        waits.count(False),
        replies[number - 1] if number else None,
        next((replies[each] for each in later if waits[each]), None),
    )


def side_by_side(readings: Tuple[Reading, ...]) -> List[Tuple[Optional[Reading], Optional[Reading]]]:
    """English beside Spanish, each with what is said in the same state: after a crisis beside after a crisis."""
    found: List[Tuple[Optional[Reading], Optional[Reading]]] = []
    for careful in (False, True):
        fitting = [each for each in readings if each.when.endswith("after a crisis") == careful]
        english = [each for each in fitting if each.language == "en"]
        found += zip_longest(english, [each for each in fitting if each.language != "en"])
    return found


def changed_lines(before: str, after: str) -> List[List[Tuple[str, str]]]:
    """What became of the words `before` in `after`, paragraph by paragraph; only paragraphs that changed."""
    old, new = before.split("\n\n"), after.split("\n\n")
    kept = set(old) & set(new)
    pairs = zip_longest([each for each in old if each not in kept], [each for each in new if each not in kept], fillvalue="")
    return [difference(one, other) for one, other in pairs]


# ---- One after another ----


@page(CLINICAL)
async def begin(request: Request) -> Response:
    """To the first reply that waits for a signature."""
    found = await request.state.database.run(known)
    today = clinic_today()
    first = next((reply for reply in found.entries() if reply.needs_signature(today)), None)
    return redirect(_address(first)) if first else redirect(RELEASES, "Every reply is signed.")


@page(CLINICAL)
async def show(request: Request) -> Response:
    """One reply to read and sign."""
    return await _show(request)


async def _show(request: Request, status: int = 200, problem: str = "", comment_form: Optional[CommentForm] = None) -> Response:
    database = request.state.database
    found = await database.run(known)
    here = await asyncio.to_thread(place, found.entries(), request.path_params["label"])
    if here is None:
        raise HTTPException(404)
    reply = here.reply
    last, comments = await database.run(
        lambda connection: (signing.last_words(connection, reply.name), signing.open_comments(connection).get(reply.name, []))
    )
    today = clinic_today()
    was_other = last is not None and last.digest != reply.digest
    return render(
        request,
        "sign.html",
        status,
        here=here,
        reply=reply,
        pairs=side_by_side(reply.readings),
        state=reply.state(today),
        states=STATES,
        last=last,
        changes=changed_lines(last.words, as_text(reply.readings)) if was_other and last.words else [],
        was_other=was_other,
        comments=comments,
        examples=await asyncio.to_thread(led_here, reply.name),
        may_sign=request.state.member.role in WRITERS,
        may_take_back=bool(
            last
            and not was_other
            and last.reviewed_by == request.state.member.name
            and last.at >= time.time() - signing.TAKE_BACK
        ),
        address=_address(reply),
        before=_address(here.before) if here.before else "",
        after=_address(here.after) if here.after and here.after is not reply else "",
        comment_form=comment_form or CommentForm.begun(request, digest=reply.digest),
        problem=problem,
    )


@page(WRITERS)
async def sign(request: Request) -> Response:
    """A clinician answers for the words that they have read; then the next."""
    form, by = await SignForm.of(request), request.state.member.name
    found = await request.state.database.run(known)
    here = await asyncio.to_thread(place, found.entries(), request.path_params["label"])
    if here is None:
        raise HTTPException(404)
    if here.reply.digest != form.digest.data:
        return await _show(request, 409, "The words changed since you read them, so nothing was signed. Please read them again.")
    reply = here.reply
    words = as_text(reply.readings)
    await request.state.database.run(lambda connection: signing.sign(connection, reply.name, reply.digest, words, by))
    if here.after is None or here.after is reply:
        return redirect(RELEASES, "Signed. That was the last one: give the release a name.")
    return redirect(_address(here.after), f"Signed: {reply.title}.")


@page(WRITERS)
async def take_back(request: Request) -> Response:
    """Takes back a signature that was given a moment ago."""
    form, by = await SignForm.of(request), request.state.member.name
    reply = await _reply(request)
    gone = await request.state.database.run(lambda c: signing.take_back(c, reply.name, form.digest.data or "", by))
    return redirect(_address(reply), "Taken back." if gone else "There is nothing to take back any more.")


@page(CLINICAL)
async def comment(request: Request) -> Response:
    """Keeps a comment."""
    form, by = await CommentForm.of(request), request.state.member.name
    reply = await _reply(request)
    if not form.validate():
        return await _show(request, 422, comment_form=form)
    words = form.words.data
    await request.state.database.run(lambda connection: signing.comment(connection, reply.name, reply.digest, words, by))
    return redirect(_address(reply), "The comment is kept.")


@page(CLINICAL)
async def settle(request: Request) -> Response:
    """Marks a comment as settled."""
    number, by = request.path_params["id"], request.state.member.name
    name = await request.state.database.run(lambda connection: signing.settle(connection, number, by))
    if name is None:
        return redirect(HERE, "Somebody settled it already.")
    return redirect(f"{HERE}/{quote(name.removeprefix('utter_'))}", "Settled.")


async def _reply(request: Request) -> Entry:
    found = await request.state.database.run(known)
    for reply in found.entries():
        if reply.topic.label == request.path_params["label"]:
            return reply
    raise HTTPException(404)


# ---- Releases ----


@page(CLINICAL)
async def show_releases(request: Request) -> Response:
    """What is signed as a whole, and whether that is what is said now."""
    return await _show_releases(request)


@page(WRITERS)
async def make_release(request: Request) -> Response:
    """Names the whole set, as it is signed."""
    form, by = await ReleaseForm.of(request), request.state.member.name
    now = await standing(request)
    if not form.validate():
        return await _show_releases(request, 422, form)
    if now["waiting"] or now["digest"] != form.digest.data:
        return await _show_releases(request, 409, problem="Something changed since you read it, so there is no release yet.")

    def work(connection: Connection) -> None:
        signing.release(connection, form.name.data, now["digest"], now["digests"], by)

    try:
        await request.state.database.run(work)
    except signing.Taken:
        form.name.errors = ["There is a release of that name. Please choose another."]
        return await _show_releases(request, 422, form)
    return redirect(RELEASES, "The release is signed. Print the list and keep it.")


async def _show_releases(request: Request, status: int = 200, form: Optional[ReleaseForm] = None, problem: str = "") -> Response:
    now = await standing(request)
    usual = ReleaseForm.begun(request, digest=now["digest"], name=f"{clinic_time(time.time()):%B %Y}")
    values = {"form": form or usual, "problem": problem, "may_sign": request.state.member.role in WRITERS}
    return render(request, "releases.html", status, **now, **values, serve_unsigned=settings().serve_unsigned)


async def standing(request: Request) -> Dict[str, Any]:
    """Every release; what is said now, how many of it wait for a signature, and what differs from the newest release."""

    def work(connection: Connection) -> Tuple[Known, List[Release]]:
        return known(connection), signing.all_releases(connection)

    found, every = await request.state.database.run(work)
    return await asyncio.to_thread(_standing, found, every)


def _standing(found: Known, every: List[Release]) -> Dict[str, Any]:
    replies, today = found.entries(), clinic_today()
    digest = sign_off.contents(replies, said_answers(found.written), time.time())["digest"]
    digests = {reply.name: reply.digest for reply in replies}
    newest = every[0] if every else None
    differs = [reply for reply in replies if newest and newest.replies.get(reply.name) != reply.digest]
    return {
        "releases": every,
        "newest": newest,
        "served": bool(newest and newest.digest == digest),
        "differs": [(reply, _address(reply)) for reply in differs],
        "waiting": sum(reply.needs_signature(today) for reply in replies),
        "count": len(replies),
        "digest": digest,
        "digests": digests,
        "line": sign_off.release_in_words(every, digest),
    }


def _address(reply: Entry) -> str:
    return f"{HERE}/{quote(reply.topic.label)}"


ROUTES: List[Route] = [
    Route(HERE, begin),
    Route(f"{HERE}/comments/{{id:row}}/settle", settle, methods=["POST"]),
    Route(f"{HERE}/{{label:path}}/comment", comment, methods=["POST"]),
    Route(f"{HERE}/{{label:path}}/take-back", take_back, methods=["POST"]),
    Route(f"{HERE}/{{label:path}}", sign, methods=["POST"]),
    Route(f"{HERE}/{{label:path}}", show),
    Route(RELEASES, show_releases),
    Route(RELEASES, make_release, methods=["POST"]),
]
