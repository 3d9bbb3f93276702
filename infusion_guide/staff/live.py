"""New requests and crises reach a page that stands open, by server-sent events (staff.js listens).

An event holds numbers alone. What stands open is no work of a member: neither the stream nor what it fetches makes a
session last longer, and both end with it.
"""

import asyncio
import functools
import json
import logging
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, AsyncIterator, Iterator, Optional, Sequence

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from infusion_guide.staff.access import COOKIE, ELSEWHERE, ROLES, Handler, Member, public_page
from infusion_guide.staff.rendering import FOLDER
from infusion_guide.storage import accounts, desk
from infusion_guide.storage.database import Database, DatabaseUnavailable

logger = logging.getLogger(__name__)

EVENTS, SCRIPT = "/staff/events", "/staff/staff.js"
LOOK = 1.0  # seconds between two looks at the database while somebody listens
BEAT = 15.0  # seconds after which a stream says that it lives, and asks whether its member is still signed in
RECONNECT = 3000  # milliseconds after which a browser whose stream broke tries again
MOST = 200  # streams of one process
_LATER = 20.0  # seconds after which something may be due that nobody changed


class _Seen(Exception):
    """Carries a session out of a transaction that is rolled back."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session


async def look_at_session(request: Request) -> Optional[Member]:
    """Who is signed in, None when nobody is; unlike a page, a look from here does not make the session last longer."""
    token = request.cookies.get(COOKIE, "")

    def work(connection: Connection) -> None:
        raise _Seen(accounts.session(connection, token, time.time()))

    try:
        await request.app.state.database.run(work)
    except _Seen as seen:
        found = seen.session
        return Member(found.staff_id, found.name, found.role) if found and not found.must_change else None
    return None


def quiet_page(roles: Sequence[str] = ROLES) -> Any:
    """As access.page for a GET that a script makes by itself: no redirect, and the session does not last longer for it."""

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def guarded(request: Request) -> Response:
            if request.headers.get("sec-fetch-site") in ELSEWHERE:
                return PlainTextResponse("", 403)
            if "\0" in "".join(request.query_params.values()):
                return PlainTextResponse("", 400)
            member = await look_at_session(request)
            if member is None or member.role not in roles:
                words = "You are signed out." if member is None else "Your role does not include this page."
                return PlainTextResponse(words, 401 if member is None else 403)
            request.state.member, request.state.database = member, request.app.state.database
            return await handler(request)

        guarded.roles, guarded.quiet = tuple(roles), True  # type: ignore[attr-defined]
        return guarded

    return decorate


class Live:
    """Looks at the database once a second while anybody listens, whoever many they are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners = 0
        self._task: Optional["asyncio.Task[None]"] = None
        self._changed = asyncio.Event()
        self.state: Optional[desk.State] = None

    @property
    def full(self) -> bool:
        """Whether nobody more can listen."""
        return self._listeners >= MOST

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._listeners += 1
        if self._task is None or self._task.done():
            self.state, self._changed = None, asyncio.Event()
            self._task = asyncio.ensure_future(self._look())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners and self._task:
                self._task.cancel()

    async def states(self) -> AsyncIterator[Optional[desk.State]]:
        """Each new state, the present one first; None where nothing has changed for BEAT seconds."""
        with self._listening():
            told: Optional[desk.State] = None
            while True:
                changed = self._changed
                if self.state is not None and self.state != told:
                    told = self.state
                    yield told
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), BEAT)
                except TimeoutError:
                    yield None

    async def _look(self) -> None:
        marks, looked, failed = None, 0.0, False
        while True:
            try:
                now = time.time()
                newest = await self._database.read(desk.marks)
                if newest != marks or now - looked > _LATER:
                    state = await self._database.read(lambda connection, now=now: desk.state(connection, now))
                    marks, looked, failed = newest, now, False
                    if state != self.state:
                        self.state = state
                        self._changed.set()
                        self._changed = asyncio.Event()
            except DatabaseUnavailable as error:
                if not failed:
                    logger.warning("Open staff pages hear nothing new: %s", error)
                failed = True
            await asyncio.sleep(LOOK)


@quiet_page()
async def events(request: Request) -> Response:
    """The stream of a page that stands open."""
    live: Live = request.app.state.live
    if live.full:
        return PlainTextResponse("", 503, {"Retry-After": "60"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter: nginx passes each event on at once
    return StreamingResponse(_stream(request, live), media_type="text/event-stream", headers=headers)


async def _stream(request: Request, live: Live) -> AsyncIterator[str]:
    yield f"retry: {RECONNECT}\n\n"
    checked = time.monotonic()
    async for state in live.states():
        if time.monotonic() - checked >= BEAT or state is None:
            checked = time.monotonic()
            if not await _still_in(request):
                yield "event: signed-out\ndata: {}\n\n"
                return
        yield f"data: {json.dumps(asdict(state))}\n\n" if state else ": still here\n\n"


async def _still_in(request: Request) -> bool:
    try:
        return await look_at_session(request) is not None
    except DatabaseUnavailable:  # nobody knows; the next look will
        return True


@public_page
async def script(_: Request) -> Response:
    """The script of all pages."""
    return FileResponse(FOLDER / "staff.js", media_type="text/javascript", headers={"Cache-Control": "public, max-age=300"})


ROUTES = [Route(EVENTS, events), Route(SCRIPT, script)]
