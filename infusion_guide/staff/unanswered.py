"""Unanswered: missed questions that say the same, side by side; teach them, propose a topic, or leave them."""

import asyncio
import time
from typing import Any, Dict, List, Optional

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from infusion_guide.replies.book import topic_title
from infusion_guide.staff import first_day
from infusion_guide.staff.access import CLINICAL, note, page
from infusion_guide.staff.forms import StaffForm
from infusion_guide.staff.rendering import page_count, page_number, redirect, render
from infusion_guide.storage import accounts as staff
from infusion_guide.storage import misses
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.teaching import waiting
from infusion_guide.teaching.desk import Group, Sorted, redacted, warns
from infusion_guide.teaching.waiting import Line

NAV = ("Unanswered", "/staff/unanswered", CLINICAL)
A_PAGE = 20
_SAMPLES = 3
_ALL_WORDINGS = 200
_DANGEROUS = 50  # shown at once
_PATIENCE = 1.5  # seconds before the hint that sorting takes longer
_LOOK_AGAIN = 2  # seconds
_FRESH = 60.0  # seconds that a sorting nobody waited for may be shown
_DAY = 86400.0
_TOO_LATE = "Nothing was changed: somebody decided about these messages meanwhile."
_REPLIES = {
    "utter_fallback_choices": "asked back, with topics to choose from",
    "utter_fallback_rephrase": "asked for other words",
    "utter_fallback_person": "gave the way to a person",
}


class IdsForm(StaffForm):
    """Which rows are decided about."""

    ids = HiddenField(validators=[Regexp(r"\d{1,18}( \d{1,18})*\Z")])

    @property
    def rows(self) -> List[int]:
        """Row ids."""
        return [int(id) for id in self.ids.data.split()]


class TeachForm(IdsForm):
    """The topic, and the sentences."""

    topic = SelectField("Topic", description="What the assistant should have answered.", validate_choice=False)
    sentences = TextAreaField(
        "Sentences to learn",
        description=(
            f"One on each line, at most {waiting.MOST}. Personal details are taken out already; put something general "
            "where a word in brackets stands, and take out sentences that mean something else."
        ),
    )


class TopicForm(IdsForm):
    """A topic that is missing."""

    name = StringField(
        "Name of the new topic",
        description="A few words, as a patient would call it.",
        validators=[InputRequired("Please give it a name."), Length(2, 60, "A name has 2 to 60 characters.")],
    )
    why = TextAreaField(
        "Why it is needed",
        description="Who writes the answer, and what it should say. No patient's words here.",
        validators=[InputRequired("Please say why."), Length(2, 180, "Please say it in 2 to 180 characters.")],
    )


# ---- Looking ----


@page(CLINICAL)
async def show_list(request: Request) -> Response:
    """Groups, the most frequent first."""
    reason = request.query_params.get("reason", "")
    reason = reason if reason in misses.REASONS else ""
    found = await _sorted(request, reason)
    if found is None:
        response = render(request, "unanswered_sorting.html", left=request.app.state.desk.sorter.left)
        response.headers["Refresh"] = str(_LOOK_AGAIN)
        return response
    pages = page_count(len(found.groups), A_PAGE)
    number = min(page_number(request.query_params), pages)
    groups = found.groups[(number - 1) * A_PAGE : number * A_PAGE]
    cards = await asyncio.to_thread(lambda: [_card(group, _SAMPLES) for group in groups])
    dangerous = await asyncio.to_thread(lambda: [_danger(miss) for miss in found.dangerous[:_DANGEROUS]])
    shown = f"{sum(len(group.misses) for group in groups)} messages"
    await note(request, "saw missed questions", shown)
    return render(
        request,
        "unanswered.html",
        cards=cards,
        dangerous=dangerous,
        found=found,
        reason=reason,
        reasons=misses.REASONS,
        number=number,
        pages=pages,
        days=misses.DAYS,
        first_day=None if cards or dangerous or reason else await first_day.known(request),
    )


@page(CLINICAL)
async def show_group(request: Request) -> Response:
    """One group with all its wordings, and what can be done with it."""
    group = await _group(request)
    if group is None:
        return redirect("/staff/unanswered", "These messages are not here any more: decided about, erased, or too old.")
    return await _group_page(request, group)


