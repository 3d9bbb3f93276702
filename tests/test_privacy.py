"""Erased is erased: searched for in the files of the database itself; what is kept is sealed, exported whole, purged in time."""

import asyncio
import json
import random
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, Sanic

from infusion_guide.callbacks.callback import new_reference
from infusion_guide.callbacks.fields import CONTACT, NAME, REFERENCE
from infusion_guide.channels import channel, own_data
from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import Settings
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.replies.reply import Reply
from infusion_guide.storage import ended, privacy, sealing
from infusion_guide.storage.database import database, migrate
from infusion_guide.storage.feedback import Judgement, judge
from infusion_guide.storage.sealing import seal
from infusion_guide.storage.tables import audit, conversations, events, facts, feedback, outbox, request_notes, requests, turns
from infusion_guide.storage.turn import Effect, Turn, current_turn
from tests.ports import free_port

SLOT = {"type": "any", "mappings": [{"type": "custom"}]}
SLOTS = {name: dict(SLOT) for name in ("careful", NAME, CONTACT, REFERENCE)}
DOMAIN = Domain.from_dict({"intents": ["faq"], "slots": SLOTS})
WORDS = "My name is Wilhelmina Quistgaard, call (555) 010-0147 or quist@example.org"  # invented
SECRETS = [b"Wilhelmina", b"Quistgaard", b"010-0147", b"quist@"]
DAY = 86_400.0


@pytest.fixture(autouse=True)
def chosen(monkeypatch):
    """Sets settings: chosen(stored_words="encrypted", ...)."""

    def choose(**values):
        made = Settings(**values)
        for module in (sealing, privacy, own_data):
            monkeypatch.setattr(module, "settings", lambda: made)

    choose()
    yield choose
    current_turn.set(None)
    database.cache_clear()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database with tables: on disk, or of the real server."""
    url = f"sqlite:///{tmp_path}/kept.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    migrate(url)
    yield url
    database(url).engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path):
    url = f"sqlite:///{tmp_path}/kept.db"
    migrate(url)
    yield url
    database(url).engine.dispose()


def planted():
    """Words like WORDS and what to search for, other ones each time: PostgreSQL's log holds what earlier tests wrote."""
    mark = "".join(random.choices("abcdefghij", k=8))  # letters: "Wilhelmina1234567" is a number to the redaction
    name, phone = f"Wilhelmina{mark}", f"555-{random.randint(200, 999)}-{random.randint(1000, 9999)}"
    return WORDS.replace("Wilhelmina", name).replace("(555) 010-0147", phone), [name.encode(), phone.encode()]


async def talk(url, sender, words, turns_=1):
    """Stores a conversation as the assistant does: events, state, the turn's replies and an effect."""
    store = TrackerStore(DOMAIN, host=url)
    for _ in range(turns_):
        message = uuid.uuid4().hex
        turn = Turn(message, [Reply("", "It may help.")], [Effect("notice", f"crisis {message}", {"topic": "faq"})])
        current_turn.set(turn)
        tracker = await store.retrieve(sender) or DialogueStateTracker(sender, DOMAIN.slots)
        parsed = {"text": words, "intent": {"name": "faq"}, "entities": [{"value": words}]}
        tracker.update(UserUttered(words, parse_data=parsed, message_id=message))
        tracker.update(SlotSet("careful", True))
        buttons = {"buttons": [{"title": "Does it work?", "payload": "/faq/evidence"}]}
        tracker.update(BotUttered("It may help.", buttons, {"utter_action": "utter_faq/ptsd", "sources": ["fda"]}))
        tracker.update(ActionExecuted("action_listen"))
        await store.save(tracker)
        judgement = Judgement(sender, message, 0, "down", words)
        await store.database.run(lambda connection, given=judgement: judge(connection, given))
    current_turn.set(None)
    return store


def rows(url, sender=None):
    """Rows by table, of one conversation or of all."""

    def count(connection):
        tables = (conversations, events, turns, outbox, feedback)
        chosen = [sa.select(sa.func.count()).select_from(table) for table in tables]
        if sender:
            chosen = [c.where(t.c.sender_id == sender) for c, t in zip(chosen, tables)]
        return [connection.execute(c).scalar() for c in chosen]

    return database(url).run_now(count)


