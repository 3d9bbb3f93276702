"""The servers as `make run` starts them, on loopback: REST, Socket.IO, and what must not break them."""

import json
import urllib.error
import urllib.request

import pytest
import socketio


@pytest.fixture
def server(development_server):
    return development_server.url


def post(server, body):
    """Status and JSON of one call; `body` is bytes or something JSON can hold."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}/webhooks/rest/webhook", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_rest_answers_and_actions_work(server):
    status, replies = post(server, {"sender": "a", "message": "does it help with ptsd?"})
    assert status == 200 and "PTSD" in replies[0]["text"] and replies[0]["buttons"]
    status, replies = post(server, {"sender": "a", "message": "where is that from?"})
    assert status == 200 and "Other Uses" in replies[0]["text"]


def test_conversations_are_on_disk(server):
    post(server, {"sender": "b", "message": "hello"})
    status, replies = post(server, {"sender": "b", "message": "say that again please"})
    assert status == 200 and replies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b"\xff\xfe",
        {"sender": "c"},
        {"message": "hi"},
        {"sender": "", "message": "hi"},
        {"sender": "a\u0000b", "message": "hi"},
        {"sender": "x" * 300, "message": "hi"},
        {"sender": 5, "message": "hi"},
        {"sender": "c", "message": 5},
        {"sender": "c", "message": ["hi"]},
        b'{"sender": "\\ud800", "message": "hi"}',
    ],
)
def test_what_is_no_message_is_refused_kindly(server, body):
    status, answer = post(server, body)
    assert status == 400 and answer["error"]


def test_a_huge_message_is_refused(server):
    assert post(server, {"sender": "d", "message": "x" * 200_000})[0] == 413


@pytest.mark.parametrize("text", ["", "\u0000", "\ud83d\ude00", "a" * 10_000, "<b>hi</b>", "\u202eabc", "/restart", "asdfghjkl"])
def test_odd_messages_get_words(server, text):
    status, replies = post(server, {"sender": "e", "message": text})
    assert status == 200 and replies[0]["text"]


def test_metadata_and_channel_from_outside_are_ignored(server):
    status, replies = post(server, {"sender": "f", "message": "hi", "metadata": "x", "input_channel": ["y"]})
    assert status == 200 and replies


def test_socket_io(server):
    client = socketio.SimpleClient()
    client.connect(server)
    try:
        client.emit("session_request", {"session_id": None})
        name, session = client.receive(timeout=10)
        assert name == "session_confirm" and client.receive(timeout=10) == ["history", {"turns": []}]
        client.emit("user_uttered", {"message": "i want to die", "session_id": session})
        name, start = client.receive(timeout=10)
        assert name == "turn_start" and start["text"] == "i want to die"
        name, reply = client.receive(timeout=20)
        assert name == "bot_uttered" and "988" in reply["text"] and reply["quick_replies"]
        assert reply["metadata"]["utter_action"].startswith("utter_crisis/")
        name, end = client.receive(timeout=10)
        assert name == "turn_end" and end["outcome"] == "answered"
        client.emit("user_uttered", "not an object")
        name, reply = client.receive(timeout=10)
        assert name == "refused" and reply["error"]
    finally:
        client.disconnect()
