"""What a turn caused is delivered, later if need be, and taken by one worker at a time."""

import asyncio
import hashlib
import hmac
import json
import time

import pytest
import sqlalchemy as sa
from aiohttp import web

from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import notices
from infusion_guide.delivery import outbox as module
from infusion_guide.delivery.outbox import crisis_notice, deliver_due, notice
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.tables import outbox


@pytest.fixture
async def receiver(monkeypatch):
    """A staff system: `calls` it got, `status` it answers; NOTICE_WEBHOOK points to it."""
    monkeypatch.setattr(notices, "secret", lambda: b"k" * 32)
    monkeypatch.setattr(module, "HANDLERS", {})
    notices.attach()

    class Receiver:
        calls, status = [], 200

    seen = Receiver()
    seen.calls = []

    async def take(request):
        seen.calls.append((dict(request.headers), await request.read()))
        return web.Response(status=seen.status)

    app = web.Application()
    app.router.add_post("/notice", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    chosen = Settings(notice_webhook=f"http://127.0.0.1:{port}/notice", staff_url="https://bot.example.org")
    monkeypatch.setattr(module, "settings", lambda: chosen)
    monkeypatch.setattr(notices, "settings", lambda: chosen)
    yield seen
    await runner.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    url = f"sqlite:///{tmp_path}/c.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    migrate(url)
    return Database(url)


async def put(database, effect, sender="web:a"):
    row = {"kind": effect.kind, "key": effect.key, "payload": json.dumps(effect.payload), "sender_id": sender}
    await database.run(lambda c: c.execute(sa.insert(outbox).values(at=time.time(), due=0, attempts=0, **row)))


async def make_due(database):
    await database.run(lambda c: c.execute(sa.update(outbox).values(due=0)))


async def test_a_crisis_notice_arrives_signed_once_and_without_words(receiver, database):
    (effect,) = crisis_notice("web:a", "m1")
    await put(database, effect)
    assert await deliver_due(database) == 1
    headers, body = receiver.calls[0]
    assert headers["X-Signature"] == hmac.new(b"k" * 32, body, hashlib.sha256).hexdigest()
    link = "https://bot.example.org/staff/conversations/one?id=web%3Aa"
    assert json.loads(body) == {"key": "crisis web:a m1", "kind": "crisis", "conversation": "web:a", "link": link}
    await make_due(database)
    assert await deliver_due(database) == 0 and len(receiver.calls) == 1


async def test_a_failed_delivery_waits_and_is_tried_again(receiver, database):
    await put(database, crisis_notice("web:a", "m1")[0])
    receiver.status = 500
    assert await deliver_due(database) == 0
    assert await deliver_due(database) == 0 and len(receiver.calls) == 1  # not due yet
    receiver.status = 200
    await make_due(database)
    assert await deliver_due(database) == 1 and len(receiver.calls) == 2


async def test_workers_do_not_take_the_same_entry(receiver, database):
    for number in range(10):
        await put(database, crisis_notice("web:a", f"m{number}")[0])
    delivered = 0
    for _ in range(6):  # each takes a few
        delivered += sum(await asyncio.gather(*(deliver_due(database) for _ in range(3))))
    assert delivered == 10
    assert len({headers["X-Idempotency-Key"] for headers, _ in receiver.calls}) == len(receiver.calls) == 10


async def test_without_a_receiver_nothing_is_written(monkeypatch):
    monkeypatch.setattr(module, "settings", lambda: Settings())
    assert crisis_notice("web:a", "m1") == []


def test_a_long_crisis_fills_no_mailbox(monkeypatch):
    both = {"notice_webhook": "https://staff.example", "notice_email": "a@clinic.example", "smtp_host": "mail.clinic.example"}
    monkeypatch.setattr(module, "settings", lambda: Settings(**both))
    monkeypatch.setattr(module.time, "gmtime", lambda: time.struct_time((2026, 11, 23, 9, 0, 0, 0, 327, 0)))
    found = [effect for number in range(5) for effect in crisis_notice("web:a", f"m{number}")]
    assert len({effect.key for effect in found if effect.kind == "notice"}) == 5
    assert {effect.key for effect in found if effect.kind == "mail"} == {"crisis web:a 2026-11-23T09 mail"}


def test_each_way_is_an_effect_of_its_own_with_a_key_of_its_own(monkeypatch):
    mail = {"notice_email": "front.desk@clinic.example", "smtp_host": "mail.clinic.example"}
    for values, kinds in (({"notice_webhook": "https://staff.example"}, ["notice"]), (mail, ["mail"])):
        monkeypatch.setattr(module, "settings", lambda values=values: Settings(**values))
        assert [effect.kind for effect in notice("request", "web:a", "K7M-2QX")] == kinds
    monkeypatch.setattr(module, "settings", lambda: Settings(notice_webhook="https://staff.example", **mail))
    events = [("request", "web:a", "K7M-2QX"), ("crisis", "web:a", "m1"), ("crisis", "rest:" + "a" * 150, "m" * 167)]
    found = [effect for event in events for effect in notice(*event)]
    assert len({effect.key for effect in found}) == 6 and all(len(effect.key) <= 255 for effect in found)
    assert all(effect.key.split(" ")[0] == effect.payload["kind"] for effect in found)
    assert found == [effect for event in events for effect in notice(*event)]


async def test_an_effect_is_written_once(database, receiver):
    for _ in range(2):  # the second time in a turn that is worked out again
        await database.run(lambda connection: module.put(connection, "web:a", crisis_notice("web:a", "m1")))
    rows = await database.run(lambda connection: connection.execute(sa.select(outbox)).fetchall())
    assert [row.key for row in rows] == ["crisis web:a m1"]


async def test_what_nobody_delivers_yet_waits(database, receiver, monkeypatch):
    monkeypatch.setattr(module, "HANDLERS", {})
    await put(database, crisis_notice("web:a", "m1")[0])
    assert await deliver_due(database) == 0
    notices.attach()
    await make_due(database)
    assert await deliver_due(database) == 1