def some(gone):
    """What was deleted at all."""
    return {table: number for table, number in gone.items() if number}


def on_disk(folder, server=None):
    """Every byte of the database's files, the write-ahead log with them."""
    if server is not None:
        with closing(server.admin()) as connection, connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        folder = server.folder / "data"
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def found_in(raw, words=SECRETS):
    return [word for word in words if word.lower() in raw.lower()]


@pytest.mark.parametrize("words, readable", [("plain", True), ("redacted", False), ("encrypted", False)])
async def test_sealed_words_are_not_in_the_files(url, words, readable, chosen, tmp_path, request):
    said, secrets = planted()
    chosen(stored_words=words, encryption_key=Fernet.generate_key().decode() if words == "encrypted" else "")
    store = await talk(url, "web:a", said, 3)
    server = None if url.startswith("sqlite") else request.getfixturevalue("fresh_postgres")
    assert found_in(on_disk(tmp_path, server), secrets) == (secrets if readable else [])
    tracker = await store.retrieve("web:a")
    kept = [event.text for event in tracker.events if isinstance(event, UserUttered)]
    assert kept == [said if words != "redacted" else "My name is [name], call [phone] or [email]"] * 3
    assert tracker.get_slot("careful") is True


async def test_a_wrong_key_fails_and_does_not_forget(sqlite_url, chosen):
    chosen(stored_words="encrypted", encryption_key=Fernet.generate_key().decode())
    store = await talk(sqlite_url, "web:a", WORDS)
    chosen(stored_words="encrypted", encryption_key=Fernet.generate_key().decode())
    with pytest.raises(sealing.Unreadable, match="ENCRYPTION_KEY"):
        await store.retrieve("web:a")
    with pytest.raises(sealing.Unreadable):
        privacy.export(database(sqlite_url), "web:a")
    assert privacy.erase_now(database(sqlite_url), "web:a")["conversations"] == 1  # erasing needs no key


async def test_erased_words_are_in_no_file(sqlite_url, tmp_path):
    # Interleaved and long, so that rows move between pages: secure_delete alone leaves copies behind then.
    senders = [f"web:{number * 7919 % 60:02}" for number in range(60)]
    for turn in range(3):
        for sender in senders:
            store = await talk(
                sqlite_url, sender, f"PLANTED{sender[4:]} {WORDS if sender == 'web:07' else ''} {turn} " + "x" * 900
            )
    erased, others = ["web:07", "web:23", "web:42"], [s for s in senders if s not in ("web:07", "web:23", "web:42")]
    before = [rows(sqlite_url, sender) for sender in others]
    for sender in erased:
        assert some(privacy.erase_now(database(sqlite_url), sender)).keys() > {"conversations", "events", "feedback", "misses"}
        assert rows(sqlite_url, sender) == [0, 0, 0, 0, 0]
    raw = on_disk(tmp_path)
    assert not found_in(raw, [*SECRETS, b"PLANTED07", b"PLANTED23", b"PLANTED42", b"web:07", b"web:23", b"web:42"])
    assert [rows(sqlite_url, sender) for sender in others] == before
    assert (await store.retrieve("web:08")).latest_message.text.startswith("PLANTED08")


def test_copies_in_moved_pages_go_too(sqlite_url, tmp_path):
    # SQLite moves long rows between pages as others come; secure_delete does not overwrite the copies (seed 4 leaves some).
    chance = random.Random(4)
    senders = [f"web:{chance.getrandbits(100):025x}" for _ in range(120)]

    def fill(connection):
        for number in range(960):
            sender = senders[number % 120] if number < 120 else chance.choice(senders)
            said = [sender + "x" * chance.randint(50, 5000) for _ in range(5)]
            connection.execute(sa.insert(events), [{"sender_id": sender, "type_name": "user", "data": text} for text in said])
            replies = sender + "y" * chance.randint(50, 2500)
            connection.execute(
                sa.insert(turns).values(sender_id=sender, message_id=str(chance.random()), replies=replies, at=1.0)
            )

    database(sqlite_url).run_now(fill)
    for sender in senders[:40]:
        database(sqlite_url).run_now(lambda connection, sender=sender: privacy.erase(connection, sender))
    privacy.wipe(database(sqlite_url))
    raw = on_disk(tmp_path)
    assert not [sender for sender in senders[:40] if sender.encode() in raw]
    assert all(sender.encode() in raw for sender in senders[40:])


