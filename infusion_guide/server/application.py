"""What the whole web application has, whichever channels are on: limits, headers, health, and what runs beside the talk."""

import gc
import logging
import re
import sys
from typing import Any, Optional

from sanic import Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.clinic.settings import settings
from infusion_guide.delivery import notices
from infusion_guide.delivery.outbox import deliver_forever
from infusion_guide.engine.agent import Misconfigured, set_up
from infusion_guide.replies import first_aid
from infusion_guide.server import health
from infusion_guide.server.bounds import MAX_BODY, SECONDS
from infusion_guide.server.strict_http import be_strict
from infusion_guide.storage import clinic_answers
from infusion_guide.storage.ended import watch_ended
from infusion_guide.storage.privacy import purge_daily
from infusion_guide.watch import logs

logger = logging.getLogger(__name__)

# Seconds after which Python lets another thread go on: the one that reads for danger stops many times in each text, and with
# Python's own 0.005 it stood still beside a busy talk.
_SWITCH = 0.0005
_MESSAGES = re.compile("/webhooks/[^/]+/webhook")

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


def protect(app: Sanic) -> None:
    """Sets `app` up, before any channel is opened."""
    logs.configure_logs()
    app.config.ACCESS_LOG = False
    # libuv takes one connection in each round of its loop since 1.45: behind turns of 20 ms callers waited unseen for half a
    # minute, and nobody could be refused. asyncio's own loop takes all of them; the talk is as fast.
    app.config.USE_UVLOOP = False
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.REQUEST_MAX_SIZE = MAX_BODY
    app.config.REQUEST_TIMEOUT = 10  # seconds to send a whole request
    app.config.RESPONSE_TIMEOUT = 60  # above the 45 s that Socket.IO waits without a websocket; the door ends turns itself
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = SECONDS + 1
    app.config.PROXIES_COUNT = settings().proxies or None
    app.ctx.ready = False
    app.register_middleware(_hold_until_ready, "request")
    app.register_middleware(_add_headers, "response")
    app.register_listener(_prepare, "after_server_start")
    be_strict(app)
    health.add_routes(app)
    notices.attach()


async def _hold_until_ready(request: Request) -> Optional[HTTPResponse]:
    """Sanic lets calls in before `_prepare` has ended; until then they would meet an assistant that may forget them.

    Messages pass: the door reads them for danger, and says to all others that they come too early.
    """
    if request.app.ctx.ready or (request.method == "POST" and _MESSAGES.fullmatch(request.path)):
        return None
    return response.json({"error": "The assistant is starting. Please try again."}, status=503, headers={"Retry-After": "2"})


async def _add_headers(_: Request, answered: HTTPResponse) -> None:
    for name, value in _HEADERS.items():
        answered.headers.setdefault(name, value)


async def _prepare(app: Sanic, _: Any) -> None:
    logs.configure_logs()  # again: Rasa and Sanic changed theirs after `protect`
    first_aid.warm_up()
    try:
        set_up(app.ctx.agent)
        await app.ctx.agent.parse_message("hello")  # the first reading of all costs two seconds; no patient should pay them
        sys.setswitchinterval(_SWITCH)
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not walk through it again and again
        app.ctx.ready = True
        database = app.ctx.agent.tracker_store.database
        for work in (deliver_forever, purge_daily, clinic_answers.refresh_forever, watch_ended):
            app.add_task(work(database), name=work.__name__)  # only what has a name is ended in order when the server stops
    except Misconfigured as error:
        logger.critical("%s", error)
        app.stop()
