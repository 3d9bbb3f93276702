"""Staff are told: by e-mail and webhook, each on its own, as often as it takes, and without a word of a patient."""

import asyncio
import email
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from email.policy import default

import pytest
import sqlalchemy as sa
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.delivery import notices, outbox
from infusion_guide.delivery.outbox import Entry, NotDelivered, deliver_due
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.tables import outbox as table
from infusion_guide.storage.tables import requests
from tests.mail_server import PASSWORD, USER, MailServer, make_certificate
from tests.notice_worker import store_request
from tests.ports import free_port

DESK, NURSE = "front.desk@clinic.example", "nurse@clinic.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "conversations.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(empty, tmp_path):
    shutil.copy(empty, tmp_path / "conversations.db")
    return Database(f"sqlite:///{tmp_path / 'conversations.db'}")


@pytest.fixture
def set_up(monkeypatch, certificate):
    """Sets the clinic up for mail to a server on `port`; only the test's own certificate is trusted."""
    monkeypatch.setattr(outbox, "HANDLERS", {})
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.0)
    monkeypatch.setattr(notices, "trusted", lambda: ssl.create_default_context(cafile=certificate))
    monkeypatch.setattr(notices, "secret", lambda: b"k" * 32)
    notices.attach()

    def choose(**values):
        mail = {"notice_email": DESK, "smtp_host": "127.0.0.1", "smtp_port": free_port(), "smtp_security": "none"}
        chosen = Settings(**{**mail, "staff_url": "https://bot.example.org", **values})
        for module in (notices, outbox):
            monkeypatch.setattr(module, "settings", lambda: chosen)
        return chosen.smtp_port

    return choose


async def put(database, kind="request", which="K7M-2QX", sender="web:a"):
    await database.run(lambda connection: outbox.put(connection, sender, outbox.notice(kind, sender, which)))


async def rows(database):
    return await database.run(lambda connection: connection.execute(sa.select(table).order_by(table.c.id)).fetchall())


async def make_due(database):
    await database.run(lambda connection: connection.execute(sa.update(table).values(due=0)))


def entry(kind="request", conversation="web:a", reference="K7M-2QX", key="k"):
    payload = {"kind": kind, "conversation": conversation, "reference": reference}
    return Entry({"key": key, "at": 1_795_000_000.0, "payload": outbox.seal(payload)})


async def test_a_request_is_mailed_encrypted_signed_in_and_said_shortly(database, set_up, certificate):
    port = set_up(notice_email=f"{DESK} {NURSE}", smtp_security="starttls", smtp_user=USER, smtp_password=PASSWORD)
    with MailServer(port, certificate, sign_in=True) as server:
        await put(database)
        assert await deliver_due(database) == 1
        await make_due(database)
        assert await deliver_due(database) == 0
    (mail,) = server.mails
    assert server.signed_in == [True]
    assert mail["Subject"] == "New call-back request K7M-2QX"
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == (DESK, f"{DESK}, {NURSE}", "auto-generated")
    assert mail["Message-ID"] == notices.message(entry(key="request web:a K7M-2QX mail"))["Message-ID"]
    assert "https://bot.example.org/staff/requests/K7M-2QX" in mail.get_content() and "web:a" not in mail.get_content()


@pytest.mark.parametrize("kind", ["crisis", "undelivered"])
def test_other_notices_say_when_and_where(set_up, kind):
    set_up(clinic_name="Clínica {reference}", notice_from="bot@clinic.example")
    mail = notices.message(entry(kind, "sms:9f2c"))
    assert "Wednesday, November 18, 6:06 AM" in mail["Subject"] and mail["From"] == "bot@clinic.example"
    where = "https://bot.example.org/staff" + ("/conversations/one?id=sms%3A9f2c" if kind == "crisis" else "")
    assert f"{where}\n" in mail.get_content()
    assert "Clínica {reference}" in mail.get_content() and mail.as_bytes().isascii()


def test_without_an_address_of_the_staff_pages_the_link_is_this_machine(set_up):
    set_up(staff_url="", staff_port=5999)
    assert notices.link({"kind": "request", "reference": "K7M-2QX"}) == "http://127.0.0.1:5999/staff/requests/K7M-2QX"