async def test_erased_rows_are_in_no_table(url):
    await talk(url, "web:a", WORDS, 2)
    await talk(url, "web:b", "another patient", 2)
    kept = rows(url, "web:b")
    gone = privacy.erase_now(database(url), "web:a")
    assert some(gone) == {"conversations": 1, "events": 8, "feedback": 2, "misses": 2, "outbox": 2, "turns": 2}
    assert rows(url, "web:a") == [0, 0, 0, 0, 0] and rows(url, "web:b") == kept == rows(url)
    assert not any(privacy.erase_now(database(url), "web:a").values())  # once more does no harm


async def test_postgres_in_a_maintenance_window(fresh_postgres):  # noqa: F811
    migrate(fresh_postgres.url)
    said, secrets = planted()
    await talk(fresh_postgres.url, "web:a", said)
    privacy.erase_now(database(fresh_postgres.url), "web:a")
    with closing(fresh_postgres.admin()) as connection, connection.cursor() as cursor:
        cursor.execute("VACUUM FULL")
        cursor.execute("CHECKPOINT")
    tables = b"".join(path.read_bytes() for path in (fresh_postgres.folder / "data" / "base").rglob("*") if path.is_file())
    assert not found_in(tables, secrets)
    database(fresh_postgres.url).engine.dispose()


async def test_a_turn_under_way_does_not_bring_it_back(url):
    store = await talk(url, "web:a", WORDS)
    tracker = await store.retrieve("web:a")
    privacy.erase_now(database(url), "web:a")
    tracker.update(UserUttered("too late"))
    with pytest.raises(Exception, match="went on elsewhere"):
        await store.save(tracker)
    assert rows(url) == [0, 0, 0, 0, 0]
    await talk(url, "web:a", "a new beginning")
    assert len((await store.retrieve("web:a")).events) == 4


def age(url, sender, days):
    """Makes a conversation `days` older."""

    def shift(connection):
        for column in (conversations.c.updated, events.c.timestamp, turns.c.at, outbox.c.at):
            own = column.table.c.sender_id == sender
            connection.execute(sa.update(column.table).where(own).values({column.name: column - days * DAY}))

    database(url).run_now(shift)


async def test_purge_by_age(url, chosen):
    chosen(keep_conversations_days=10)
    for sender, days in (("web:old", 11), ("web:middle", 9), ("web:young", 1)):
        await talk(url, sender, WORDS)
        age(url, sender, days)
    now = time.time()
    delivered = sa.update(outbox).where(outbox.c.sender_id == "web:middle").values(done=now - 8 * DAY)
    database(url).run_now(lambda connection: connection.execute(delivered))
    gone = privacy.purge(database(url), now)
    assert some(gone) == {"conversations": 1, "events": 4, "feedback": 1, "misses": 1, "outbox": 2, "turns": 2}
    assert rows(url, "web:old") == [0, 0, 0, 0, 0]
    assert rows(url, "web:middle") == [1, 4, 0, 0, 1]  # its turn is older than 2 days, its effect delivered 8 days ago
    assert rows(url, "web:young") == [1, 4, 1, 1, 1]
    assert not any(privacy.purge(database(url), now).values())
    assert privacy.purge(database(url), now + 11 * DAY, clock_is_right=True)["conversations"] == 2 and rows(url) == [
        0,
        0,
        0,
        0,
        0,
    ]


async def test_attack_13_a_clock_200_days_ahead_erases_nothing(url, chosen, capsys, monkeypatch):
    chosen(keep_conversations_days=10, keep_requests_days=100)
    await talk(url, "web:a", WORDS)
    await request(url, "web:b")
    now = time.time()
    for first in (True, False):  # before the first purge the newest row is asked, then the mark of the last one
        with pytest.raises(privacy.ClockJumped, match="200 days after .* --clock-is-right"):
            privacy.purge(database(url), now + 200 * DAY)
        assert rows(url, "web:a") == [1, 4, 1, 1, 1]
        if first:
            assert not any(privacy.purge(database(url), now).values())
    assert not privacy.purge(database(url), now + privacy.LEAP - DAY / 24, url.startswith("postgres"))["conversations"]
    monkeypatch.setattr(privacy, "database", lambda: database(url))
    monkeypatch.setattr(privacy, "time", SimpleNamespace(time=lambda: now + 200 * DAY, sleep=time.sleep))
    assert privacy.main(["purge"]) == 1 and "--clock-is-right" in capsys.readouterr().err
    assert privacy.main(["purge", "--clock-is-right"]) == 0 and rows(url) == [0, 0, 0, 0, 0]
    assert not any(privacy.purge(database(url), now).values())  # set right again: no reason to wait


