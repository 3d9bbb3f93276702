"""Some six hundred random calls to every entry; the long run is `python -m tests.fuzz.flood --calls 10000`.

Not schemathesis: it tests a server against its OpenAPI description. There is none here, and the two entries that take more
than an empty body are described completely by tests/fuzz/calls.py.
"""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.calls import HEADERS, METHODS, PATHS, call
from tests.fuzz.flood import faults, flood

JSON = {"Content-Type": "application/json"}
few = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def server(development_server):
    return development_server


def post(server, body):
    return call(server.url, "POST", "/webhooks/rest/webhook", [("Host", "127.0.0.1"), *JSON.items()], body)


def sound(server, outcome):
    """Whether a call was answered, without a failure of ours, by a server that still lives."""
    return not outcome.silent and (outcome.status or 400) < 500 and server.alive


@few
@given(body=anything)
@example(body={"sender": "a\x00b", "message": "hello"})
@example(body={"sender": "\ud800", "message": "hello"})
@example(body={"sender": "x" * 256, "message": "hello"})
@example(body={"sender": "a", "message": "hello", "message_id": "\x00"})
@example(body={"sender": "a", "message": {"text": "hello"}})
def test_any_json(server, body):
    assert sound(server, post(server, json.dumps(body).encode()))


@few
@given(body=st.binary(max_size=300))
def test_any_bytes(server, body):
    assert sound(server, post(server, body))


@few
@given(sender=st.text(), message=st.text(), message_id=st.none() | st.text())
def test_any_message_is_answered_with_words_or_refused(server, sender, message, message_id):
    outcome = post(server, json.dumps({"sender": sender, "message": message, "message_id": message_id}).encode())
    assert sound(server, outcome)
    found = json.loads(outcome.body)
    assert found[0]["text"] if isinstance(found, list) else outcome.status != 200 and found["error"]


@few
@given(method=st.sampled_from(METHODS), path=st.sampled_from(PATHS), headers=st.lists(st.sampled_from(HEADERS), max_size=3))
def test_any_path_method_and_header(server, method, path, headers):
    assert sound(server, call(server.url, method, path, [("Host", "127.0.0.1"), *headers], b'{"sender": "a"}'))


def test_everything_at_random(server):
    before = len(server.log)
    outcomes = flood(server.url, 360, seed=1)
    assert not faults(server, outcomes, server.log[before:])
