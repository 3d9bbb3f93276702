"""Databases stopped, killed, frozen, slow, full: no message lost or doubled, every call ends, a crisis is answered."""

import time
import uuid
from contextlib import ExitStack

import psutil
import pytest

from infusion_guide.channels import rate_limits as counting
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox as deliveries
from infusion_guide.engine.training import ensure_model
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.tables import outbox
from tests.faults.cluster import CRISIS, QUESTION, Worker, frozen, listening, problems_in, production, wait_until
from tests.faults.proxy import Proxy
from tools.bench.local_servers import HOST, Postgres, free_port

IN_TIME = 5.0  # seconds for every call, whatever is broken
SLACK = 1.0  # for a machine that does other work meanwhile


def honest(said, expected):
    """An apology of ours, or the crisis reply for the crisis; never silence, never words about something else.

    What was worked out before it could not be stored is said, and that it was not.
    """
    reply = "utter_crisis/suicide" if expected == CRISIS else "utter_faq/depression"
    alone = reply if expected == CRISIS else "utter_technical_problem"
    return said.kinds in ([alone], [reply, "utter_unstored"]) and "988" in said.text


def say_until_answered(client, ticket, text, seconds=30):
    """As a careful program does: the same message with the same id until it is answered. Its answer."""
    message_id, end = uuid.uuid4().hex, time.monotonic() + seconds
    while (said := client.say(ticket, text, message_id)).status != 200:
        assert said.status == 0 or (said.status == 503 and honest(said, text)), said
        assert time.monotonic() < end, said
        time.sleep(0.1)
    return said


def test_postgresql_restarted_twenty_times_within_a_conversation(cluster):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    sent = []
    for number in range(20):
        if number % 2:
            cluster.postgres.kill()
        else:
            cluster.postgres.stop()
        sent.append(f"does it help with depression? {number}")
        if number % 4 == 3:  # it is away while the message comes
            said = client.say(ticket, sent[-1], f"away {number}")
            assert said.status == 503 and honest(said, sent[-1])
            cluster.postgres.start()
            assert client.say(ticket, sent[-1], f"away {number}").status == 200
        else:
            cluster.postgres.start()
            assert say_until_answered(client, ticket, sent[-1]).text
    assert cluster.patient_said(ticket) == sent  # none lost, none doubled, in order


@pytest.mark.parametrize("names", [("postgres",), ("redis",), ("postgres", "redis")])
def test_frozen(cluster, names):
    client = cluster.workers[0].client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION).status == 200
    with frozen(*(getattr(cluster, name) for name in names)):
        for text in (QUESTION, CRISIS):
            said = client.say(ticket, text, f"frozen {text}")
            assert said.seconds < IN_TIME + SLACK, said
            if "postgres" in names:
                assert said.status == 503 and honest(said, text), said
            else:
                assert said.status == 200, said
        healthy = time.perf_counter()
        assert client.get("/health").status_code == 200
        assert time.perf_counter() - healthy < 1, "a frozen database holds up what does not need it"
    wait_until(lambda: client.get("/ready").status_code == 200)
    for text in (QUESTION, CRISIS):  # the same messages again: stored once each
        assert say_until_answered(client, ticket, text).status == 200
        assert client.say(ticket, text, f"frozen {text}").status == 200
    said = cluster.patient_said(ticket)
    assert (said.count(QUESTION), said.count(CRISIS)) == (3, 2)


def test_without_redis_the_talk_goes_on(cluster):
    one, two = (worker.client() for worker in cluster.workers)
    ticket = one.conversation()
    cluster.redis.stop()
    for number in range(6):
        assert (one, two)[number % 2].say(ticket, f"{QUESTION} {number}").status == 200
    assert one.say(ticket, CRISIS).kinds == ["utter_crisis/suicide"]
    cluster.redis.start()
    assert two.say(ticket, QUESTION).status == 200
    assert len(cluster.patient_said(ticket)) == 8


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """A worker that was started while neither PostgreSQL nor Redis nor the action server was there, then all by a bad network."""
    ensure_model()
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        proxy = stack.enter_context(Proxy(postgres.port))
        migrate(postgres.url)
        postgres.stop()
        away = f"redis://{HOST}:{free_port()}/0"
        url = postgres.url.replace(f":{postgres.port}/", f":{proxy.port}/")
        chosen = production(database_url=url, redis_url=away, actions_url=f"http://{HOST}:{free_port()}")
        worker = Worker(chosen, tmp_path_factory.mktemp("far") / "worker.log")
        worker.start()
        stack.callback(worker.stop)
        worker.wait_until_healthy()
        yield worker, proxy, postgres


def test_h7_it_starts_without_postgresql_redis_and_actions_and_needs_no_new_start_when_they_come(far):
    worker, _, postgres = far
    client = worker.client()
    ticket = client.conversation()
    assert client.get("/ready").json() == {"model": True, "database": False, "lock": False, "actions": False}
    for text in (QUESTION, CRISIS):
        said = client.say(ticket, text)
        assert said.status == 503 and honest(said, text) and said.seconds < IN_TIME + SLACK
    postgres.start()
    assert client.say(ticket, QUESTION).kinds == ["utter_faq/depression"]
    assert client.say(ticket, CRISIS).kinds == ["utter_crisis/suicide"]
    assert set(listening(worker.pid)) == {HOST}