async def test_attack_13_a_request_that_nobody_has_taken_is_never_purged(url, chosen):
    chosen(keep_conversations_days=10, keep_requests_days=100)
    await request(url, "web:forgotten", 101, status="new")
    await request(url, "web:seen", 101, status="taken")
    gone = privacy.purge(database(url), time.time())
    assert gone["requests"] == gone["request_notes"] == 1
    left = database(url).run_now(lambda connection: connection.execute(sa.select(requests)).fetchall())
    assert [row.sender_id for row in left] == ["web:forgotten"]
    assert database(url).run_now(lambda connection: privacy.waiting_too_long(connection, time.time())) == 1


async def test_events_that_rasa_left_are_purged_too(url):
    fresh = [
        {"sender_id": "from before", "type_name": "user", "timestamp": time.time() - 40 * DAY, "data": "{}"},
        {"sender_id": "from yesterday", "type_name": "user", "timestamp": time.time() - DAY, "data": "{}"},
    ]
    database(url).run_now(lambda connection: connection.execute(sa.insert(events), fresh))
    assert privacy.purge(database(url), time.time())["events"] == 1
    assert rows(url, "from yesterday")[1] == 1


async def test_several_workers_purge_at_once(url):
    database(url).run_now(lambda connection: _plant(connection, 170))
    await talk(url, "web:young", WORDS)
    gone = await asyncio.gather(*(asyncio.to_thread(privacy.purge, database(url), time.time()) for _ in range(3)))
    assert sum(part["conversations"] for part in gone) == 170 and sum(part["turns"] for part in gone) == 170
    assert rows(url) == [1, 4, 1, 1, 1]


def _plant(connection, count):
    old = time.time() - 40 * DAY
    for number in range(count):
        sender = f"web:old{number}"
        row = {"sender_id": sender, "version": 1, "state": "{}", "started": old, "updated": old}
        connection.execute(sa.insert(conversations).values(row))
        connection.execute(sa.insert(turns).values(sender_id=sender, message_id="1", replies="[]", at=old))


async def test_the_scheduled_purge_goes_on_after_a_failure(sqlite_url, monkeypatch, caplog):
    monkeypatch.setattr(privacy, "FIRST_PURGE", 0.0)
    monkeypatch.setattr(privacy, "NEXT_PURGE", 0.02)
    await talk(sqlite_url, "web:a", WORDS)
    privacy.purge(database(sqlite_url), time.time())  # the clock is known
    age(sqlite_url, "web:a", 40)
    calls, purge = [], privacy.purge

    def fails_first(kept, now):
        calls.append(now)
        if len(calls) == 1:
            raise ValueError(WORDS)
        return purge(kept, now)

    monkeypatch.setattr(privacy, "purge", fails_first)
    task = asyncio.create_task(privacy.purge_daily(database(sqlite_url)))
    while rows(sqlite_url) != [0, 0, 0, 0, 0] or len(calls) < 3:
        await asyncio.sleep(0.02)
        assert not task.done()
    task.cancel()
    assert "ValueError" in caplog.text and "Quistgaard" not in caplog.text


