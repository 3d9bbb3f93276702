"""Audit log: who saw or changed what, and when."""

from datetime import date, datetime, timedelta
from typing import Any, Dict, Tuple
from urllib.parse import urlencode

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infusion_guide.clinic.clock import clinic_time, clinic_zone
from infusion_guide.report.csv_export import csv_response
from infusion_guide.staff.access import ADMINS, page
from infusion_guide.staff.rendering import page_count, page_number, render
from infusion_guide.storage import accounts as staff

NAV = ("Audit log", "/staff/audit", ADMINS)
A_PAGE = 100
MOST_EXPORTED = 20_000


@page(ADMINS)
async def show(request: Request) -> Response:
    """The log, newest first."""
    asked, wanted, number = _asked(request), _wanted(request), page_number(request.query_params)

    def work(connection: Connection) -> Dict[str, Any]:
        rows, total = staff.noted(connection, *wanted, limit=A_PAGE, offset=(number - 1) * A_PAGE)
        staff.note(connection, request.state.member.name, "saw the audit log", asked["person"] or "everybody")
        return {"rows": rows, "total": total, "people": staff.noted_people(connection)}

    values = await request.state.database.run(work)
    here = urlencode({name: value for name, value in asked.items() if value})
    pages = page_count(values["total"], A_PAGE)
    most = MOST_EXPORTED
    return render(request, "audit.html", **asked, **values, number=number, pages=pages, here=here, most_exported=most)


@page(ADMINS)
async def export(request: Request) -> Response:
    """The same as a file."""
    asked, wanted = _asked(request), _wanted(request)

    def work(connection: Connection) -> Any:
        rows, _ = staff.noted(connection, *wanted, limit=MOST_EXPORTED)
        who = request.state.member.name
        staff.note(connection, who, "exported the audit log", asked["person"] or "everybody", f"{len(rows)} of them")
        return rows

    rows = await request.state.database.run(work)
    table = ((f"{clinic_time(row.at):%Y-%m-%d %H:%M:%S}", row.staff, row.action, row.object, row.detail) for row in rows)
    return csv_response("audit.csv", ("When", "Who", "What", "Of what", "More"), table)


def _asked(request: Request) -> Dict[str, str]:
    """What the address asks for, as the page's fields show it."""
    asked = {name: request.query_params.get(name, "")[:64] for name in ("person", "since", "until")}
    return {**asked, **{name: str(_day(asked[name]) or "") for name in ("since", "until")}}


def _wanted(request: Request) -> Tuple[str, float, float]:
    """Person, and the first and the end of the time asked for, in Unix seconds; days are the clinic's, both included."""
    asked = _asked(request)
    since, until = _day(asked["since"]), _day(asked["until"])
    return asked["person"], _begin(since) if since else 0.0, _begin(until + timedelta(days=1)) if until else 0.0


def _day(words: str) -> Any:
    try:
        found = date.fromisoformat(words)
    except ValueError:
        return None
    return found if 1970 < found.year < 9999 else None


def _begin(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=clinic_zone()).timestamp()


ROUTES = [Route("/staff/audit", show), Route("/staff/audit.csv", export)]
