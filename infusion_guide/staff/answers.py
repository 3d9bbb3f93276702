"""Every reply with its source, its review and its use; clinicians sign replies and write the clinic's own answers."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from infusion_guide.clinic.clock import clinic_today
from infusion_guide.clinic.settings import settings
from infusion_guide.replies import review
from infusion_guide.replies import rules as reply_rules
from infusion_guide.replies.book import names
from infusion_guide.replies.clinic_answers import clinic_file, said_answers
from infusion_guide.replies.review import GROUPS, STATES, Entry, Reading
from infusion_guide.replies.topic import Topic
from infusion_guide.staff import first_day, sign_off
from infusion_guide.staff.access import CLINICAL, page
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import FOLDER, redirect, render
from infusion_guide.staff.starters import STARTERS
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import clinic_answers, reviews, signing

WRITERS = ("clinician",)  # who may answer for words that patients read

DAYS = 30  # of use that are shown
_DAY = 86_400.0  # seconds
_LONGEST = 1000  # characters of an own answer; what is much too long is refused with the number of its words


class Filter(StaffForm):
    """Which replies are listed."""

    q = StringField("Words", description="Part of a reply, its name or its source.")
    kind = SelectField("Kind", choices=[("all", "All kinds"), *((kind or "lines", title) for kind, title in GROUPS.items())])
    review = SelectField(
        "Review", choices=[("all", "All replies"), ("open", "To sign"), *STATES.items(), ("commented", "With comments")]
    )


class Signature(StaffForm):
    """A signature under the words of `digest`: those that were on the page."""

    digest = HiddenField()


class OwnAnswer(StaffForm):
    """The clinic's own text; `seen` is the version that its writer had before them."""

    text = TextAreaField(
        "The clinic's answer",
        [Length(max=_LONGEST, message="This is much too long for an answer.")],
        description=f"At most {reply_rules.MOST_WORDS} words, easy to read. Leave it empty to withdraw the answer.",
    )
    seen = IntegerField(widget=HiddenInput(), default=0)


class PutBack(StaffForm):
    """The number of an older version, and the newest that was on the page."""

    version = IntegerField(validators=[InputRequired(), NumberRange(1, 1_000_000)])
    seen = IntegerField(validators=[InputRequired()])


@dataclass(frozen=True)
class Known:
    """What the database knows of replies at one moment."""

    written: Dict[str, Any]
    signatures: Dict[Tuple[str, str], Tuple[str, date]]
    use: Dict[str, Dict[str, int]]

    def entries(self) -> List[Entry]:
        """All replies with it."""
        return review.entries(said_answers(self.written), self.signatures)


def known(connection: Connection) -> Known:
    """Reads what is known of all replies."""
    use = reviews.use_since(connection, time.time() - DAYS * _DAY)
    return Known(clinic_answers.newest(connection), reviews.newest(connection), use)


# ---- All replies ----


@page(CLINICAL)
async def list_answers(request: Request) -> Response:
    """Every reply, or those that were looked for."""
    form = Filter(request.query_params, meta={"csrf": False})
    found, comments = await request.state.database.run(lambda connection: (known(connection), signing.open_comments(connection)))
    today = clinic_today()
    rows = await asyncio.to_thread(_chosen, found.entries(), form, today)
    if form.review.data == "commented":
        rows = [row for row in rows if row[0].name in comments]
    return render(
        request,
        "answers.html",
        form=form,
        rows=rows,
        kinds=GROUPS,
        use=found.use,
        days=DAYS,
        today=today,
        states=STATES,
        comments=comments,
        stands=Counter(reply.state(today) for reply, _ in rows),
        first_day=not (found.signatures or found.written) and await first_day.known(request),
        months=settings().review_months,
    )


def _chosen(replies: List[Entry], form: Filter, today: date) -> List[Tuple[Entry, Tuple[Reading, ...]]]:
    """The replies that `form` asks for, with their readings; not for the event loop."""
    words = " ".join((form.q.data or "").lower().split())
    kind = {"all": None, "lines": ""}.get(form.kind.data or "all", form.kind.data)
    return [
        (reply, readings)
        for reply, readings in ((reply, reply.readings) for reply in replies)
        if (kind is None or reply.topic.kind == kind)
        and _stands(reply, form.review.data or "all", today)
        and (not words or words in _searched(reply, readings))
    ]


def _stands(reply: Entry, wanted: str, today: date) -> bool:
    return wanted in ("all", "commented") or (reply.needs_signature(today) if wanted == "open" else reply.state(today) == wanted)