async def test_the_patients_request_is_wiped_with_the_next_purge(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setattr(privacy, "FIRST_PURGE", 0.0)
    await talk(sqlite_url, "web:a", WORDS, 3)
    await privacy.erase_soon(database(sqlite_url), "web:a")
    assert rows(sqlite_url) == [0, 0, 0, 0, 0]
    task = asyncio.create_task(privacy.purge_daily(database(sqlite_url)))
    while found_in(on_disk(tmp_path)):
        await asyncio.sleep(0.02)
        assert not task.done()
    task.cancel()


async def test_export_is_complete(url, chosen):
    chosen(stored_words="encrypted", encryption_key=Fernet.generate_key().decode())
    await talk(url, "web:a", WORDS)
    await talk(url, "web:a", "/faq/evidence", 0)
    store = TrackerStore(DOMAIN, host=url)
    tracker = await store.retrieve("web:a")
    tracker.update(UserUttered("/faq/evidence"))
    await store.save(tracker)
    exported = json.loads(json.dumps(privacy.export(database(url), "web:a")))
    assert [(m["who"], m["words"]) for m in exported["messages"]] == [
        ("you", WORDS),
        ("assistant", "It may help."),
        ("you", "Does it work?"),  # the button's words, not its payload
    ]
    answer = exported["messages"][1]
    assert answer["sources"] == ["fda"] and answer["choices"] == ["Does it work?"] and answer["at"].endswith("UTC")
    assert exported["remembered"] == {"careful": True} and exported["passed_on"][0]["kind"] == "crisis"
    text = privacy.as_text(exported)
    assert WORDS in text and "It may help." in text and "fda" in text and "crisis" in text


def test_export_of_nothing(sqlite_url):
    exported = privacy.export(database(sqlite_url), "web:nobody")
    assert exported["messages"] == [] and "Nothing is kept." in privacy.as_text(exported)


async def test_the_command(sqlite_url, monkeypatch, capsys):
    monkeypatch.setattr(privacy, "database", lambda: database(sqlite_url))
    await talk(sqlite_url, "web:a", WORDS)
    assert privacy.main(["export", "web:a"]) == 0 and WORDS in capsys.readouterr().out
    assert privacy.main(["purge"]) == 0 and "0 conversations" in capsys.readouterr().out
    assert privacy.main(["erase", "web:a"]) == 0 and "1 conversations" in capsys.readouterr().out
    assert privacy.main(["erase", "web:a"]) == 1 and "no conversation web:a" in capsys.readouterr().err
    assert privacy.main(["export", "web:a"]) == 1
    for wrong in ([], ["purge", "now"], ["erase"], ["forget", "x"]):
        assert privacy.main(wrong) == 2 and "erase ID" in capsys.readouterr().err
    own = identity.conversation_with("sms", "+15550100147")
    await talk(sqlite_url, own, WORDS)
    assert privacy.main(["erase", "sms", "+15550100147"]) == 0 and rows(sqlite_url) == [0, 0, 0, 0, 0]


async def test_attack_14_erasing_by_number_finds_what_former_keys_named(sqlite_url, monkeypatch, capsys):
    monkeypatch.setattr(privacy, "database", lambda: database(sqlite_url))
    monkeypatch.setattr(identity, "keys", lambda: (b"n" * 32, b"o" * 32))
    for own in identity.conversations_with("sms", "+15550100147"):
        await talk(sqlite_url, own, WORDS)
    assert privacy.main(["export", "sms", "+15550100147"]) == 0 and capsys.readouterr().out.count(WORDS) >= 2
    assert privacy.main(["erase", "sms", "+15550100147"]) == 0 and rows(sqlite_url) == [0, 0, 0, 0, 0]


class Counted:
    """Stands for channels/rate_limits.py; lets everybody in unless told otherwise."""

    full = False

    async def address(self, _):
        if self.full:
            raise own_data.Limited("address", 7)


@pytest.fixture
async def web(sqlite_url, monkeypatch):
    """The two routes, served on loopback; call(path, body) -> status, JSON, headers."""
    monkeypatch.setattr(channel, "database", lambda: database(sqlite_url))
    counted = Counted()
    monkeypatch.setattr(own_data, "rate_limits", lambda: counted)
    monkeypatch.setattr(Sanic, "test_mode", True)  # otherwise only the first application of a process starts
    app = Sanic(f"own_data_{time.time_ns()}", configure_logging=False)
    blueprint = Blueprint("web", url_prefix="/webhooks/web")
    told = []

    async def after_erasure(conversation):
        told.append(conversation)

    own_data.add_own_data_routes(blueprint, "web", after_erasure)
    own_data.add_preflight(app, "web")
    app.blueprint(blueprint)
    port = free_port()
    server = await app.create_server(host="127.0.0.1", port=port, return_asyncio_server=True, access_log=False)
    await server.startup()

    def send(path, body, method):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/webhooks/web/{path}", data, method=method)
        asked.add_header("Origin", "https://www.example.org")
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()), error.headers

    async def call(path, body, method="POST"):
        return await asyncio.to_thread(send, path, body, method)

    call.url, call.counted, call.app = sqlite_url, counted, app
    yield call
    server.close()
    await server.wait_closed()


