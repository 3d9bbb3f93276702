"""A patient's own data: POST /erase and POST /export with the ticket of the conversation, for channels that issue tickets."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Awaitable, Callable, Dict, Optional, Tuple

from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.channel import address_of, database_of, json_of
from infusion_guide.channels.message import Refused
from infusion_guide.channels.rate_limits import Limited, rate_limits
from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import settings
from infusion_guide.server.bounds import SECONDS
from infusion_guide.storage import privacy
from infusion_guide.storage.database import Database, DatabaseUnavailable
from infusion_guide.storage.sealing import Unreadable

logger = logging.getLogger(__name__)

_TRY_AGAIN = "This did not work, because of a problem on our side. Please try again in a few minutes."

_EXPORTS = ThreadPoolExecutor(1, thread_name_prefix="export")  # one at a time: a long conversation takes memory and a connection

Work = Callable[[Database, str], Awaitable[Dict[str, Any]]]  # (database, conversation) -> what is answered


def add_own_data_routes(blueprint: Blueprint, channel_name: str, after_erasure: Callable[[str], Awaitable[None]]) -> None:
    """Adds the two routes; `after_erasure` is told the conversation that is gone.

    Both take {"session_id": ticket}; whether a conversation exists shows only to its own ticket.
    /erase answers {"erased": true}, also when there was nothing; the ticket opens no conversation any more. /export
    answers what `privacy.export` gives, and the same as `text`. Otherwise {"error": ...}: 400 no ticket, 403 not ours,
    429 too many calls, 503 the database does not answer.
    """

    async def erased(kept: Database, conversation: str) -> Dict[str, Any]:
        await privacy.erase_soon(kept, conversation)
        await after_erasure(conversation)
        return {"erased": True}

    async def exported(kept: Database, conversation: str) -> Dict[str, Any]:
        found = await asyncio.get_running_loop().run_in_executor(_EXPORTS, privacy.export, kept, conversation)
        return {**found, "text": privacy.as_text(found)}

    for name, work in (("erase", erased), ("export", exported)):
        blueprint.add_route(_handler(channel_name, work), f"/{name}", methods=["POST"], name=name)


def add_preflight(app: Sanic, channel_name: str) -> None:
    """Answers browsers, which ask before a page of another website may call the two routes.

    Before routing, which knows no OPTIONS here.
    """
    app.request_middleware.appendleft(_preflight(tuple(f"/webhooks/{channel_name}/{name}" for name in ("erase", "export"))))


def _handler(channel_name: str, work: Work) -> Callable[[Request], Awaitable[HTTPResponse]]:
    async def handle(request: Request) -> HTTPResponse:
        headers = _cross_origin(request)
        try:
            await rate_limits().address(address_of(request))
            conversation = _conversation(request, channel_name)
            return response.json(await asyncio.wait_for(_between_turns(request, conversation, work), SECONDS), headers=headers)
        except Limited as limited:
            headers["Retry-After"] = str(limited.seconds)
            return response.json({"error": "Too many calls. Please wait a minute."}, status=429, headers=headers)
        except Refused as refused:
            return response.json({"error": str(refused)}, status=refused.status, headers=headers)
        except (TimeoutError, DatabaseUnavailable, Unreadable) as error:
            logger.error("A patient's request for %s failed: %s: %s", request.path, type(error).__name__, error)
            return response.json({"error": _TRY_AGAIN}, status=503, headers=headers)

    return handle


def _conversation(request: Request, channel_name: str) -> str:
    body = json_of(request)
    ticket = body.get("session_id") if isinstance(body, dict) else None
    if not isinstance(ticket, str) or not ticket:
        raise Refused(400, "'session_id' is missing: send the one that session_confirm gave.")
    try:
        return identity.conversation_of(channel_name, ticket, erased_too=True)  # the answer may have been lost
    except identity.NotIssued:
        raise Refused(403, "'session_id' was not issued here.") from None


async def _between_turns(request: Request, conversation: str, work: Work) -> Dict[str, Any]:
    """Waits for the turn under way: an answer that is still being written must not come back after the erasure."""
    agent = getattr(request.app.ctx, "agent", None)
    async with agent.lock_store.lock(conversation) if agent else nullcontext():
        return await work(database_of(request.app), conversation)


def _preflight(paths: Tuple[str, ...]) -> Callable[[Request], Awaitable[Optional[HTTPResponse]]]:
    async def answer(request: Request) -> Optional[HTTPResponse]:
        if request.method != "OPTIONS" or request.path not in paths:
            return None
        allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
        return response.empty(headers={**_cross_origin(request), **allowed})

    return answer


def _cross_origin(request: Request) -> Dict[str, str]:
    """Lets pages of ALLOWED_ORIGINS read the answer."""
    origin = request.headers.get("origin")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin in settings().origins else {}
