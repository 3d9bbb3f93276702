"""Each finding of our study of Rasa's own channels and stores, tried on ours: one test a finding, under its number.

C1 to C7 are critical in Rasa 3.6.21 out of the box, H1 to H8 high. docs/security.md tells what stops each of them here.
"""

import json
import secrets
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psutil
import pytest
import socketio
from itsdangerous import TimestampSigner
from rasa.core.channels import BUILTIN_CHANNELS

from infusion_guide.channels.message import MAX_MESSAGE_ID, MAX_TEXT
from infusion_guide.channels.rasa_channel import all_channels
from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.storage.database import migrate
from tests.faults.cluster import (
    CRISIS,
    NEEDS_ACTION,
    QUESTION,
    Client,
    Worker,
    conversation_id,
    frozen,
    listening,
    problems_in,
    production,
    wait_until,
)
from tests.faults.fake_actions import FakeActions
from tools.bench.local_servers import HOST

VISITOR, ADDRESS = 4, 12  # messages a minute that `small` lets in
WEBHOOK = "/webhooks/rest/webhook"


@contextmanager
def window(url, session=None, **options):
    """A page of the website: a Socket.IO connection and the ticket of its conversation."""
    client = socketio.SimpleClient()
    client.connect(url, **options)
    try:
        client.emit("session_request", {"session_id": session})
        ticket = client.receive(timeout=20)[1]
        assert client.receive(timeout=20)[0] == "history"
        yield client, ticket
    finally:
        client.disconnect()


def until(client, wanted):
    """Data of the next event `wanted`, and the names of the events before it."""
    before = []
    while (event := client.receive(timeout=20))[0] != wanted:
        before.append(event[0])
    return event[1], before