async def test_a_patient_exports_and_erases_with_the_ticket(web):
    ticket = identity.issue("web")
    own = identity.conversation_of("web", ticket)
    await talk(web.url, own, WORDS)
    await talk(web.url, "web:b", "another patient")
    others = rows(web.url, "web:b")
    status, exported, _ = await web("export", {"session_id": ticket})
    assert status == 200 and exported["messages"][0]["words"] == WORDS and WORDS in exported["text"]
    for _ in range(2):
        assert (await web("erase", {"session_id": ticket}))[:2] == (200, {"erased": True})
    assert rows(web.url, own) == [0, 0, 0, 0, 0] and rows(web.url, "web:b") == others
    assert (await web("export", {"session_id": ticket}))[1]["messages"] == []
    with pytest.raises(identity.NotIssued, match="erased"):
        identity.conversation_of("web", ticket)


async def test_attack_15_a_stolen_ticket_ends_with_the_erasure_in_every_process(web, monkeypatch):
    ticket, other = identity.issue("web"), identity.issue("web")
    own = identity.conversation_of("web", ticket)
    await talk(web.url, own, WORDS)
    assert (await web("erase", {"session_id": ticket}))[0] == 200
    monkeypatch.setattr(identity, "_ended", set())  # as in another process
    assert identity.conversation_of("web", ticket) == own
    await ended.refresh(database(web.url))
    with pytest.raises(identity.NotIssued, match="erased"):
        identity.conversation_of("web", ticket)
    assert identity.conversation_of("web", other)
    assert privacy.purge(database(web.url), time.time())["ended"] == 0
    assert privacy.purge(database(web.url), time.time() + 26 * 3600)["ended"] == 1  # when it would have expired anyway


async def test_attack_17_the_audit_log_says_who_erased(sqlite_url, monkeypatch):
    monkeypatch.setattr(privacy, "database", lambda: database(sqlite_url))
    by_staff, by_command = await request(sqlite_url, "web:a"), await request(sqlite_url, "web:b")
    database(sqlite_url).run_now(lambda connection: privacy.erase(connection, "web:a", "ada"))
    assert privacy.main(["erase", "web:b"]) == 0
    seen = database(sqlite_url).run_now(lambda connection: connection.execute(sa.select(audit)).fetchall())
    assert [(row.staff, row.action, row.object) for row in seen] == [
        ("ada", "erased a request", by_staff),
        ("command line", "erased a request", by_command),
    ]


async def test_erasing_waits_for_the_turn_under_way(web):
    ticket = identity.issue("web")
    store = await talk(web.url, identity.conversation_of("web", ticket), WORDS)
    turn = asyncio.Lock()
    web.app.ctx.agent = SimpleNamespace(lock_store=SimpleNamespace(lock=lambda _: turn), tracker_store=store)
    async with turn:
        erasing = asyncio.create_task(web("erase", {"session_id": ticket}))
        await asyncio.sleep(0.2)
        assert not erasing.done() and rows(web.url) == [1, 4, 1, 1, 1]
    assert (await erasing)[0] == 200 and rows(web.url) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "body, status",
    [(b"", 400), (b"not json", 400), ([], 400), (None, 400), ({}, 400), ({"session_id": 5}, 400), ({"session_id": ""}, 400)]
    + [({"session_id": made}, 403) for made in ("web:b", "b.forged", "x" * 500, "\u0000", "\ud800")],
)
@pytest.mark.parametrize("path", ["erase", "export"])
async def test_without_a_ticket_nothing_happens(web, path, body, status):
    await talk(web.url, "web:b", WORDS)
    answered, said, _ = await web(path, body)
    assert answered == status and said["error"] and rows(web.url, "web:b") == [1, 4, 1, 1, 1]


async def test_a_ticket_of_another_channel_is_refused(web):
    assert (await web("erase", {"session_id": identity.issue("rest")}))[0] == 403


