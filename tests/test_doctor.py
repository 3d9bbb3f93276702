"""The doctor: plain words, the right status, no secrets, and done in three seconds whatever hangs."""

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.run import doctor
from infusion_guide.run import doctor_servers as servers
from infusion_guide.run.doctor import FIX, NOTE, OK, Finding
from infusion_guide.storage.database import migrate
from tests.mail_server import MailServer
from tests.ports import free_port

KEY = "s" * 40


def chosen(**values):
    return Settings(**{"port": free_port(), **values})


@contextmanager
def serving(port, answers):
    """A web server on `port`: status and JSON by path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers.get(self.path, (404, {}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_every_check_explains_itself():
    for check in doctor.CHECKS:
        assert check.__doc__
    found = doctor.examine(chosen())
    assert len(found) == len(doctor.CHECKS)
    for name, finding in found:
        assert finding.status in (OK, NOTE, FIX) and finding.words and "\n" not in finding.words, name


def test_here_python_and_packages_are_right():
    assert doctor.python_version(chosen()).status == OK
    assert doctor.packages(chosen()).status == OK


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "redis" else doctor.importlib.metadata.version(name))
    finding = doctor.packages(chosen())
    assert finding.status == FIX and "redis" in finding.words and "make setup" in finding.words


@pytest.mark.parametrize("there, status", [(("new",), OK), (("infusion-guide-old",), FIX), ((), FIX)])
def test_model(monkeypatch, tmp_path, there, status):
    for name in there:
        (tmp_path / f"{name}.tar.gz").touch()
    monkeypatch.setattr(doctor, "MODELS", tmp_path)
    monkeypatch.setattr(doctor, "model_path", lambda: tmp_path / "new.tar.gz")
    finding = doctor.model(chosen())
    assert finding.status == status and (status == OK or "make train" in finding.words)


def test_database_before_and_after_its_first_start(tmp_path):
    settings = chosen(database_url=f"sqlite:///{tmp_path / 'new.db'}")
    assert "first start" in servers.database(settings).words and not (tmp_path / "new.db").exists()
    (tmp_path / "new.db").touch()
    assert servers.database(settings).status == NOTE
    migrate(settings.database_url)
    assert servers.database(settings).status == OK
    assert servers.database(chosen(database_url=f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")).status == FIX


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://clinic:hunter2@127.0.0.1:{port}/talks?password=hunter3",
        "postgresql+psycopg2://clinic:hunter2@127.0.0.1:{port}/t",
    ],
)
def test_an_unreachable_database_keeps_its_password(url):
    finding = servers.database(chosen(database_url=url.format(port=free_port())))
    assert finding.status == FIX and "DATABASE_URL" in finding.words
    assert "hunter" not in finding.words and "clinic" not in finding.words


def test_redis():
    assert servers.redis(chosen()).status == OK
    finding = servers.redis(chosen(redis_url=f"redis://:hunter2@127.0.0.1:{free_port()}/0"))
    assert finding.status == FIX and "hunter2" not in finding.words


def test_a_port_that_is_free():
    settings = chosen()
    assert servers.assistant(settings) == Finding(OK, f"port {settings.port} is free")


PARTS = {"model": True, "database": True, "lock": True, "actions": True}


@pytest.mark.parametrize(
    "ready, status, word",
    [((200, PARTS), OK, "is ready"), ((503, {**PARTS, "database": False}), FIX, "not ready: database"), ((404, {}), FIX, "else")],
)
def test_the_assistant_that_runs(ready, status, word):
    settings = chosen()
    with serving(settings.port, {"/health": (200, {"status": "alive"}), "/ready": ready}):
        finding = servers.assistant(settings)
    assert finding.status == status and word in finding.words


@pytest.mark.parametrize("answers, status", [({"/actions": (200, [])}, OK), ({}, FIX)])
def test_an_action_server_of_its_own(answers, status):
    port = free_port()
    with serving(port, answers):
        assert servers.actions(chosen(actions_url=f"http://127.0.0.1:{port}")).status == status


def test_actions_without_a_server_of_their_own():
    assert servers.actions(chosen()).status == OK
    assert "ACTIONS_URL" in servers.actions(chosen(actions_url=f"http://127.0.0.1:{free_port()}")).words


def test_a_port_where_something_mute_listens():
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        assert "something else" in servers.assistant(chosen(port=mute.getsockname()[1])).words


LIVE = {"production": True, "secret_key": KEY, "stored_words": "plain"}


@pytest.mark.parametrize(
    "values, status, word",
    [
        ({}, NOTE, "not for patients"),
        ({"production": True, "secret_key": KEY, "proxies": 1}, FIX, "STORED_WORDS is not chosen"),
        ({**LIVE, "host": "0.0.0.0"}, FIX, "PROXIES=1"),
        ({**LIVE, "host": "0.0.0.0", "proxies": 1}, NOTE, "forged"),
        ({**LIVE, "proxies": 1}, NOTE, "STORED_WORDS is plain"),
        ({**LIVE, "proxies": 1}, NOTE, "STAFF_SECOND_FACTOR"),
        (
            {
                "production": True,
                "secret_key": KEY,
                "proxies": 1,
                "stored_words": "redacted",
                "staff_second_factor": True,
                "database_url": "postgresql://db/x",
            },
            OK,
            "complete",
        ),
    ],
)
def test_production(values, status, word):
    finding = doctor.production(chosen(**values))
    assert finding.status == status and word in finding.words and KEY not in finding.words


def test_no_phone_matters_in_production():
    assert doctor.clinic(chosen()).status == NOTE
    assert doctor.clinic(chosen(production=True, secret_key=KEY)).status == FIX
    assert doctor.clinic(chosen(clinic_phone="555-123-4567")).status == OK


@pytest.mark.parametrize(
    "values, status, words",
    [
        ({}, NOTE, "CLINIC_HOURS is not set"),
        ({"clinic_hours": "Mon-Fri 9-17"}, NOTE, "Monday to Friday 9 AM to 5 PM, America/New_York; opens next"),
        ({"clinic_hours": "Mon-Fri 9-17", "clinic_holidays": "US"}, OK, "next day off 20"),
        ({"clinic_hours": "daily 0-24", "clinic_holidays": "2026-01-01"}, OK, "every day all day"),
    ],
)
def test_opening_hours(values, status, words):
    finding = doctor.opening_hours(chosen(**values))
    assert finding.status == status and words in finding.words


def test_notices():
    assert "nobody is told" in servers.notices(chosen()).words
    port = free_port()
    mail = {"notice_email": "front.desk@clinic.example", "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    staff = {"staff_url": "https://bot.example.org", "secret_key": KEY}
    missing = servers.notices(chosen(**mail))
    assert missing.status == FIX and "cannot be reached" in missing.words and "@" not in missing.words
    with MailServer(port) as server:
        assert servers.notices(chosen(**mail, **staff, production=True)) == Finding(OK, "staff are told by e-mail")
        assert servers.notices(chosen(**mail, staff_port=5999)).words.endswith("link to port 5999 of this machine.")
        assert servers.notices(chosen(**mail, secret_key=KEY, production=True)).status == FIX
        assert "https" in servers.notices(chosen(**mail, **{**staff, "staff_url": "http://x"}, production=True)).words
    assert not server.mails
    webhook = chosen(notice_webhook="https://staff.example", staff_url="https://bot.example.org")
    assert servers.notices(webhook) == Finding(OK, "staff are told by NOTICE_WEBHOOK")


def test_disk_clock_and_review(monkeypatch, tmp_path):
    assert doctor.disk(chosen()).status == OK
    monkeypatch.setattr(doctor, "_ROOM", 10**18)
    assert doctor.disk(chosen()).status == FIX
    assert doctor.clock(chosen()).status == OK
    monkeypatch.setattr(doctor, "MODELS", ROOT / "models")
    monkeypatch.setattr(doctor.time, "time", lambda: 0.0)
    monkeypatch.setattr(doctor, "MODELS", tmp_path)
    (tmp_path / "m.tar.gz").touch()
    assert doctor.clock(chosen()).status == FIX
    assert doctor.review(chosen()).status in (OK, NOTE)


GOOD = {
    "/bot42:t/getMe": (200, {"ok": True}),
    "/auth.test": (200, {"ok": True}),
    "/me": (200, {"id": "1"}),
    "/77": (200, {"id": "77"}),
    "/2010-04-01/Accounts/AC1.json": (200, {"status": "active"}),
}


@pytest.mark.parametrize(
    "changed, status, words",
    [
        ({}, OK, "accepted by Messenger, Slack, Text messages, Telegram, WhatsApp"),
        ({"/bot42:t/getMe": (401, {"ok": False})}, FIX, "Telegram: TELEGRAM_TOKEN is not accepted (401)"),
        ({"/auth.test": (200, {"ok": False, "error": "invalid_auth"})}, FIX, "Slack: SLACK_TOKEN is not accepted"),
        ({"/77": (400, {})}, FIX, "WHATSAPP_NUMBER_ID"),
        ({"/2010-04-01/Accounts/AC1.json": (200, {"status": "suspended"})}, FIX, "TWILIO_ACCOUNT"),
        ({"/me": (500, {})}, FIX, "Messenger answers 500"),
    ],
)
def test_messaging_platforms(changed, status, words):
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    apis = dict.fromkeys(("telegram_api", "slack_api", "meta_api", "twilio_api"), api)
    found = chosen(
        public_url="https://bot.example.org",
        telegram_token="42:t",
        telegram_secret="s" * 20,
        slack_token="xoxb-secret",
        slack_signing_secret="s",
        messenger_token="m-secret",
        messenger_app_secret="s",
        messenger_verify_token="v",
        whatsapp_token="w-secret",
        whatsapp_number_id="77",
        whatsapp_app_secret="s",
        whatsapp_verify_token="v",
        twilio_account="AC1",
        twilio_token="t-secret",
        twilio_sender="+15555550100",
        **apis,
    )
    with serving(port, {**GOOD, **changed}):
        finding = servers.messaging(found)
    assert finding.status == status and words in finding.words
    assert "secret" not in finding.words and "42:t" not in finding.words and api not in finding.words


def test_a_platform_that_cannot_be_reached_is_named():
    finding = servers.messaging(
        chosen(telegram_token="42:t", telegram_secret="s" * 20, telegram_api=f"http://127.0.0.1:{free_port()}")
    )
    assert finding.status == FIX and "Telegram cannot be reached" in finding.words and "PUBLIC_URL" in finding.words
    assert servers.messaging(chosen()).status == OK


def test_what_hangs_or_breaks_hides_nothing(monkeypatch):
    def hangs(_):
        time.sleep(30)

    def breaks(_):
        raise ValueError("hunter2")

    monkeypatch.setattr(doctor, "SECONDS", 0.3)
    started = time.monotonic()
    found = dict(doctor.examine(chosen(), (hangs, breaks, doctor.python_version)))
    assert time.monotonic() - started < 2
    assert found["hangs"].status == FIX and found["breaks"].words == "could not be checked (ValueError)."
    assert found["python version"].status == OK


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql://user:pass@db.example.org:5432/clinic?password=x", "postgresql://db.example.org:5432/clinic"),
        ("rediss://:p@ss@cache:6379/0", "rediss://cache:6379/0"),
        ("sqlite:///conversations.db", "sqlite:///conversations.db"),
    ],
)
def test_urls_are_shown_without_secrets(url, shown):
    assert servers.without_secrets(url) == shown


@pytest.mark.parametrize("values, code, word", [({"PORT": "99999"}, 1, "FIX  settings: PORT"), ({}, None, "OK   settings")])
def test_as_a_command(values, code, word):
    ports = {"PORT": str(free_port())}
    env = {"PATH": "", "SECRET_KEY": KEY, "DATABASE_URL": "sqlite:////tmp/none.db", **ports, **values}
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run.doctor"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert word in done.stdout and KEY not in done.stdout + done.stderr
    assert done.returncode == (code if code is not None else int("FIX " in done.stdout))