def hears_nothing(client):
    """Whether a connection hears nothing within a second and a half."""
    try:
        client.receive(timeout=1.5)
    except socketio.exceptions.TimeoutError:
        return True
    return False


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One worker with low limits behind one proxy, on SQLite, without Redis, with an action server that a test commands."""
    folder = tmp_path_factory.mktemp("small")
    with FakeActions() as actions, ExitStack() as stack:
        chosen = production(
            database_url=f"sqlite:///{folder}/conversations.db",
            actions_url=actions.url,
            proxies=1,
            visitor_messages_per_minute=VISITOR,
            address_messages_per_minute=ADDRESS,
        )
        migrate(chosen.database_url)
        worker = Worker(chosen, folder / "worker.log")
        worker.start()
        stack.callback(worker.stop)
        worker.wait_until_healthy()
        yield worker, actions


@pytest.fixture
def visitor(small, request):
    """A program at an address of its own."""
    return Client(small[0].url, address=f"10.0.{secrets.randbelow(250)}.{secrets.randbelow(250)}")


# ------------------------------------------------------------------------------------------------------------- critical


def test_c1_a_nul_in_the_sender_does_not_end_the_server(cluster):
    worker = cluster.workers[0]
    client, pid = worker.client(), worker.pid
    for sender in ("a\x00b", "\ud800", "x" * 256, "x" * 50_000, "rest:\x00", "\x00" * 200):
        assert client.post({"sender": sender, "message": "hello"}).status in (400, 403)
    ticket = client.conversation()
    assert client.say(ticket, "hello", "a\x00b").status == 400
    for text in ("hel\x00lo", "\ud800 hello", "\x00" * 500):
        said = client.say(ticket, text)
        assert said.status == 200 and said.text
    with window(worker.url, "a\x00b") as (page, session):
        page.emit("user_uttered", {"session_id": "a\x00b", "message": "hello"})
        assert until(page, "refused")[0]["error"]
        page.emit("user_uttered", {"session_id": session, "message": "hel\x00lo"})
        assert until(page, "turn_end")[0]["outcome"] == "answered"
    assert worker.pid == pid and worker.alive and client.get("/health").status_code == 200


def test_c2_nobody_speaks_for_somebody_else(cluster):
    worker = cluster.workers[0]
    good = worker.client()
    ticket = good.conversation()
    assert good.say(ticket, QUESTION).status == 200
    for token in ("", "x", "Bearer", cluster.settings.rest_token[:-1], cluster.settings.rest_token + "x"):
        intruder = worker.client(token=token)
        assert intruder.say(ticket, "I am you").status == 401
        assert intruder.post({}, "/webhooks/rest/conversation").status == 401
    name = ticket.split(".")[0]
    other_secret = TimestampSigner(secrets.token_hex(32), salt="conversation rest").sign(name).decode()
    with window(worker.url) as (_, of_another_channel):
        forged = [name, conversation_id(ticket), f"{name}.", f"{name}.x", other_secret, of_another_channel, "default", "me"]
    for sender in forged:
        assert good.say(sender, "I am you").status == 403, sender
    assert cluster.patient_said(ticket) == [QUESTION]


def test_c2_webhooks_that_are_not_ours_are_not_served(cluster):
    """Telegram, Twilio, Slack, Facebook and Rasa's other connectors, which verify little or nothing: all 404.

    A channel that joins later is one of ours, with tests of its own.
    """
    assert list(read_yaml(ROOT / "credentials.yml")) == ["infusion_guide.channels.rasa_channel.AllChannels"]
    ours = {channel.name for channel in all_channels()}
    client = cluster.workers[0].client()
    names = {name for name in BUILTIN_CHANNELS if name not in ours} - {"socketio"} | {"callback", "hangouts"}
    for name in sorted(names):
        for path in ("", "/", "/webhook", "/set_webhook"):
            assert client.get(f"/webhooks/{name}{path}").status_code == 404, name
            assert client.post({"sender": "a", "message": "hi"}, f"/webhooks/{name}{path}").status == 404, name


def test_c3_a_conversation_cannot_be_taken_over(cluster):
    worker = cluster.workers[0]
    with window(worker.url) as (victim, ticket):
        name = ticket.split(".")[0]
        rest = worker.client().conversation()
        for claimed in (name, f"web:{name}", f"{name}.forged", rest, {"$ne": None}, [ticket], 5, ""):
            with window(worker.url, claimed) as (intruder, given):
                assert given != claimed and given != ticket
                intruder.emit("user_uttered", {"session_id": claimed, "message": "I am you"})
                assert "not issued" in until(intruder, "refused")[0]["error"]
                if claimed == f"web:{name}":
                    victim.emit("user_uttered", {"session_id": ticket, "message": QUESTION})
                    assert until(victim, "turn_end")[1] == ["turn_start", "bot_uttered"]
                    assert hears_nothing(intruder)
        # Nor over REST, with a program's token.
        assert worker.client().say(ticket, "I am you").status == 403
    said = cluster.rows("SELECT count(*) FROM events WHERE sender_id = %s AND type_name = 'user'", f"web:{name}")
    assert said == [(1,)]


def test_c3_there_is_no_conversation_for_everybody(cluster):
    client = cluster.workers[0].client()
    for body in ({"message": "hi"}, {"sender": "", "message": "hi"}, {"sender": None, "message": "hi"}):
        assert client.post(body).status == 400
    assert cluster.rows("SELECT count(*) FROM conversations WHERE sender_id LIKE '%%default%%'") == [(0,)]
    assert len({client.conversation() for _ in range(20)}) == 20


def test_c3_channel_and_metadata_from_outside_are_ignored(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    said = client.post({"sender": ticket, "message": QUESTION, "input_channel": "web", "metadata": {"admin": True}})
    assert said.status == 200
    data = cluster.rows("SELECT data FROM events WHERE sender_id = %s AND type_name = 'user'", conversation_id(ticket))
    stored = json.loads(data[0][0])
    assert stored["input_channel"] == "rest" and "admin" not in json.dumps(stored.get("metadata"))


def apology(said):
    """Whether a call ended honestly: 503, our words, the crisis line in them."""
    return said.status == 503 and said.kinds == ["utter_technical_problem"] and "988" in said.text


def test_c4_nothing_is_confirmed_while_the_action_server_is_away(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION).status == 200
    cluster.actions.stop()
    assert apology(client.say(ticket, NEEDS_ACTION, "again"))
    assert client.say(ticket, CRISIS).kinds == ["utter_crisis/suicide"]
    cluster.mend()
    with frozen(cluster.actions):  # it takes the call and does not answer
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.say, ticket, NEEDS_ACTION, "again")
            other = cluster.workers[0].client()
            mine = other.conversation()
            meanwhile = [other.say(mine, QUESTION) for _ in range(5)]
            assert not waiting.done(), "the others were to talk while this one waits"
            assert [said.status for said in meanwhile] == [200] * 5
            assert statistics.median(said.seconds for said in meanwhile) < 1
            said = waiting.result()
        assert apology(said) and said.seconds < 5
    assert cluster.patient_said(ticket) == [QUESTION, CRISIS]  # what failed was not stored, so it can be sent again
    assert client.say(ticket, NEEDS_ACTION, "again").status == 200
    assert cluster.patient_said(ticket) == [QUESTION, CRISIS, NEEDS_ACTION]


@pytest.mark.parametrize(
    "status, body, content_type",
    [
        (500, b"{}", "application/json"),
        (404, b"{}", "application/json"),
        (400, b"not JSON", "text/plain"),
        (200, b"not JSON", "application/json"),
        (200, b"<html>", "text/html"),
        (200, b"null", "application/json"),
        (200, b"{}", "application/json"),
        (200, b'{"events": [{"event": "nonsense"}], "responses": []}', "application/json"),
        (200, b'{"events": [], "responses": ["text"]}', "application/json"),
        (200, b"\xff\xfe", "application/json"),
    ],
)
def test_c4_nothing_is_confirmed_when_the_action_server_answers_nonsense(small, visitor, status, body, content_type):
    _, actions = small
    actions.status, actions.body, actions.content_type = status, body, content_type
    actions.keys.clear()
    ticket = visitor.conversation()
    assert visitor.say(ticket, QUESTION).status == 200
    assert apology(visitor.say(ticket, NEEDS_ACTION, "the same"))
    assert apology(visitor.say(ticket, NEEDS_ACTION, "the same"))
    # A message that comes again asks for the same thing, not for one more.
    assert len(actions.keys) == 2 and len(set(actions.keys)) == 1


def test_c5_a_long_sender_is_refused_and_never_half_stored(cluster):
    """The other half of C5, restarts and outages of the database: tests/faults/test_storage_faults.py."""
    client = cluster.workers[0].client()
    before = cluster.rows("SELECT count(*) FROM events")
    assert client.say("x" * 300, "hello").status == 400
    assert client.say("x" * MAX_MESSAGE_ID, "hello").status == 403
    assert client.say(client.conversation(), "hello", "x" * (MAX_MESSAGE_ID + 1)).status == 400
    assert cluster.rows("SELECT count(*) FROM events") == before


@pytest.mark.parametrize(
    "typed",
    [
        "/restart",
        "/session_start",
        "/back",
        "/admin_reset",
        '/cancel_appointment{"appointment_id":"777","patient_id":"victim"}',
        "  /restart",
        "/check_in_ok",
    ],
)
def test_c6_what_is_typed_is_never_a_command(cluster, typed):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, "hello").status == 200
    said = client.say(ticket, typed)
    assert said.status == 200 and said.text
    types = cluster.rows(
        "SELECT type_name FROM events WHERE sender_id = %s AND type_name IN ('restart', 'session_started', 'rewind')",
        conversation_id(ticket),
    )
    assert types == [("session_started",)]  # its own beginning, and nothing since
    data = cluster.rows("SELECT data FROM events WHERE sender_id = %s AND type_name = 'user'", conversation_id(ticket))
    parsed = json.loads(data[-1][0])["parse_data"]
    assert parsed["intent"]["name"] not in typed and not parsed.get("entities")


def refused_body(url, megabytes):
    """Status of a body of so many megabytes, and the milliseconds until it came."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        started = time.perf_counter()
        connection.sendall(f"{head}Content-Length: {megabytes * 1_000_000}\r\n\r\n".encode() + b"x" * 60_000)
        answered = connection.recv(1000)
        milliseconds = 1000 * (time.perf_counter() - started)
    return int(answered[9:12]), milliseconds