async def test_too_many_calls_and_a_database_that_is_gone(web, monkeypatch):
    ticket = identity.issue("web")

    async def gone(*_):
        raise own_data.DatabaseUnavailable("down")

    monkeypatch.setattr(privacy, "erase_soon", gone)
    status, said, _ = await web("erase", {"session_id": ticket})
    assert status == 503 and "try again" in said["error"]
    web.counted.full = True
    status, said, headers = await web("export", {"session_id": ticket})
    assert status == 429 and said["error"] and headers["Retry-After"] == "7"


@pytest.mark.parametrize("origins, allowed", [("", None), ("https://www.example.org", "https://www.example.org")])
async def test_other_websites_read_the_answer_only_when_allowed(web, chosen, origins, allowed):
    chosen(allowed_origins=origins)
    for method in ("POST", "OPTIONS"):
        headers = (await web("export", {"session_id": identity.issue("web")}, method))[2]
        assert headers.get("Access-Control-Allow-Origin") == allowed


async def request(url, sender, days=0, status="taken"):
    """Stores a conversation with a call-back request and a note of staff on it, both `days` old; its reference."""
    store = TrackerStore(DOMAIN, host=url)
    reference = new_reference()
    current_turn.set(Turn(uuid.uuid4().hex, [Reply("", "Thank you.")]))
    tracker = DialogueStateTracker(sender, DOMAIN.slots)
    tracker.update(UserUttered("send it", parse_data={"text": "send it", "intent": {"name": "form_answer"}}))
    for slot, value in ((NAME, "Maria Planted"), (CONTACT, "+12125550142"), (REFERENCE, reference)):
        tracker.update(SlotSet(slot, value))
    await store.save(tracker)
    current_turn.set(None)
    old = time.time() - days * DAY
    note = {"reference": reference, "sender_id": sender, "staff": "ana", "at": old, "words": seal("Rang her.")}

    def write(connection):
        changed = sa.update(requests).where(requests.c.reference == reference)
        connection.execute(changed.values(updated=old, status=status))
        connection.execute(sa.insert(request_notes).values(**note))

    database(url).run_now(write)
    return reference


async def test_a_request_outlives_its_conversation_but_not_its_own_time(url, chosen):
    chosen(keep_conversations_days=10, keep_requests_days=100)
    await request(url, "web:old", 101)
    await request(url, "web:young", 99)
    assert some(privacy.purge(database(url), time.time())) == {"requests": 1, "request_notes": 1}
    gone = privacy.purge(database(url), time.time() + 11 * DAY, True)  # now both conversations are over, and the other request
    assert {"conversations": 2, "requests": 1, "request_notes": 1}.items() <= gone.items()


async def test_a_patient_erases_and_exports_the_request_too(url, tmp_path):
    reference = await request(url, "web:a")
    exported = privacy.export(database(url), "web:a")
    assert exported["requests"][0]["contact"] == "(212) 555-0142" and "Maria Planted" in privacy.as_text(exported)
    gone = privacy.erase_now(database(url), "web:a")
    assert {"requests": 1, "request_notes": 1, "conversations": 1}.items() <= gone.items()
    seen = database(url).run_now(lambda connection: connection.execute(sa.select(audit)).fetchall())
    assert [(row.action, row.object) for row in seen] == [("request erased by its patient", reference)]
    if url.startswith("sqlite"):
        assert not found_in(on_disk(tmp_path), [b"Planted", b"5550142"])


async def test_who_asks_stands_in_no_event(url):
    await request(url, "web:a")
    stored = database(url).run_now(lambda connection: connection.execute(sa.select(events.c.data)).scalars().all())
    assert stored and not any("Planted" in data or "5550142" in data for data in stored)


async def test_counts_are_purged_in_their_own_time(url, chosen):
    chosen(keep_counts_days=5)
    await talk(url, "web:a", WORDS)
    count = sa.select(sa.func.count()).select_from(facts)
    before = database(url).run_now(lambda connection: connection.execute(count).scalar())
    assert before and not privacy.purge(database(url), time.time() + 4 * DAY, True)["facts"]
    assert privacy.purge(database(url), time.time() + 6 * DAY, True)["facts"] == before