def test_a_slow_network_to_postgresql(far):
    worker, proxy, postgres = far
    postgres.start()
    client = worker.client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION).status == 200
    proxy.delay = 0.02
    try:
        said = client.say(ticket, QUESTION)
        assert said.status == 200 and said.seconds < IN_TIME
        proxy.delay = 1.5  # a transaction has several exchanges: too slow for a turn, so it ends honestly
        said = client.say(ticket, CRISIS)
        assert said.status == 503 and honest(said, CRISIS) and said.seconds < IN_TIME + SLACK
    finally:
        proxy.delay = 0
    assert say_until_answered(client, ticket, QUESTION).kinds == ["utter_faq/depression"]


def test_a_network_to_postgresql_that_hangs_and_that_is_cut(far):
    worker, proxy, postgres = far
    postgres.start()
    client = worker.client()
    ticket = client.conversation()
    assert client.say(ticket, QUESTION, "one").status == 200
    proxy.hold()
    try:
        said = client.say(ticket, CRISIS, "two")
        assert said.status == 503 and honest(said, CRISIS) and said.seconds < IN_TIME + SLACK
    finally:
        proxy.let_go()
    assert say_until_answered(client, ticket, QUESTION).status == 200
    for number in range(5):
        proxy.cut()
        assert say_until_answered(client, ticket, f"{QUESTION} {number}").status == 200


def test_a_full_disk_under_sqlite(tmp_path):
    """The process may not make files longer (RLIMIT_FSIZE): to SQLite that is a full disk, and it needs no root."""
    ensure_model()
    path = tmp_path / "conversations.db"
    chosen = production(database_url=f"sqlite:///{path}")
    migrate(chosen.database_url)
    worker = Worker(chosen, tmp_path / "worker.log")
    worker.start()
    try:
        worker.wait_until_healthy()
        client = worker.client()
        ticket = client.conversation()
        said = [client.say(ticket, f"{QUESTION} {number}").status for number in range(5)]
        assert said == [200] * 5
        process = psutil.Process(worker.pid)
        _, most = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, most))
        for text in (QUESTION, CRISIS):
            said = client.say(ticket, text, f"full {text}")
            assert said.status == 503 and honest(said, text) and said.seconds < IN_TIME + SLACK, (said.kinds, said.text)
        process.rlimit(psutil.RLIMIT_FSIZE, (most, most))
        for text in (QUESTION, CRISIS):
            assert client.say(ticket, text, f"full {text}").status == 200
        kept = Database(f"sqlite:///{path}").run_now(
            lambda c: c.exec_driver_sql("SELECT count(*) FROM events WHERE type_name = 'user'").scalar()
        )
        assert kept == 7
        assert worker.alive and "Traceback" not in worker.log and all("infusion_guide" in p for p in problems_in(worker.log))
    finally:
        worker.stop()


# A clock that jumps: libfaketime is no Python package, so the parts that look at the clock are asked in this process.


@pytest.fixture
def clock(monkeypatch):
    """time.time() that a test can move; time.monotonic() never jumps, on no machine."""
    offset = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])
    return lambda seconds: offset.__setitem__(0, seconds)


@pytest.mark.parametrize("jump", [-86_400, -3600, 3600, 86_400])
async def test_a_clock_that_jumps_does_not_shut_patients_out(monkeypatch, clock, jump):
    chosen = Settings(production=True, secret_key="s" * 32, visitor_messages_per_minute=3)
    monkeypatch.setattr(counting, "settings", lambda: chosen)
    found = counting.RateLimits()
    for _ in range(3):
        await found.visitor("web:a", None)
    clock(jump)
    try:
        await found.visitor("web:a", None)
    except counting.Limited as limited:
        assert 1 <= limited.seconds <= abs(jump) + 61
    await found.visitor("web:b", None)  # nobody else is touched


@pytest.mark.parametrize("jump", [-3600, 3600])
async def test_a_clock_that_jumps_neither_loses_nor_doubles_a_notice(monkeypatch, tmp_path, clock, jump):
    delivered = []

    async def deliver(entry):
        delivered.append(entry["key"])

    monkeypatch.setitem(deliveries.HANDLERS, "crisis", deliver)
    url = f"sqlite:///{tmp_path}/conversations.db"
    migrate(url)
    kept = Database(url)
    now = time.time()
    row = {"kind": "crisis", "sender_id": "web:a", "key": "k", "payload": "{}", "at": now, "due": now, "attempts": 0}
    await kept.run(lambda connection: connection.execute(outbox.insert().values(**row)))
    clock(jump)
    await deliveries.deliver_due(kept)
    clock(0)
    await deliveries.deliver_due(kept)
    await deliveries.deliver_due(kept)
    assert delivered == ["k"]
