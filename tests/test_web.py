"""The website's channel over real Socket.IO connections: resuming, two windows, judgements, deletion."""

import asyncio
import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing, contextmanager

import aiohttp
import pytest
import socketio
from itsdangerous import TimestampSigner
from sanic.http import Http

from infusion_guide.channels.web import WebChannel
from infusion_guide.clinic import identity
from tests.application import application

SECONDS = 20


class Window:
    """One open page of a visitor."""

    def __init__(self, url, ticket=None):
        self._client = socketio.SimpleClient()
        self._client.connect(url)
        self._client.emit("session_request", {"session_id": ticket})
        self.ticket = self.heard("session_confirm")
        self.history = self.heard("history")["turns"]

    def heard(self, event):
        """What comes with the next `event`; others before it are lost."""
        while True:
            name, *words = self._client.receive(timeout=SECONDS)
            if name == event:
                return words[0] if words else None

    def send(self, event, **words):
        self._client.emit(event, {"session_id": self.ticket, **words})

    def say(self, text, message_id):
        """Says `text`; the turn as this window hears it: (turn_start, replies, turn_end)."""
        self.send("user_uttered", message=text, message_id=message_id)
        return self.listen()

    def listen(self):
        start, replies = self.heard("turn_start"), []
        while True:
            name, words = self._client.receive(timeout=SECONDS)
            if name == "turn_end":
                return start, replies, words
            assert name == "bot_uttered"
            replies.append(words)

    def judge(self, **words):
        return self._client.call("feedback", {"session_id": self.ticket, **words}, timeout=SECONDS)

    def close(self):
        self._client.disconnect()


@contextmanager
def window(server, ticket=None):
    opened = Window(server.url, ticket)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def server(development_server):
    return development_server


def rows(server, table):
    with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def erase(server, ticket):
    body = json.dumps({"session_id": ticket}).encode()
    call = urllib.request.Request(f"{server.url}/webhooks/web/erase", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=SECONDS) as answered:
        return json.load(answered)


def test_a_turn_names_its_message_its_sources_and_its_end(server):
    with window(server) as page:
        start, (reply,), end = page.say("does it help with ptsd?", "m1")
        assert (start["text"], start["message_id"]) == ("does it help with ptsd?", "m1") and start["at"] > 1.6e9
        assert (reply["message_id"], reply["number"]) == ("m1", 0) and "PTSD" in reply["text"]
        (source, *_) = reply["sources"]
        assert source["label"] == 'From the clinic\'s document: "Other Uses"' and source["claims"]
        assert source["label"] not in reply["text"]
        assert end == {"message_id": "m1", "outcome": "answered", "retry_after": 0}


def test_a_visitor_who_comes_back_sees_the_same_talk(server):
    with window(server) as page:
        assert page.history == []
        _, said, _ = page.say("does it help with ptsd?", "m 1")
        button = said[-1]["quick_replies"][0]
        start, (pressed,), _ = page.say(button["payload"], "m 2")
        assert start["text"] == button["title"]
        ticket = page.ticket
    with window(server, ticket) as page:
        first, second = page.history
        assert (first["message_id"], first["text"]) == ("m 1", "does it help with ptsd?")
        assert [(r["number"], r["text"], r["sources"]) for r in first["replies"]] == [
            (r["number"], r["text"], r["sources"]) for r in said
        ]
        assert (second["text"], second["replies"][0]["text"]) == (button["title"], pressed["text"])
        assert second["replies"][0]["metadata"] == pressed["metadata"]


def test_a_message_that_comes_again_is_answered_again_and_stored_once(server):
    with window(server) as page:
        _, first, _ = page.say("what helps with cravings at home?", "once")
        _, again, _ = page.say("what helps with cravings at home?", "once")
        assert [r["text"] for r in first] == [r["text"] for r in again]
        ticket = page.ticket
    with window(server, ticket) as page:
        assert len(page.history) == 1


def test_two_windows_of_one_visitor_see_the_same_talk(server):
    with window(server) as one, window(server, one.ticket) as other:
        assert one.say("hello there", "m1") == other.listen()
        assert identity_of(one.ticket) == identity_of(other.ticket)


def identity_of(ticket):
    return ticket.split(".")[0]