async def _group_page(request: Request, group: Group, status: int = 200, **forms: StaffForm) -> Response:
    wordings = await asyncio.to_thread(group.wordings, _ALL_WORDINGS)
    labels = {label for labels in waiting.topics().values() for label in labels}
    guess = group.guess if group.guess in labels else ""
    ids = " ".join(map(str, group.ids))
    prefilled = "\n".join(wordings[: waiting.MOST])
    teach = forms.get("teach") or TeachForm.begun(request, ids=ids, topic=guess, sentences=prefilled)
    new_topic = forms.get("new_topic") or TopicForm.begun(request, ids=ids)
    teach.topic.choices = _choices()
    await note(request, "saw missed questions", f"{len(group.misses)} messages")
    return render(
        request,
        "unanswered_group.html",
        status,
        card=_card(group, 0),
        wordings=wordings,
        group=group,
        ids=ids,
        teach=teach,
        new_topic=new_topic,
        can_teach=waiting.can_write(),
        reasons=misses.REASONS,
    )


def _choices() -> Dict[str, Any]:
    """The options of the topic's list, by kind."""
    found: Dict[str, Any] = {"Not chosen yet": [("", "Choose a topic")]}
    for kind, labels in waiting.topics().items():
        if labels:
            options = [(label, topic_title(label)) for label in labels]
            found[waiting.KINDS.get(kind, kind)] = sorted(options, key=lambda option: option[1])
    return found


def _card(group: Group, samples: int) -> Dict[str, Any]:
    """What the list says of a group."""
    return {
        "id": group.id,
        "ids": " ".join(map(str, group.ids)),
        "count": len(group.misses),
        "last": group.misses[0].at,
        "reasons": group.reasons,
        "samples": group.wordings(samples) if samples else [],
        "said": _said(group.said),
        "guess": topic_title(group.guess) if group.guess else "",
    }


def _danger(miss: misses.Miss) -> Dict[str, Any]:
    return {"id": miss.id, "at": miss.at, "reason": miss.reason, "words": redacted(miss.words), "said": _said(miss.said)}


def _said(name: str) -> str:
    """What the assistant did, in words for staff."""
    known = next((words for prefix, words in _REPLIES.items() if name.startswith(prefix)), "")
    return known or f"answered on {topic_title(name)}"


async def _sorted(request: Request, reason: str = "") -> Optional[Sorted]:
    """The desk; None when sorting takes longer than _PATIENCE. Then it goes on, and the next look finds it done."""
    sorting = request.app.state.sorting
    begun, task = sorting.pop(reason, (0.0, None))
    if task is None or time.monotonic() - begun > _FRESH:
        begun, task = time.monotonic(), asyncio.ensure_future(_sort(request, reason))
    done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
    if done:
        return task.result()
    sorting[reason] = (begun, task)
    return None


async def _sort(request: Request, reason: str = "") -> Sorted:
    since = time.time() - misses.DAYS * _DAY
    rows = await request.state.database.read(lambda connection: misses.undecided(connection, since, reason))
    return await asyncio.to_thread(request.app.state.desk.sort, rows)


async def _group(request: Request) -> Optional[Group]:
    found = await _sort(request)
    wanted = request.path_params["id"]
    return next((group for group in found.groups if wanted in group.ids), None)


# ---- Deciding ----


@page(CLINICAL)
async def teach(request: Request) -> Response:
    """Puts sentences on the list that the next trial tries."""
    form = await TeachForm.of(request)
    group = await _group(request)
    if group is None:
        return redirect("/staff/unanswered", _TOO_LATE)
    form.topic.choices = _choices()
    sentences = waiting.tidy(form.sentences.data or "")
    topic = form.topic.data or ""
    if not form.validate():
        raise HTTPException(400)
    fresh = await asyncio.to_thread(_problems, form, sentences, topic)
    if form.topic.errors or form.sentences.errors:
        return await _group_page(request, group, 422, teach=form)
    at = _now()
    lines = [Line(topic, text, request.state.member.name, waiting.utc(at)) for text in fresh]
    added = await asyncio.to_thread(waiting.add, lines)
    try:
        changed = await _decide(request, form.rows, "taught", topic, at, f"taught {len(lines)} sentences")
    except DatabaseUnavailable:
        await asyncio.to_thread(waiting.remove, lambda line: line in added)
        raise
    if not changed:
        await asyncio.to_thread(waiting.remove, lambda line: line in added)
        return redirect("/staff/unanswered", _TOO_LATE)
    name = topic_title(topic)
    if not fresh:
        return redirect("/staff/unanswered", f"The assistant knows these sentences already, for the topic {name}.")
    many = "1 sentence waits" if len(fresh) == 1 else f"{len(fresh)} sentences wait"
    return redirect("/staff/unanswered", f"{many} for the next trial, for the topic {name}. See Teaching.")