def _searched(reply: Entry, readings: Tuple[Reading, ...]) -> str:
    said = [line for reading in readings for line in (*reading.lines, *reading.buttons)]
    rests_on = [words for source in reply.sources for words in (source.where, *(claim.claim for claim in source.claims))]
    return " ".join([reply.name, reply.title, *said, *rests_on]).lower()


# ---- One reply ----


@page(CLINICAL)
async def one_answer(request: Request) -> Response:
    """One reply, whole."""
    return await _show(request)


@page(WRITERS)
async def sign(request: Request) -> Response:
    """A clinician answers for the words that they have read."""
    form = await Signature.of(request)
    topic, by = _topic(request), request.state.member.name

    def signed(connection: Connection) -> bool:
        reply = _entry(known(connection), topic)
        if reply.digest != form.digest.data:
            return False
        signing.sign(connection, reply.name, reply.digest, review.as_text(reply.readings), by)
        return True

    if await request.state.database.run(signed):
        return redirect(_address(topic), "Signed. Thank you.")
    return await _show(request, 409, "The words changed since you read them, so nothing was signed. Please read them again.")


async def _show(request: Request, status: int = 200, problem: str = "") -> Response:
    topic = _topic(request)
    database = request.state.database
    found = await database.run(known)
    versions = await database.read(lambda connection: clinic_answers.history(connection, topic.label))
    reply = _entry(found, topic)
    in_file = clinic_file().get(topic.label)
    return render(
        request,
        "answer.html",
        status,
        reply=reply,
        readings=reply.readings,
        address=_address(topic),
        kind=GROUPS[topic.kind],
        state=reply.state(clinic_today()),
        states=STATES,
        may_sign=request.state.member.role in WRITERS,
        may_have_own=_may_have_own(topic),
        from_file=in_file is not None and not versions,
        history=changes(versions, in_file.text if in_file else ""),
        use=found.use.get(reply.name, {}),
        days=DAYS,
        problem=problem,
    )


def changes(versions: List[Any], before: str) -> List[Dict[str, Any]]:
    """Each of `versions` (newest first) with what it changed: pieces of text that are "same", "added" or "removed".

    `before` is what was said before the oldest.
    """
    former = [version.text for version in versions[1:]] + [before]
    return [{"row": version, "pieces": difference(text, version.text)} for version, text in zip(versions, former)]


def difference(before: str, after: str) -> List[Tuple[str, str]]:
    """What became of the words of `before` in `after`: (kind, words) in reading order."""
    old, new = before.split(), after.split()
    return [
        (what, " ".join(words))
        for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        for what, words in ([("same", old[a:b])] if kind == "equal" else [("removed", old[a:b]), ("added", new[c:d])])
        if words
    ]


# ---- The clinic's own answer ----


@page(WRITERS)
async def write_own(request: Request) -> Response:
    """Writes, shows beforehand, saves or withdraws the clinic's own answer on one topic."""
    topic = _own_topic(request)
    if request.method == "GET":
        versions = await request.state.database.read(lambda connection: clinic_answers.history(connection, topic.label))
        newest = versions[0] if versions else clinic_file().get(topic.label)
        return await _write(request, topic, newest.text.strip() if newest else "", versions[0].version if versions else 0)
    form = await OwnAnswer.of(request)
    text = reply_rules.tidy(form.text.data or "")
    problems = list(form.text.errors) if not form.validate() else []
    if not problems and text:
        problems = await asyncio.to_thread(_problems, text)
    filled = await request.form()
    if "compose" in filled and topic.label in STARTERS:
        composed = STARTERS[topic.label].text({str(name): str(said) for name, said in filled.items()})[:_LONGEST]
        problems = await asyncio.to_thread(_problems, composed) if composed else ["Please fill in at least one blank."]
        return await _write(request, topic, composed, form.seen.data or 0, problems, 422 if problems else 200)
    if problems or "preview" in filled:
        return await _write(request, topic, text, form.seen.data or 0, problems or [], 422 if problems else 200)
    return await _save(request, topic, text, form.seen.data or 0)


@page(WRITERS)
async def put_back(request: Request) -> Response:
    """Makes an older version the newest; it must keep today's rules."""
    topic = _own_topic(request)
    form = await PutBack.of(request)
    if not form.validate():
        raise HTTPException(400)
    wanted, seen = form.version.data, form.seen.data
    older = await request.state.database.read(lambda connection: clinic_answers.version_of(connection, topic.label, wanted))
    if older is None:
        raise HTTPException(404)
    problems = await asyncio.to_thread(_problems, older.text) if older.text else []
    if problems:
        return await _write(request, topic, older.text, seen, problems, 422)
    return await _save(request, topic, older.text, seen, f"version {wanted} put back")