HEADERS = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"}
CONTENT = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
attacks = ["\r\nBcc: evil@x.example", "x\nSubject: y\n\nhello", "\x0b\x1c\u2028Bcc: a@b", "a" * 300]
evil = st.text(max_size=40) | st.sampled_from(attacks)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(notices.WORDS)), evil, evil, evil)
def test_nothing_that_is_stored_can_change_a_header(kind, conversation, reference, key):
    with pytest.MonkeyPatch.context() as patch:
        chosen = Settings(notice_email=DESK, smtp_host="127.0.0.1", staff_url="https://bot.example.org")
        patch.setattr(notices, "settings", lambda: chosen)
        key = key.encode("utf-8", "replace").decode()
        conversation = conversation.encode("utf-8", "replace").decode()
        mail = email.message_from_bytes(notices.message(entry(kind, conversation, reference, key)).as_bytes(), policy=default)
    assert set(mail.keys()) == HEADERS | CONTENT and len(mail.keys()) == len(HEADERS | CONTENT)
    assert mail["To"] == DESK and "\n" not in mail["Subject"] and not mail.defects
    assert mail.get_content().count("https://") == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_webhook_that_points_elsewhere_is_not_followed(set_up, status):
    """A notice goes where the clinic sends it and nowhere else: a redirect is no delivery, and nobody is called twice."""
    called = []

    async def answer(request):
        called.append(request.path)
        return web.Response(status=status if request.path == "/here" else 200, headers={"Location": "/elsewhere"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        set_up(notice_webhook=f"http://127.0.0.1:{port}/here")
        with pytest.raises(NotDelivered, match=str(status)):
            await notices.post(entry())
        assert called == ["/here"]
    finally:
        await runner.cleanup()


async def test_a_server_that_is_down_at_first_gets_one_mail(database, set_up):
    port = set_up()
    await put(database)
    for _ in range(3):
        assert await deliver_due(database) == 0
    with MailServer(port) as server:
        await make_due(database)
        assert await deliver_due(database) == 1
        assert await deliver_due(database) == 0
    assert len(server.mails) == 1
    assert [row.attempts for row in await rows(database)] == [4]


@contextmanager
def hanging():
    """A mail server that takes calls and never says a word; its port."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
async def webhook():
    """A staff system: its address, and the bodies that it got."""
    got = []

    async def take(request):
        got.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/", got
    await runner.cleanup()


async def test_one_way_that_fails_neither_repeats_nor_stops_the_other(database, set_up, webhook):
    url, got = webhook
    port = set_up(notice_webhook=url)
    await put(database)
    for _ in range(3):
        await deliver_due(database)
        await make_due(database)
    link = "https://bot.example.org/staff/requests/K7M-2QX"
    key = "request web:a K7M-2QX"
    assert got == [{"key": key, "kind": "request", "conversation": "web:a", "reference": "K7M-2QX", "link": link}]
    with MailServer(port) as server:
        assert await deliver_due(database) == 1
    assert len(server.mails) == len(got) == 1


async def test_a_mail_server_that_hangs_holds_up_nobody_else(database, set_up, webhook, monkeypatch):
    url, got = webhook
    monkeypatch.setattr(outbox, "LOOK", 0.02)
    monkeypatch.setattr(outbox, "MAIL_SECONDS", 0.6)
    with hanging() as port:
        set_up(notice_webhook=url, smtp_port=port)
        for number in range(outbox._AT_ONCE + 5):  # more than are worked off at once
            await put(database, "crisis", "m1", f"web:{number}")
        forever = asyncio.ensure_future(outbox.deliver_forever(database))
        started = time.monotonic()
        while len(got) < outbox._AT_ONCE + 5 and time.monotonic() - started < 5:
            await asyncio.sleep(0.02)
        await put(database, "crisis", "m2", "web:late")
        while len(got) < outbox._AT_ONCE + 6 and time.monotonic() - started < 5:
            await asyncio.sleep(0.02)
        assert {body["key"] for body in got} == {f"crisis web:{n} m1" for n in range(25)} | {"crisis web:late m2"}
        tried = {row.sender_id: row for row in await rows(database) if row.kind == "mail"}
        assert not any(row.done for row in tried.values())
        while not forever.done():  # Python 3.10's wait_for can swallow a cancellation
            forever.cancel()
            await asyncio.sleep(0.01)


async def test_a_hanging_mail_server_costs_its_time_and_no_more(database, set_up, monkeypatch):
    monkeypatch.setattr(outbox, "MAIL_SECONDS", 0.2)
    with hanging() as port:
        set_up(smtp_port=port)
        await put(database)
        started = time.monotonic()
        assert await deliver_due(database) == 0
        assert 0.1 < time.monotonic() - started < 1.5


async def test_not_now_is_tried_again(database, set_up):
    port = set_up()
    await put(database)
    with MailServer(port) as server:
        server.answers = {"RCPT": ["450 4.2.0 Greylisted"], "DATA": ["451 4.3.0 Try again later", "421 4.3.2 Closing"]}
        for expected in (0, 0, 0, 1, 0):
            assert await deliver_due(database) == expected
            await make_due(database)
    assert len(server.mails) == 1


async def test_a_refused_recipient_is_tried_for_ever_and_not_logged(database, set_up, caplog, monkeypatch):
    port = set_up()
    await put(database)
    long_ago = time.time() - 2 * outbox.MESSAGES_END
    await database.run(lambda connection: connection.execute(sa.update(table).values(at=long_ago, attempts=40)))
    with MailServer(port) as server, caplog.at_level(logging.DEBUG):
        server.refused = {DESK}
        monkeypatch.setattr(outbox, "_FIRST_WAIT", 2.0)
        assert await deliver_due(database) == 0
        (row,) = await rows(database)
        assert not row.done and not row.failed and 60 < row.due - time.time() <= 120  # never given up, never long
        server.refused = set()
        await make_due(database)
        assert await deliver_due(database) == 1
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # that is the server's own
    told = "Outbox entry 1 not delivered yet: SMTP_HOST refuses every address of NOTICE_EMAIL (550)."
    assert any(told in line for line in ours)
    assert not any("@" in line for line in ours)


async def test_the_others_get_it_once_when_one_is_refused(database, set_up, caplog):
    port = set_up(notice_email=f"{DESK} {NURSE}")
    await put(database)
    with MailServer(port) as server:
        server.refused = {NURSE}
        assert await deliver_due(database) == 1
        assert await deliver_due(database) == 0
    assert len(server.mails) == 1
    assert "refuses 1 of the 2 addresses" in caplog.text and "@" not in caplog.text


async def words_of(chosen):
    return await notices.mail_problem(chosen, 1.0)


async def test_a_password_goes_to_no_server_that_is_not_trusted(set_up, certificate, monkeypatch):
    def chosen(port, security, **values):
        sign_in = {"smtp_user": USER, "smtp_password": PASSWORD, **values}
        return Settings(notice_email=DESK, smtp_host="127.0.0.1", smtp_port=port, smtp_security=security, **sign_in)

    port = set_up()
    with MailServer(port, certificate, sign_in=True) as server:
        assert await words_of(chosen(port, "starttls")) is None
        assert "does not take SMTP_USER" in await words_of(chosen(port, "starttls", smtp_password="wrong"))
        assert True in server.signed_in and False in server.signed_in
        server.signed_in.clear()
        assert "SMTP_SECURITY does not fit" in await words_of(chosen(port, "tls"))
        monkeypatch.setattr(notices, "trusted", ssl.create_default_context)
        assert "no certificate that is trusted" in await words_of(chosen(port, "starttls"))
    assert not server.signed_in
    with MailServer(port) as server:  # it offers no encryption at all
        assert "does not offer" in await words_of(chosen(port, "starttls"))
    assert not server.signed_in
    assert "cannot be reached (ConnectionRefusedError)" in await words_of(chosen(port, "starttls"))


async def test_encryption_from_the_first_byte(database, set_up, certificate):
    port = set_up(smtp_security="tls", smtp_user=USER, smtp_password=PASSWORD)
    await put(database, "crisis", "m1")
    with MailServer(port, certificate, sign_in=True, tls_from_the_start=True) as server:
        assert await deliver_due(database) == 1
    assert server.mails[0]["Subject"].startswith("Crisis conversation, ")


async def test_what_goes_wrong_is_said_without_addresses(set_up):
    set_up()
    with pytest.raises(NotDelivered, match="SMTP_HOST cannot be reached") as raised:
        await notices.send(entry())
    assert not raised.value.final and "@" not in str(raised.value)


async def test_a_request_that_is_stored_twice_is_stored_and_told_once(database, set_up):
    set_up()
    await database.run(store_request)
    with pytest.raises(sa.exc.IntegrityError):
        await database.run(store_request)
    assert len(await rows(database)) == 1


def start_worker(mode, database, port):
    """A process of its own, set up by its environment alone."""
    mail = {"NOTICE_EMAIL": DESK, "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURITY": "none"}
    env = {**os.environ, **mail, "DATABASE_URL": str(database.engine.url), "SECRET_KEY": "k" * 32}
    command = [sys.executable, "-W", "ignore", "-m", "tests.notice_worker", mode]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


async def test_killed_between_the_confirmation_and_the_notice(database, set_up):
    port = set_up()
    with MailServer(port) as server:
        with start_worker("store", database, port) as worker:
            assert worker.stdout.readline() == "stored\n"
            worker.kill()
        assert worker.returncode == -signal.SIGKILL and not server.mails
        assert await deliver_due(database) == 1  # the next start
        assert await deliver_due(database) == 0
    (stored,) = await database.run(lambda connection: connection.execute(sa.select(requests)).fetchall())
    assert [mail["Subject"] for mail in server.mails] == [f"New call-back request {stored.reference}"]


async def test_killed_while_the_mail_server_takes_the_mail(database, set_up):
    port = set_up()
    await put(database, "crisis", "m1")
    with MailServer(port) as server:
        with start_worker("deliver", database, port) as worker:
            server.on_mail = worker.kill  # the mail is there, the server's answer never arrives
            worker.wait(timeout=30)
        server.on_mail = lambda: None
        (row,) = await rows(database)
        assert not row.done and row.due > time.time() + 30  # nobody takes it before the killed worker's minute is over
        assert await deliver_due(database) == 0
        await make_due(database)
        assert await deliver_due(database) == 1
        assert await deliver_due(database) == 0
    assert len(server.mails) == 2 and len({mail["Message-ID"] for mail in server.mails}) == 1