def test_another_visitor_gets_neither_talk_nor_replies(server):
    with window(server) as own, window(server) as stranger:
        own.say("i feel low today", "m1")
        conversation, *rest = own.ticket.split(".")
        forged = [conversation, f"{conversation}.{'.'.join(stranger.ticket.split('.')[1:])}", own.ticket[:-2] + "xx", "", 5]
        for ticket in forged:
            with window(server, ticket) as intruder:
                assert intruder.history == [] and identity_of(intruder.ticket) != conversation
            stranger.send("user_uttered", session_id=ticket, message="hello", message_id="m2")
            assert "session_id" in stranger.heard("refused")["error"]
            assert "error" in stranger.judge(session_id=ticket, message_id="m1", number=0, value="up")
        own.send("user_uttered", message="thanks", message_id="m3")
        _, _, end = own.listen()
        assert end["message_id"] == "m3"
        with pytest.raises(socketio.exceptions.TimeoutError):
            stranger._client.receive(timeout=0.3)


def test_an_expired_ticket_opens_nothing(server, monkeypatch):
    with window(server) as page:
        page.say("hello", "m1")
        own = f"web:{identity_of(page.ticket)}"
        with window(server, identity.issue("web", own)) as later:
            assert len(later.history) == 1
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: 1_600_000_000)
        old = identity.issue("web", own)
        monkeypatch.undo()
        with window(server, old) as later:
            assert later.history == [] and identity_of(later.ticket) != identity_of(page.ticket)


def test_a_judgement_is_stored_replaced_and_taken_back(server):
    with window(server) as page:
        _, (reply,), _ = page.say("does it help with ptsd?", "m1")
        own = {"message_id": "m1", "number": 0}
        assert page.judge(**own, value="down", reason=" too long ") == {"ok": True}
        (stored,) = [row for row in rows(server, "feedback") if identity_of(page.ticket) in row["sender_id"]]
        assert (stored["value"], json.loads(stored["reason"])) == ("down", "too long")
        assert stored["utter_action"] == reply["metadata"]["utter_action"]
        assert page.judge(**own, value="up") == {"ok": True}
        (stored,) = [row for row in rows(server, "feedback") if identity_of(page.ticket) in row["sender_id"]]
        assert (stored["value"], stored["reason"]) == ("up", None)
        assert page.judge(**own, value=None) == {"ok": True}
        assert not [row for row in rows(server, "feedback") if identity_of(page.ticket) in row["sender_id"]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 7},
        {"number": -1},
        {"number": True},
        {"number": "0"},
        {"value": "great"},
        {"reason": "x" * 501},
        {"reason": ["x"]},
        {"message_id": "never sent"},
        {"message_id": "%"},
        {"message_id": None},
        {"message_id": 5},
    ],
)
def test_a_judgement_of_nothing_is_refused_in_words(server, wrong):
    with window(server) as page:
        page.say("hello", "m1")
        answered = page.judge(**{"message_id": "m1", "number": 0, "value": "up", **wrong})
        assert list(answered) == ["error"] and answered["error"]


def test_what_is_deleted_is_gone_in_every_window(server):
    with window(server) as page, window(server, page.ticket) as other:
        page.say("does it help with ptsd?", "m1")
        page.judge(message_id="m1", number=0, value="up", reason="clear")
        assert erase(server, page.ticket) == {"erased": True}
        page.heard("erased"), other.heard("erased")
        for table in ("events", "turns", "conversations", "feedback"):
            assert not [row for row in rows(server, table) if identity_of(page.ticket) in row["sender_id"]], table
        with window(server, page.ticket) as again:
            assert again.history == []


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


def preflight(server, origin):
    call = urllib.request.Request(f"{server.url}/webhooks/web/erase", method="OPTIONS")
    for name, value in (("Origin", origin), ("Access-Control-Request-Method", "POST")):
        call.add_header(name, value)
    with urllib.request.urlopen(call, timeout=SECONDS) as answered:
        return {name.lower() for name in answered.headers}


def test_a_browser_is_told_whether_another_website_may_delete(server):
    """That an allowed one may is in tests/browser."""
    given = preflight(server, "https://evil.example")
    assert "access-control-allow-methods" in given and "access-control-allow-origin" not in given