def _problems(text: str) -> List[str]:
    """What to change in `text` before patients may read it, kindly."""
    return [
        f"\u201c{broken.words}\u201d: {broken.advice}" if broken.words else broken.advice for broken in reply_rules.broken(text)
    ]


async def _save(request: Request, topic: Topic, text: str, seen: int, how: str = "") -> Response:
    label, by = topic.label, request.state.member.name
    detail = how or ("" if text else "withdrawn")

    def saved(connection: Connection) -> bool:
        present = clinic_answers.history(connection, label)
        if present and present[0].text == text and present[0].version == seen:
            return False
        version = clinic_answers.save(connection, label, text, by, seen)
        staff.note(connection, by, "wrote the clinic's answer", label, f"version {version}" + (f", {detail}" if detail else ""))
        return True

    try:
        changed = await request.state.database.run(saved)
    except clinic_answers.Overtaken:
        versions = await request.state.database.read(lambda connection: clinic_answers.history(connection, label))
        problem = f"{versions[0].written_by if versions else 'Somebody'} saved another version meanwhile. Yours is not saved yet."
        return await _write(request, topic, text, versions[0].version if versions else 0, [problem], 409)
    if not changed:
        return redirect(_address(topic), "Nothing was changed.")
    seconds = int(clinic_answers.REFRESH) * 2
    words = "Saved." if text else "Withdrawn."
    return redirect(_address(topic), f"{words} Patients read it so within {seconds} seconds.")


async def _write(
    request: Request, topic: Topic, text: str, seen: int, problems: Optional[List[str]] = None, status: int = 200
) -> Response:
    form = OwnAnswer.begun(request, text=text, seen=seen)
    form.text.errors = problems or []
    found = _entry(await request.state.database.run(known), topic)
    return render(
        request,
        "answer_own.html",
        status,
        form=form,
        reply=found,
        address=_address(topic),
        preview=review.readings(topic.reply, text) if text and "{" not in text else (),
        words=len(text.split()),
        grade=reply_rules.grade(text) if text else None,
        problems=len(problems or []),
        starter=STARTERS.get(topic.label),
    )


# ---- The list to sign ----


@page(CLINICAL)
async def sign_off_page(request: Request) -> Response:
    """Everything a clinician signs before a release, to print."""
    found, releases = await request.state.database.run(lambda connection: (known(connection), signing.all_releases(connection)))
    values = await asyncio.to_thread(sign_off.contents, found.entries(), said_answers(found.written), time.time())
    release = sign_off.release_in_words(releases, values["digest"])
    return render(request, "sign_off.html", style=None, release=release, **values)


@page(CLINICAL)
async def sign_off_style(_: Request) -> Response:
    """The look of the list."""
    return FileResponse(FOLDER / "sign_off.css", media_type="text/css")


# ---- Names ----


def _topic(request: Request) -> Topic:
    """The topic or single line that the address means; 404 when it has no reply."""
    topic = Topic.of(request.path_params["label"])
    if topic.label != request.path_params["label"] or topic.reply not in names():
        raise HTTPException(404)
    return topic


def _own_topic(request: Request) -> Topic:
    """The topic that the address means; 404 when the clinic can have no own answer on it."""
    topic = _topic(request)
    if not _may_have_own(topic):
        raise HTTPException(404)
    return topic


def _may_have_own(topic: Topic) -> bool:
    """Only where the document says nothing: what it says, and what a crisis needs, is not for a quick edit."""
    return topic.kind == "uncovered"


def _entry(found: Known, topic: Topic) -> Entry:
    return next(entry for entry in found.entries() if entry.name == topic.reply)


def _address(topic: Topic) -> str:
    return f"/staff/answers/{quote(topic.label)}"


NAV = ("Answers", "/staff/answers", CLINICAL)
ROUTES: List[Route] = [
    Route("/staff/answers", list_answers),
    Route("/staff/answers/{label:path}/sign", sign, methods=["POST"]),
    Route("/staff/answers/{label:path}/own", write_own, methods=["GET", "POST"]),
    Route("/staff/answers/{label:path}/put-back", put_back, methods=["POST"]),
    Route("/staff/answers/{label:path}", one_answer),
    Route("/staff/sign-off", sign_off_page),
    Route("/staff/sign-off.css", sign_off_style),
]
