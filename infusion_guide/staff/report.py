"""The report on the staff pages: any days, the file to pass on, and its tables for a spreadsheet."""

import asyncio
from datetime import date, timedelta
from typing import List, Tuple
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from infusion_guide.clinic.clock import clinic_today
from infusion_guide.report import page as report
from infusion_guide.report.csv_export import csv_response
from infusion_guide.report.figures import Figures, gather
from infusion_guide.report.period import Period, PeriodError
from infusion_guide.staff.access import ROLES, note, page, public_page
from infusion_guide.staff.rendering import render

URL = "/staff/report"
STYLESHEET = f"{URL}/report.css"


@page()
async def show(request: Request) -> Response:
    """The report of the days that the form asks for, with exact numbers; what can be downloaded hides small ones."""
    asked = {name: request.query_params.get(name, "") for name in ("from", "to")}
    today = clinic_today()
    try:
        period = Period.read(asked["from"], asked["to"])
    except PeriodError as error:
        return render(request, "report.html", 400, problem=str(error), asked=asked, quick=_quick(today), body="", links={})
    figures = await gather(request.state.database, period, exact=True)
    days = _query(period.first, period.last)
    links = {"file": f"{URL}/file?{days}", "csv": f"{URL}.csv?{days}"}
    body = await asyncio.to_thread(report.body, figures, f"{links['csv']}&table=", today)
    asked = {"from": str(period.first), "to": str(period.last)}
    return render(request, "report.html", problem="", asked=asked, quick=_quick(today), body=body, links=links)


@page()
async def file(request: Request) -> Response:
    """The report as a file that needs nothing else; saving it is noted in the audit log."""
    figures = await _asked_for(request)
    text = await asyncio.to_thread(report.document, figures, clinic_today())
    await _note(request, figures, "as a page")
    return HTMLResponse(text, headers={"Content-Disposition": f'attachment; filename="{_name(figures)}.html"'})


@page()
async def csv_file(request: Request) -> Response:
    """One table (`table` in the address), or every cell of all tables; saving it is noted in the audit log."""
    figures = await _asked_for(request)
    found, wanted = report.tables(figures), request.query_params.get("table", "")
    if not wanted:
        await _note(request, figures, "all tables")
        return csv_response(f"{_name(figures)}.csv", report.CSV_HEADER, report.csv_rows(found))
    for table in found:
        if table.name == wanted:
            await _note(request, figures, f"table {table.name}")
            return csv_response(f"{_name(figures)}-{table.name}.csv", table.header, table.rows)
    raise HTTPException(404)


@public_page
async def stylesheet(_: Request) -> Response:
    """The look of the report, the same as in its file."""
    return FileResponse(report.STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=300"})


async def _asked_for(request: Request) -> Figures:
    try:
        period = Period.read(request.query_params.get("from"), request.query_params.get("to"))
    except PeriodError as error:
        raise HTTPException(400, str(error)) from None
    return await gather(request.state.database, period)


async def _note(request: Request, figures: Figures, what: str) -> None:
    await note(request, "exported the report", f"{figures.period.first} to {figures.period.last}", what)


def _name(figures: Figures) -> str:
    return f"report-{figures.period.first}-to-{figures.period.last}"


def _query(first: date, last: date) -> str:
    return urlencode({"from": first, "to": last})


def _quick(today: date) -> List[Tuple[str, str]]:
    """Labels and addresses of days that are often asked for."""
    this_month = today.replace(day=1)
    last_month = this_month - timedelta(days=1)
    ranges = {
        "Last 7 days": (today - timedelta(days=6), today),
        "Last 30 days": (today - timedelta(days=29), today),
        "This month": (this_month, today),
        "Last month": (last_month.replace(day=1), last_month),
        "Last 12 months": (today - timedelta(days=364), today),
    }
    return [(label, f"{URL}?{_query(*days)}") for label, days in ranges.items()]


NAV = ("Report", URL, ROLES)
ROUTES = [
    Route(URL, show),
    Route(f"{URL}/file", file),
    Route(f"{URL}.csv", csv_file),
    Route(STYLESHEET, stylesheet),
]