def p95(client, ticket, messages):
    """The 95th percentile of `messages` messages, in milliseconds."""
    seconds = sorted(client.say(ticket, QUESTION).seconds for _ in range(messages))
    return 1000 * seconds[int(0.95 * messages)]


def test_c7_a_body_of_twenty_megabytes_is_refused_at_once_and_slows_nobody(cluster):
    worker = cluster.workers[0]
    client = worker.client()
    ticket = client.conversation()
    p95(client, ticket, 10)
    alone = p95(client, ticket, 40)
    stop, found = threading.Event(), []

    def attack():
        while not stop.is_set():
            found.append(refused_body(worker.url, 20))
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        attacking = pool.submit(attack)
        try:
            under_attack = p95(client, ticket, 40)
        finally:
            stop.set()
        attacking.result()
    statuses, milliseconds = zip(*found)
    print(f"refused in {statistics.median(milliseconds):.1f} ms (median); p95 {alone:.0f} ms, attacked {under_attack:.0f} ms")
    assert set(statuses) == {413}
    assert min(milliseconds) < 50  # the fastest: the others met a message that was just being answered
    assert under_attack < max(1.5 * alone, alone + 150)


def test_c7_texts_have_a_longest_and_cost_little(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, "x" * (MAX_TEXT + 1)).status == 413
    for part in ("a", "a ", "? ", "(", "?!", "\U0001f600", "(\x1c", "\u2474", "a@b.", "I want to die. "):
        text = part * (MAX_TEXT // len(part))
        said = client.post(json.dumps({"sender": ticket, "message": text}, ensure_ascii=False).encode())
        assert said.status == 200 and said.text and said.seconds < 3, (part, said.seconds)


def test_c7_who_writes_too_fast_is_told_kindly_and_a_crisis_is_answered_all_the_same(visitor):
    ticket = visitor.conversation()
    assert [visitor.say(ticket, "hello").status for _ in range(VISITOR)] == [200] * VISITOR
    said = visitor.say(ticket, "hello")
    assert said.status == 429 and said.kinds == ["utter_too_many_messages"] and "988" in said.text
    assert 1 <= int(said.headers["Retry-After"]) <= 61
    crisis = visitor.say(ticket, CRISIS)
    assert crisis.status == 200 and crisis.kinds == ["utter_crisis/suicide"]
    other = visitor.conversation()
    assert visitor.say(other, "hello").status == 200  # the limit is the visitor's, not everybody's


def test_c7_one_address_cannot_flood_with_many_conversations_nor_with_a_header_of_its_own(small, visitor):
    tickets = [visitor.conversation() for _ in range(4)]
    statuses = [visitor.say(tickets[number % 4], "hello").status for number in range(ADDRESS)]
    assert statuses[: ADDRESS - 4] == [200] * (ADDRESS - 4) and set(statuses[ADDRESS - 4 :]) == {429}
    assert visitor.post({}, "/webhooks/rest/conversation").status == 429
    address = visitor._http.headers["X-Forwarded-For"]
    visitor._http.headers["X-Forwarded-For"] = f"1.2.3.4, {address}"  # the proxy adds the true one at the end
    assert visitor.say(tickets[0], "hello").status == 429
    elsewhere = Client(small[0].url, address="10.1.1.1")
    assert elsewhere.say(elsewhere.conversation(), "hello").status == 200


def test_c7_one_window_cannot_queue_messages_without_end(cluster):
    with window(cluster.workers[0].url) as (page, session):
        for number in range(30):
            page.emit("user_uttered", {"session_id": session, "message": QUESTION, "message_id": f"m{number}"})
        ended = refused = 0
        while ended + refused < 30:
            name, data = page.receive(timeout=20)
            ended += name == "turn_end"
            refused += name == "refused"
            assert name != "refused" or "wait" in data["error"]
        assert ended >= 5 and refused


def test_c7_a_flood_of_calls_does_not_slow_the_others(cluster):
    worker = cluster.workers[0]
    client = worker.client()
    ticket = client.conversation()
    alone = p95(client, ticket, 40)
    stop = threading.Event()

    def flood():
        intruder = worker.client(token="wrong")
        while not stop.is_set():
            assert intruder.say(ticket, "flood").status == 401
            time.sleep(0.005)

    with ThreadPoolExecutor(2) as pool:
        attacking = [pool.submit(flood) for _ in range(2)]
        try:
            under_attack = p95(client, ticket, 40)
        finally:
            stop.set()
        for each in attacking:
            each.result()
    print(f"p95 {alone:.0f} ms, flooded {under_attack:.0f} ms")
    assert under_attack < max(3 * alone, alone + 300)  # this very process makes the flood, on the same cores


@pytest.mark.parametrize(
    "junk",
    [
        "Content-Length: -5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length : 5",
        "X: a\r\n Content-Length: 5",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding:\x0bchunked",
    ],
)
def test_c7_a_length_that_makes_no_sense_does_not_stop_the_server(cluster, junk):
    """Sanic 21.12 looped for ever at a negative length; 25.12 takes what a proxy before it may read otherwise."""
    worker = cluster.workers[0]
    parts = urlsplit(worker.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(f"POST {WEBHOOK} HTTP/1.1\r\nHost: {HOST}\r\n{junk}\r\n\r\nhello".encode())
        assert b" 400 " in connection.recv(1000)
    assert worker.client().get("/health", timeout=5).status_code == 200


# ----------------------------------------------------------------------------------------------------------------- high


def test_h1_what_hangs_holds_up_nobody_else(cluster):
    """A frozen PostgreSQL hung `GET /` for 25 s, a frozen Redis everything for 10 s. No provider is called while a turn waits."""
    worker = cluster.workers[0]
    client = worker.client()
    ticket = client.conversation()
    with frozen(cluster.postgres, cluster.redis), ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(worker.client().say, ticket, QUESTION) for _ in range(4)]
        for _ in range(10):
            started = time.perf_counter()
            assert client.get("/health").status_code == 200
            assert time.perf_counter() - started < 1
        assert all(apology(answer.result()) and answer.result().seconds < 6 for answer in waiting)


def test_h2_no_failure_is_silence_with_http_200(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    streamed = client.post({"sender": ticket, "message": QUESTION}, f"{WEBHOOK}?stream=true", timeout=10)
    assert streamed.status == 200 and streamed.text
    cluster.postgres.stop()
    failed = client.post({"sender": ticket, "message": QUESTION}, f"{WEBHOOK}?stream=true", timeout=10)
    assert apology(failed)
    wait_until(lambda: client.get("/ready").status_code == 503)  # what it found is told again for a second
    assert client.get("/health").status_code == 200


def test_h2_without_a_model_it_does_not_serve(tmp_path):
    chosen = production(database_url=f"sqlite:///{tmp_path}/conversations.db")
    migrate(chosen.database_url)
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no model")
    worker = Worker(chosen, tmp_path / "worker.log", model=broken)
    worker.start()
    try:
        worker.wait(120)
        assert "No model is loaded" in worker.log
    finally:
        worker.stop()


def test_h3_every_limit_of_time_lies_within_the_next(cluster):
    """A slow action, a call and the lock end in this order, so that no turn runs on after its patient was told to try again."""
    from infusion_guide.channels import door
    from infusion_guide.engine import actions, lock_store
    from infusion_guide.storage import database

    assert database.SECONDS < door.SECONDS and actions.SECONDS < door.SECONDS < 5
    assert lock_store.RENEWED * 2 < lock_store.EXPIRES < door.SECONDS
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION).status == 200
    with frozen(cluster.actions):
        assert apology(client.say(ticket, NEEDS_ACTION))
        said = client.say(ticket, QUESTION)  # after 70 s in Rasa, it waited 58 s more
        assert said.status == 200 and said.seconds < 2


def test_h5_the_website_hears_the_answers_again_after_a_reload(cluster):
    with window(cluster.workers[0].url) as (page, session):
        page.emit("user_uttered", {"session_id": session, "message": QUESTION})
        assert until(page, "turn_end")[1] == ["turn_start", "bot_uttered"]
    with window(cluster.workers[0].url, session) as (page, same), window(cluster.workers[0].url, session) as (second, _):
        assert same.split(".")[0] == session.split(".")[0]
        page.emit("user_uttered", {"session_id": session, "message": NEEDS_ACTION})
        assert until(page, "turn_end")[1] == until(second, "turn_end")[1] == ["turn_start", "bot_uttered"]


def test_h5_a_window_that_asks_for_many_sessions_hears_one(cluster):
    with window(cluster.workers[0].url) as (page, first):
        for _ in range(50):
            page.emit("session_request", {"session_id": None})
            assert until(page, "history")[1] == ["session_confirm"]
        with window(cluster.workers[0].url, first) as (same, _):
            same.emit("user_uttered", {"session_id": first, "message": "hello"})
            assert until(same, "turn_end")
        assert hears_nothing(page)


@pytest.mark.parametrize(
    "path",
    ["/conversations/default/tracker", "/conversations/default/trigger_intent", "/model", "/domain", "/status", "/version"],
)
def test_h6_rasas_management_interface_is_off(cluster, path):
    client = cluster.workers[0].client()
    assert client.get(path).status_code == 404
    assert client.post({}, path).status == 404
    assert client._http.put(cluster.workers[0].url + path, json={}, timeout=20).status_code == 404
    assert client._http.delete(cluster.workers[0].url + path, timeout=20).status_code == 404


def test_h6_other_websites_pages_may_not_use_it(cluster):
    worker = cluster.workers[0]
    evil = {"Origin": "https://evil.example"}
    for answered in (worker.client().get("/health", headers=evil), worker.client().get("/webhooks/rest/", headers=evil)):
        assert not [name for name in answered.headers if name.lower().startswith("access-control-allow")]
    polling = "/socket.io/?EIO=4&transport=polling"
    for origin in (evil["Origin"], "http://[::1", "null", "x", f"{worker.url}.evil.example"):
        opened = worker.client().get(polling, headers={"Origin": origin})
        assert opened.status_code == 400 and "sid" not in opened.text, origin
    assert "sid" in worker.client().get(polling, headers={"Origin": worker.url}).text


def test_h6_it_listens_on_loopback_only_and_calls_nobody(cluster):
    for process in (*cluster.workers, cluster.actions):
        assert set(listening(process.pid)) == {HOST}
        assert psutil.Process(process.pid).environ()["RASA_TELEMETRY_ENABLED"] == "false"
        for connection in psutil.Process(process.pid).net_connections("tcp"):
            assert not connection.raddr or connection.raddr.ip == HOST


def test_h6_metrics_are_not_for_everybody(cluster):
    client = cluster.workers[0].client()
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
    assert "infusion_guide_turn_seconds" in client.get("/metrics").text


def test_h8_a_message_that_comes_twice_is_answered_twice_and_stored_once(cluster):
    """Providers send again what they think was lost. (Their own oddities belong to channels that do not exist here: C2.)"""
    client = cluster.workers[0].client()
    ticket = client.conversation()
    first = client.say(ticket, QUESTION, "provider 1")
    again = [client.say(ticket, QUESTION, "provider 1") for _ in range(3)]
    assert first.status == 200 and all(said.replies == first.replies for said in again)
    assert cluster.patient_said(ticket) == [QUESTION]
    other = client.conversation()
    assert client.say(other, QUESTION, "provider 1").status == 200
    assert cluster.patient_said(other) == [QUESTION]  # an id counts within its conversation only


# -------------------------------------------------------------------------------------------------------------- medium


def test_templates_cannot_be_reached_from_a_message(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    for text in ("0[", "{crisis_line}", "{0.__class__}", "%(x)s", "{{7*7}}", "${SECRET_KEY}"):
        said = client.say(ticket, text)
        assert said.status == 200 and "{" not in said.text and "}" not in said.text and "49" not in said.text


def test_no_words_of_a_patient_in_the_logs_whatever_fails(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    planted = f"planted{secrets.token_hex(6)}"
    assert client.say(ticket, f"{QUESTION} {planted}").status == 200
    assert client.post(f'{{"sender": "{ticket}", "message": "{planted}'.encode()).status == 400
    cluster.actions.stop()
    assert client.say(ticket, NEEDS_ACTION, planted).status == 503
    cluster.postgres.stop()
    assert client.say(ticket, f"{planted} {CRISIS}").status == 503
    cluster.mend()
    log = cluster.workers[0].log
    assert "The turn failed" in log
    assert planted not in log and cluster.settings.rest_token not in log and cluster.settings.secret_key not in log
    assert "Traceback" not in log and problems_in(log)  # failures are there: as types and places, not as words
