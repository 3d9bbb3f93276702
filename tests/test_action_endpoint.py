"""An action server that does not do its part ends the turn; it never leads to a confirmation."""

import asyncio
import time

import pytest
from aiohttp import web
from rasa.utils.endpoints import ClientResponseError

from infusion_guide.engine import action_endpoint
from infusion_guide.engine.action_endpoint import ActionEndpoint, TurnAborted
from infusion_guide.storage.turn import Turn, current_turn


@pytest.fixture
async def server():
    """Starts an action server that answers with `handler`; gives its endpoint."""
    runners = []

    async def start(handler):
        app = web.Application()
        app.router.add_post("/webhook", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return ActionEndpoint(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/webhook")

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_good_answer_comes_through_with_the_same_key_each_time(server):
    keys = []

    async def handle(request):
        keys.append(request.headers.get("Idempotency-Key"))
        return web.json_response({"events": [], "responses": []})

    endpoint = await server(handle)
    current_turn.set(Turn("m1"))
    assert await endpoint.request(json={}) == {"events": [], "responses": []}
    await endpoint.request(json={})
    assert keys == ["m1", "m1"]


@pytest.mark.parametrize("status", [500, 503, 404])
async def test_an_error_ends_the_turn(server, status):
    async def handle(_):
        return web.json_response({}, status=status)

    with pytest.raises(TurnAborted, match=str(status)):
        await (await server(handle)).request(json={})


async def test_a_form_may_still_leave_the_decision_to_the_policies(server):
    async def handle(_):
        return web.json_response({"error": "rejected", "action_name": "f"}, status=400)

    with pytest.raises(ClientResponseError):
        await (await server(handle)).request(json={})


async def test_a_slow_server_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(action_endpoint, "SECONDS", 0.2)

    async def handle(_):
        await asyncio.sleep(5)

    started = time.monotonic()
    with pytest.raises(TurnAborted, match="did not answer"):
        await (await server(handle)).request(json={})
    assert time.monotonic() - started < 2


async def test_nobody_there_and_nonsense_end_the_turn(server):
    with pytest.raises(TurnAborted, match="cannot be reached"):
        await ActionEndpoint("http://127.0.0.1:1/webhook").request(json={})

    async def handle(_):
        return web.Response(text="no json")

    with pytest.raises(TurnAborted, match="no result"):
        await (await server(handle)).request(json={})


def test_rasa_cannot_swallow_it():
    assert not issubclass(TurnAborted, Exception)