def _problems(form: TeachForm, sentences: List[str], topic: str) -> List[str]:
    """Ties what is wrong to the form's fields; the sentences that the topic does not know yet."""
    form.topic.errors, form.sentences.errors = [], []
    if not waiting.can_write():
        form.sentences.errors.append("Nothing can be taught here; the Teaching page says where.")
        return []
    if not topic:
        form.topic.errors.append("Please choose a topic.")
        return []
    if not sentences:
        form.sentences.errors.append("Please write at least one sentence, or choose Ignore.")
    if len(sentences) > waiting.MOST:
        form.sentences.errors.append(f"At most {waiting.MOST} sentences at a time; these are {len(sentences)}.")
        return []
    checks = waiting.Checks(redacted, warns)
    for number, sentence in enumerate(sentences, start=1):
        problem = checks.complaint(sentence, topic)
        if problem:
            form.sentences.errors.append(f"Sentence {number}: {problem}")
    return [sentence for sentence in sentences if not checks.is_trained(sentence, topic)]


@page(CLINICAL)
async def new_topic(request: Request) -> Response:
    """Keeps the proposal of a topic with the messages that ask for it."""
    form = await TopicForm.of(request)
    group = await _group(request)
    if group is None:
        return redirect("/staff/unanswered", _TOO_LATE)
    form.validate()
    for field in (form.name, form.why):
        if field.data and not field.errors and await asyncio.to_thread(redacted, field.data) != " ".join(field.data.split()):
            field.errors = ["This may tell who somebody is. Please say it in general words."]
    if form.name.errors or form.why.errors or form.ids.errors:
        return await _group_page(request, group, 422, new_topic=form)
    topic = f"{' '.join(form.name.data.split())}: {' '.join(form.why.data.split())}"
    changed = await _decide(request, form.rows, "new_topic", topic, _now(), "proposed a topic")
    return redirect("/staff/unanswered", "The proposal is kept; see Decided." if changed else _TOO_LATE)


@page(CLINICAL)
async def ignore(request: Request) -> Response:
    """Leaves the messages as they are."""
    form = await IdsForm.of(request)
    if not form.validate():
        raise HTTPException(400)
    changed = await _decide(request, form.rows, "ignored", None, _now(), "ignored missed questions")
    return redirect("/staff/unanswered", "Done. They are on the list Decided." if changed else _TOO_LATE)


async def _decide(request: Request, ids: List[int], decision: str, topic: Optional[str], at: float, action: str) -> int:
    name = request.state.member.name

    def work(connection: Connection) -> int:
        changed = misses.decide(connection, ids, decision, topic, name, at)
        if changed:
            # Not the proposal's words: nobody checks them as well as a topic's name.
            detail = topic if decision == "taught" else None
            staff.note(connection, name, action, f"{changed} missed questions", detail)
        return changed

    return int(await request.state.database.run(work))


def _now() -> float:
    """Now, in whole milliseconds: with the member's name the name of a decision."""
    return round(time.time(), 3)


# ---- What was decided ----


@page(CLINICAL)
async def show_decided(request: Request) -> Response:
    """The latest decisions, each with its way back."""
    rows = await request.state.database.read(misses.decided)
    return render(request, "unanswered_decided.html", rows=[(row, _what(row)) for row in rows])


def _what(row: Any) -> str:
    if row.decision == "taught":
        return f"Taught: {topic_title(row.topic)}"
    return f"New topic. {row.topic}" if row.decision == "new_topic" else "Ignored"


@page(CLINICAL)
async def undo(request: Request) -> Response:
    """Takes a decision back, and its sentences off the list of those that wait."""
    filled = await request.form()
    try:
        at, by = float(str(filled.get("at"))), str(filled.get("by"))
    except ValueError:
        raise HTTPException(400) from None
    name = request.state.member.name

    def work(connection: Connection) -> Optional[str]:
        decision = misses.undo(connection, by, at)
        if decision:
            staff.note(connection, name, "took back a decision", decision, f"of {by}")
        return decision

    decision = await request.state.database.run(work)
    if decision is None:
        return redirect("/staff/unanswered/decided", _TOO_LATE)
    if decision != "taught":
        return redirect("/staff/unanswered/decided", "Taken back. The messages are on the list again.")
    own = (by, waiting.utc(at))
    gone = await asyncio.to_thread(waiting.remove, lambda line: (line.taught_by, line.on) == own and not line.withdraw)
    live = "" if gone else " What went live already is taken out on the Teaching page."
    return redirect("/staff/unanswered/decided", f"Taken back. The messages are on the list again.{live}")


ROUTES = [
    Route("/staff/unanswered", show_list),
    Route("/staff/unanswered/ignore", ignore, methods=["POST"]),
    Route("/staff/unanswered/decided", show_decided),
    Route("/staff/unanswered/undo", undo, methods=["POST"]),
    Route("/staff/unanswered/{id:row}", show_group),
    Route("/staff/unanswered/{id:row}/teach", teach, methods=["POST"]),
    Route("/staff/unanswered/{id:row}/new-topic", new_topic, methods=["POST"]),
]
