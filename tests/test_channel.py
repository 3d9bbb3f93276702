"""A new channel is one small class: the door, the limits and the protection come with it."""

import aiohttp
import pytest
from sanic import response

from infusion_guide.channels.channel import Channel
from infusion_guide.channels.message import Message
from infusion_guide.clinic import identity
from infusion_guide.server.bounds import MAX_BODY
from tests.application import application


class Pigeons(Channel):
    """Messages that arrive by pigeon; the ring says who sent them."""

    name = "pigeons"

    def routes(self, blueprint, reply_to):
        @blueprint.post("/webhook")
        async def receive(request):
            conversation = identity.conversation_with("pigeons", request.json["ring"])
            found = await reply_to(Message(conversation, request.json["note"], "pigeons"))
            return response.json([reply.text for reply in found.replies], status=found.status)


@pytest.fixture
async def pigeons(monkeypatch):
    """A client, the address of the application, and what reached Rasa."""
    async with application(Pigeons(), monkeypatch) as (url, heard), aiohttp.ClientSession() as session:
        yield session, url, heard


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
