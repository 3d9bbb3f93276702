"""The website's channel, over real Socket.IO connections."""

import asyncio

import aiohttp
import pytest
from sanic.http import Http

from infusion_guide.channels.web import WebChannel
from tests.application import application


@pytest.fixture
async def web(monkeypatch):
    """The address of an application with this channel, and what reached Rasa."""
    async with application(WebChannel(), monkeypatch) as found:
        yield found


async def test_a_websocket_that_ended_gets_no_http_answer(web, monkeypatch):
    url, _ = web
    ended, sent = asyncio.Event(), []
    original = Http.http1

    async def watched(self):
        send, self._send = self._send, lambda data: sent.append(data) or send(data)
        await original(self)
        ended.set()

    monkeypatch.setattr(Http, "http1", watched)
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket") as socket:
        assert (await socket.receive_str()).startswith("0{")
    await asyncio.wait_for(ended.wait(), 5)
    assert sent == []
