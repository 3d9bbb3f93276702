"""A new channel is one small class: the door, the limits and the protection come with it."""

import asyncio

import aiohttp
import pytest
from sanic import Sanic, response

from infusion_guide.channels import identity
from infusion_guide.channels.channel import Channel
from infusion_guide.channels.door import MAX_BODY, Incoming
from infusion_guide.ports import free_port
from infusion_guide.storage.turn import current_turn


class Pigeons(Channel):
    """Messages that arrive by pigeon; the ring says who sent them."""

    @classmethod
    def name(cls):
        return "pigeons"

    def routes(self, blueprint, reply_to):
        @blueprint.post("/webhook")
        async def receive(request):
            conversation = identity.conversation_with("pigeons", request.json["ring"])
            found = await reply_to(Incoming(conversation, request.json["note"], "pigeons"))
            return response.json([reply["text"] for reply in found.replies], status=found.status)


@pytest.fixture
async def pigeons(monkeypatch):
    """The address of a running application with this one channel; `heard` are the messages that reached Rasa."""
    monkeypatch.setattr(identity, "secret", lambda: b"k" * 32)
    monkeypatch.setattr(Sanic, "test_mode", True)  # otherwise only the first application of a process starts
    heard = []

    async def on_new_message(message):
        heard.append((message.sender_id, message.text, message.input_channel))
        if message.text == "break":
            raise RuntimeError
        await message.output_channel.send_response(message.sender_id, {"text": f"You said: {message.text}"})
        current_turn.get().stored = True

    app = Sanic(f"pigeons_{free_port()}")  # Sanic knows each name once
    app.blueprint(Pigeons.from_credentials(None).blueprint(on_new_message), url_prefix="/webhooks/pigeons")
    app.listeners["after_server_start"].clear()  # this application has no assistant to make fit
    app.ctx.fit = True
    port = free_port()
    server = await app.create_server(host="127.0.0.1", port=port, return_asyncio_server=True, access_log=False)
    await server.startup()
    async with aiohttp.ClientSession() as session:
        yield session, f"http://127.0.0.1:{port}", heard
    server.close()
    await asyncio.sleep(0)


async def test_it_talks_and_its_ids_are_its_own(pigeons):
    session, url, heard = pigeons
    async with session.post(f"{url}/webhooks/pigeons/webhook", json={"ring": "+15555550123", "note": "hello"}) as answered:
        assert await answered.json() == ["You said: hello"]
        assert answered.headers["X-Content-Type-Options"] == "nosniff"
    (conversation, text, channel) = heard[0]
    assert conversation.startswith("pigeons:") and "5555550123" not in conversation and (text, channel) == ("hello", "pigeons")


async def test_failures_limits_and_health_come_with_the_base(pigeons):
    session, url, _ = pigeons
    async with session.post(f"{url}/webhooks/pigeons/webhook", json={"ring": "r", "note": "break"}) as answered:
        assert answered.status == 503 and "988" in (await answered.json())[0]
    async with session.post(f"{url}/webhooks/pigeons/webhook", data=b"x" * (MAX_BODY + 1)) as answered:
        assert answered.status == 413
    async with session.get(f"{url}/health") as answered:
        assert answered.status == 200
