"""/health: the process lives. /ready: everything that an answer needs is there. /metrics: for Prometheus."""

import asyncio
import hmac
import time
from typing import Any, Dict

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sanic import Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.clinic.settings import settings
from infusion_guide.watch.metrics import registry, surroundings

_SECONDS = 2.0  # for one check
_REMEMBERED = 1.0  # seconds that an answer of /ready is given again: each costs the database and others a call


def add_routes(app: Sanic) -> None:
    """Adds the three routes to `app`."""
    app.add_route(_health, "/health", methods=["GET"])
    app.add_route(_ready, "/ready", methods=["GET"])
    app.add_route(_metrics, "/metrics", methods=["GET"])


async def _health(_: Request) -> HTTPResponse:
    return response.json({"status": "alive"})


async def _ready(request: Request) -> HTTPResponse:
    at, parts = getattr(request.app.ctx, "readiness", (0.0, {}))
    if not parts or time.monotonic() - at > _REMEMBERED:
        parts = await readiness(request.app.ctx.agent)
        request.app.ctx.readiness = (time.monotonic(), parts)
    return response.json(parts, status=200 if all(parts.values()) else 503)


async def _metrics(request: Request) -> HTTPResponse:
    if not _may_read(request):
        return response.json({"error": "Send 'Authorization: Bearer <METRICS_TOKEN>'."}, status=401)
    await surroundings.look(request.app.ctx.agent, readiness)
    return response.raw(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: Request) -> bool:
    token = settings().metrics_token
    if not token:
        return request.ip in ("127.0.0.1", "::1") and not request.headers.get("x-forwarded-for")
    return hmac.compare_digest((request.token or "").encode("utf-8", "replace"), token.encode())


async def readiness(agent: Any) -> Dict[str, bool]:
    """Whether model, database, lock store and actions do their part."""
    names = ("model", "database", "lock", "actions")
    checks = (_model(agent), _database(agent), agent.lock_store.answers(), agent.action_endpoint.answers())
    found = await asyncio.gather(*(asyncio.wait_for(check, _SECONDS + 0.5) for check in checks), return_exceptions=True)
    return {name: value is True for name, value in zip(names, found)}


async def _model(agent: Any) -> bool:
    return bool(agent.is_ready())


async def _database(agent: Any) -> bool:
    counted = sa.text("SELECT count(*) FROM alembic_version")  # its tables are there too
    return await agent.tracker_store.database.run(lambda connection: connection.execute(counted).scalar()) == 1
