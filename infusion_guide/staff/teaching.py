"""Teaching: what waits for a trial, how the last trial ended, what staff have taught so far."""

import asyncio
import time
from typing import Any, Dict, List

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infusion_guide.replies.book import topic_title
from infusion_guide.staff.access import ADMINS, CLINICAL, note, page
from infusion_guide.staff.rendering import redirect, render
from infusion_guide.storage import taught as room
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.teaching import command, trial, waiting
from infusion_guide.teaching.waiting import Line

NAV = ("Teaching", "/staff/teaching", CLINICAL)
_LOOK_AGAIN = 10  # seconds
_HERE = "/staff/teaching"


@page(CLINICAL)
async def show(request: Request) -> Response:
    """The whole page; it looks again by itself only while a trial runs and somebody asked for it (?watch=on)."""
    values = await asyncio.to_thread(_known)
    watching = bool(values["running"] and request.query_params.get("watch"))
    response = render(request, "teaching.html", watching=watching, seconds=_LOOK_AGAIN, **values)
    if watching:
        response.headers["Refresh"] = str(_LOOK_AGAIN)
    return response


def _known() -> Dict[str, Any]:
    last = trial.state()
    running = trial.is_running()
    problem = ""
    lines: List[Line] = []
    try:
        lines = waiting.waiting()
    except ValueError as error:
        problem = str(error)
    taken_out = {(line.topic, line.text) for line in lines if line.withdraw}
    return {
        "last": last,
        "running": running,
        "lines": lines,
        "problem": problem,
        "impossible": command.impossible(),
        "steps": trial.STEPS,
        "figures": _figures(last),
        "outcomes": _outcomes(last),
        "taught": {label: [(text, (label, text) in taken_out) for text in texts] for label, texts in room.taught().items()},
        "title": topic_title,
        "margin": trial.MARGIN,
    }


def _figures(last: trial.State) -> List[Dict[str, Any]]:
    """Rows of the table before and after; `after` is None where the trial did not come so far."""
    after = {row[0]: row for row in last.get("after", [])}
    return [
        {"name": name, "before": rate, "count": count, "bound": bound, "after": after[name][1] if name in after else None}
        | {"holds": after[name][4] if name in after else holds}
        for name, rate, count, bound, holds in last.get("before", [])
    ]


def _outcomes(last: trial.State) -> List[Dict[str, Any]]:
    """One for each line of the last trial: what the new assistant makes of it."""
    answered = last.get("answered") or [None] * len(last.get("lines", []))
    return [{"line": Line(**line), "answered": label} for line, label in zip(last.get("lines", []), answered)]


@page(ADMINS)
async def start(request: Request) -> Response:
    """Starts a trial in the background."""
    reason = await asyncio.to_thread(command.impossible)
    if reason:
        return redirect(_HERE, f"Nothing was started. {reason}")
    if await asyncio.to_thread(trial.is_running):
        return redirect(f"{_HERE}?watch=on", "A trial is running already.")
    if not await asyncio.to_thread(waiting.waiting):
        return redirect(_HERE, "Nothing is waiting.")
    await note(request, "started a trial", "waiting sentences")
    begun = await asyncio.to_thread(command.start)
    if not begun:
        return redirect(_HERE, "The trial did not start. An engineer finds why in results/teaching.log.")
    return redirect(f"{_HERE}?watch=on", "The trial has begun. You may close this page.")


@page(CLINICAL)
async def remove(request: Request) -> Response:
    """Takes a sentence off the list of those that wait."""
    chosen = await _chosen(request)
    gone = await asyncio.to_thread(waiting.remove, lambda line: line.key == chosen.key)
    if gone:
        try:
            await note(request, "took a sentence off the list", chosen.topic)
        except DatabaseUnavailable:  # nothing is changed that the audit log does not tell
            await asyncio.to_thread(waiting.add, gone)
            raise
    return redirect(_HERE, "It is off the list." if gone else "It was not on the list any more.")


@page(CLINICAL)
async def withdraw(request: Request) -> Response:
    """Puts on the list that a taught sentence is to be taken out; a trial decides that, too."""
    chosen = await _chosen(request)
    if chosen.text not in (await asyncio.to_thread(room.taught)).get(chosen.topic, []):
        return redirect(_HERE, "This sentence is not among those that were taught.")
    await note(request, "asked to take a sentence out", chosen.topic)
    await asyncio.to_thread(waiting.add, [chosen])
    return redirect(_HERE, "The next trial tries the assistant without this sentence.")


async def _chosen(request: Request) -> Line:
    filled = await request.form()
    topic, text = str(filled.get("topic") or ""), str(filled.get("text") or "")
    if not topic or not text:
        raise HTTPException(400)
    out = request.url.path.endswith("/withdraw") or filled.get("withdraw") == "yes"
    return Line(topic, text, request.state.member.name, waiting.utc(time.time()), withdraw=out)


ROUTES = [
    Route(_HERE, show),
    Route(f"{_HERE}/start", start, methods=["POST"]),
    Route(f"{_HERE}/remove", remove, methods=["POST"]),
    Route(f"{_HERE}/withdraw", withdraw, methods=["POST"]),
]
