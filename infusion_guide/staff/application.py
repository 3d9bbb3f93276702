"""The staff pages as one application: every page's routes, the headers of every answer, kind words for every error."""

import logging
from types import ModuleType
from typing import Any, List

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infusion_guide.staff import (
    answers,
    audit,
    conversations,
    first_day,
    live,
    people,
    report,
    requests,
    sign_in,
    signing,
    teaching,
    unanswered,
)
from infusion_guide.staff.access import Guesses, NotSignedIn, page, public_page
from infusion_guide.staff.rendering import FOLDER, render
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.teaching.desk import Desk

logger = logging.getLogger(__name__)

# The pages in the order of the navigation. Each has ROUTES, and NAV: its label, its address and the roles that see it.
PAGES: List[ModuleType] = [requests, conversations, unanswered, answers, teaching, report, people, audit]

STYLESHEET = "/staff/staff.css"
LARGEST_BODY = 64_000  # bytes
GOODBYE = 2  # seconds that a page has to end when the server stops: a stream of live.py never ends by itself
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers then send "Origin: null" with our own forms, too, and could not tell us foreign ones.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_ERRORS = {
    400: ("This could not be read", "Please go back and try once more."),
    403: ("Not allowed", "Your role does not include this page."),
    404: ("Nothing here", "This page does not exist, or what it showed was erased."),
    405: ("Not possible", "This address does something only when its button is pressed."),
    413: ("Too long", "This was more than one page can take, so nothing was saved. Please make it shorter."),
    500: (
        "Something broke",
        "This is our mistake; nothing was changed. Please try once more. If it stays, tell an engineer.",
    ),
    503: ("No answer from the database", "Nothing was changed. Please try again in a minute."),
}


def create(database: Database) -> Starlette:
    """The application on `database`, whose tables are up to date.

    Raises:
        TypeError: a page does not say who may see it (access.page).
    """
    routes = [
        Route("/staff", start),
        Route("/staff/", start),
        Route(STYLESHEET, stylesheet),
        Route("/staff/health", health),
        *live.ROUTES,
        *first_day.ROUTES,
        *signing.ROUTES,
        *sign_in.ROUTES,
        *(route for module in PAGES for route in module.ROUTES),
    ]
    for route in routes:
        if not hasattr(route.endpoint, "roles"):
            raise TypeError(f"{route.path} does not say who may see it: put @page above its handler.")
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Everywhere)],
        exception_handlers={NotSignedIn: sign_in.not_signed_in, HTTPException: _http_error, DatabaseUnavailable: _unavailable},
    )
    app.router.redirect_slashes = False
    app.state.database = database
    app.state.guesses = Guesses()
    app.state.live = live.Live(database)
    app.state.desk = Desk()
    app.state.sorting = {}  # sortings of the desk that nobody has waited for yet (unanswered.py)
    app.state.navigation = [module.NAV for module in PAGES if getattr(module, "NAV", None)]
    return app


@page()
async def start(request: Request) -> Response:
    """The first page of the member's role."""
    role = request.state.member.role
    first = next((url for _, url, roles in request.app.state.navigation if role in roles), "/staff/password")
    return RedirectResponse(first, 303)


@public_page
async def stylesheet(_: Request) -> Response:
    """The look of all pages."""
    return FileResponse(FOLDER / "staff.css", media_type="text/css", headers={"Cache-Control": "public, max-age=300"})


@public_page
async def health(_: Request) -> Response:
    """For whoever restarts this process; says nothing of the database, which a restart does not mend."""
    return PlainTextResponse("ok")


class Everywhere:
    """What holds for every answer: headers, the size of what comes in, and no error without words for a person."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["method"] == "HEAD":
            # For the pages it is a GET, so that none takes it for a form; the server leaves the body out.
            scope = {**scope, "method": "GET"}
        begun, size = False, 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413)
            return message

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                known = {name.lower() for name, _ in message["headers"]}
                extra = {"Cache-Control": "no-store", **HEADERS}
                message["headers"] += [
                    (name.lower().encode(), value.encode()) for name, value in extra.items() if name.lower().encode() not in known
                ]
            await send(message)

        try:
            await self.app(scope, limited, with_headers)
        except Exception as error:
            logger.error("A staff page failed.", exc_info=error)
            if begun:
                raise
            await error_page(Request(scope), 500)(scope, receive, with_headers)


def error_page(request: Request, status: int, words: str = "") -> Response:
    """A page that says what went wrong, and the way back."""
    title, usual = _ERRORS.get(status, _ERRORS[400 if status < 500 else 500])
    return render(request, "error.html", status, title=title, words=words or usual)


async def _http_error(request: Request, error: Any) -> Response:
    words = error.detail if error.status_code == 403 else ""  # ours; others are a library's
    response = error_page(request, error.status_code, words)
    response.headers.update(error.headers or {})
    return response


async def _unavailable(request: Request, error: Any) -> Response:
    logger.warning("A staff page failed: %s", error)
    return error_page(request, 503)


def server(database: Database, host: str, port: int) -> uvicorn.Server:
    """The server of the pages: `run()` serves until it is asked to stop. Nothing of a call is logged."""
    app = create(database)
    quiet = {"log_config": None, "access_log": False, "server_header": False}
    config = uvicorn.Config(
        app, host, port, **quiet, proxy_headers=False, lifespan="off", ws="none", timeout_graceful_shutdown=GOODBYE
    )
    return uvicorn.Server(config)
