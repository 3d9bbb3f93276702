"""Finding 8: the website and programs were refused without a number: the sixth message, a long text, an expired ticket."""

import asyncio
import hashlib
import time

import aiohttp
import pytest
import socketio
from itsdangerous import TimestampSigner

from infusion_guide.channels import web
from infusion_guide.channels.rest import RestChannel
from infusion_guide.channels.web import WebChannel
from infusion_guide.clinic import identity
from tests.application import application
from tests.test_web import Window

CRISIS = "i want to kill myself"


def after_refusal(window):
    """What this window hears until it is refused: the crisis replies, and the words."""
    replies = []
    while True:
        name, *words = window._client.receive(timeout=10)
        if name == "bot_uttered":
            replies.append(words[0])
        if name == "refused":
            return replies, words[0]["error"]


@pytest.fixture
async def page(monkeypatch):
    """The address of a website's channel; windows are opened in threads."""
    async with application(WebChannel(), monkeypatch) as (url, heard):
        yield url, heard


def refused(url, make):
    window = Window(url)
    try:
        make(window)
        return after_refusal(window)
    finally:
        window.close()


def expire(window, text):
    old = time.time() - 400 * 86_400

    class Then(TimestampSigner):
        def get_timestamp(self):
            return int(old)

    then = Then(identity.secret(), salt="conversation web", digest_method=hashlib.sha256)
    window._client.emit("user_uttered", {"session_id": then.sign("x").decode(), "message": text, "message_id": "m"})


@pytest.mark.parametrize(
    "make",
    [
        lambda window, text: window.send("user_uttered", message=text + " " + "well " * 2500, message_id="m"),
        lambda window, text: expire(window, text),
        lambda window, text: window._client.emit("user_uttered", {"session_id": None, "message": text, "message_id": "m"}),
        lambda window, text: window.send("user_uttered", message=text, message_id="m" * 200),
    ],
    ids=["too long", "expired", "no ticket", "strange id"],
)
async def test_what_the_website_refuses_is_read_first(page, make):
    url, heard = page
    replies, words = await asyncio.to_thread(refused, url, lambda window: make(window, CRISIS))
    assert [reply["metadata"]["utter_action"] for reply in replies] == ["utter_crisis/suicide"] and "988" in words
    replies, words = await asyncio.to_thread(refused, url, lambda window: make(window, "hello"))
    assert replies == [] and "988" in words and heard == []


@pytest.mark.parametrize(
    "more", [{"sender": ""}, {"sender": "a", "message_id": 7}, {"sender": "a", "long": True}], ids=["sender", "id", "long"]
)
async def test_what_rest_refuses_is_read_first(monkeypatch, more):
    async with application(RestChannel(), monkeypatch) as (url, heard), aiohttp.ClientSession() as session:
        filler = " well" * 2500 if more.pop("long", False) else ""
        for text, is_crisis in ((CRISIS + filler, True), ("hello" + filler, False)):
            async with session.post(f"{url}/webhooks/rest/webhook", json={**more, "message": text}) as answered:
                assert answered.status in (400, 413)
                body = await answered.json()
            assert isinstance(body, list) is is_crisis
            assert ("988" in str(body)) is (is_crisis or bool(filler))
        assert heard == []


async def test_finding_20_one_address_does_not_hold_every_socket(page, monkeypatch):
    url, _ = page
    monkeypatch.setattr(web, "_MOST_OF_ADDRESS", 3)

    def windows():
        opened = [Window(url) for _ in range(3)]
        with pytest.raises(socketio.exceptions.ConnectionError):
            Window(url)
        opened.pop().close()
        time.sleep(0.3)
        opened.append(Window(url))
        for window in opened:
            window.close()

    await asyncio.to_thread(windows)
