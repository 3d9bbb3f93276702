"""What the whole web application has, whichever channels are on: limits, headers, health, and an assistant fit for patients."""

import gc
import logging
from typing import Any, Optional

from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.engine.runner.dask import DaskGraphRunner
from sanic import Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.door import MAX_BODY, SECONDS
from infusion_guide.clinic.settings import settings
from infusion_guide.delivery import notices
from infusion_guide.delivery.outbox import deliver_forever
from infusion_guide.engine.actions import actions_at
from infusion_guide.engine.graph_runner import SequentialGraphRunner
from infusion_guide.engine.lock_store import ConversationLocks
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.replies import first_aid, pins
from infusion_guide.server import health
from infusion_guide.server.strict_http import be_strict
from infusion_guide.storage import clinic_answers
from infusion_guide.storage.privacy import purge_daily
from infusion_guide.watch import logs

logger = logging.getLogger(__name__)

# OWASP Secure Headers Project; pages that need more (the widget's demonstration) set their own Content-Security-Policy.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Misconfigured(RuntimeError):
    """The assistant would run, but without what protects patients; the message names the file to fix."""


def protect(app: Sanic) -> None:
    """Sets `app` up; the first channel that is attached calls this, further calls do nothing."""
    if getattr(app.ctx, "protected", False):
        return
    app.ctx.protected = True
    logs.configure_logs()
    app.config.ACCESS_LOG = False
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.REQUEST_MAX_SIZE = MAX_BODY
    app.config.REQUEST_TIMEOUT = 10  # seconds to send a whole request
    app.config.RESPONSE_TIMEOUT = 60  # above the 45 s that Socket.IO waits without a websocket; the door ends turns itself
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = SECONDS + 1
    app.config.PROXIES_COUNT = settings().proxies or None
    app.ctx.fit = False
    app.register_middleware(_hold_until_fit, "request")
    app.register_middleware(_add_headers, "response")
    app.register_listener(_take_rasas_cors_off, "before_server_start")
    app.register_listener(_prepare, "after_server_start")
    be_strict(app)
    health.add_routes(app)
    notices.attach()


async def _take_rasas_cors_off(app: Sanic, _: Any) -> None:
    """Which websites may call is said by the channels (ALLOWED_ORIGINS).

    Rasa's extension, which joins in while the server starts, would answer every browser's question itself, and forbid, and
    add headers to everything.
    """
    for middleware in (app.request_middleware, app.response_middleware):
        for each in [each for each in middleware if each.__module__.startswith("sanic_cors")]:
            middleware.remove(each)


async def _hold_until_fit(request: Request) -> Optional[HTTPResponse]:
    """Sanic lets messages in before `_prepare` has ended; until then they would meet an assistant that may forget them."""
    if request.app.ctx.fit:
        return None
    return response.json({"error": "The assistant is starting. Please try again."}, status=503, headers={"Retry-After": "2"})


async def _add_headers(_: Request, answered: HTTPResponse) -> None:
    for name, value in _HEADERS.items():
        answered.headers.setdefault(name, value)


async def _prepare(app: Sanic, _: Any) -> None:
    logs.configure_logs()  # again: Rasa and Sanic changed theirs after `protect`
    first_aid.warm_up()
    try:
        make_fit(app.ctx.agent)
        await app.ctx.agent.parse_message("hello")  # the first reading of all costs two seconds; no patient should pay them
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not walk through it again and again
        app.ctx.fit = True
        database = app.ctx.agent.tracker_store.database
        for work in (deliver_forever, purge_daily, clinic_answers.refresh_forever):
            app.add_task(work(database), name=work.__name__)  # only what has a name is ended in order when the server stops
    except Misconfigured as error:
        logger.critical("%s", error)
        app.stop()


def make_fit(agent: Agent) -> None:
    """Puts our storage rules, actions and graph runner into a loaded `agent`.

    Raises:
        Misconfigured: Rasa quietly used something else for what endpoints.yml names, or crisis words are not as signed.
    """
    store = agent.tracker_store
    if isinstance(store, FailSafeTrackerStore):
        # It would turn a failing database into empty conversations and keep new messages in memory only.
        store = store._tracker_store
    if not isinstance(store, TrackerStore):
        raise Misconfigured(f"Conversations would be kept in {type(store).__name__}: see tracker_store in endpoints.yml.")
    if not isinstance(agent.lock_store, ConversationLocks):
        raise Misconfigured(f"Turns would be locked by {type(agent.lock_store).__name__}: see lock_store in endpoints.yml.")
    agent.tracker_store = store
    changed = pins.changed()
    if changed:
        raise Misconfigured(changed)
    if agent.processor is None:
        raise Misconfigured("No model is loaded. Run `make train`.")
    agent.processor.tracker_store = store
    agent.action_endpoint = agent.processor.action_endpoint = actions_at(settings().actions_url)
    quicken(agent)


def quicken(agent: Agent) -> None:
    """The part of `make_fit` that only saves time."""
    if agent.processor is not None and isinstance(agent.processor.graph_runner, DaskGraphRunner):
        agent.processor.graph_runner = SequentialGraphRunner.like(agent.processor.graph_runner)
