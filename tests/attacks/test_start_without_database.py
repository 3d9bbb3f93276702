"""Finding 5: the shipped entry point did not start without its database, and ended in tracebacks where it could not be used."""

import os
import subprocess
import sys
import time
from contextlib import closing

import pytest
import requests
import sqlalchemy as sa
from sqlalchemy.engine.url import make_url

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.engine.training import ensure_model
from infusion_guide.run import __main__ as run
from infusion_guide.run import commands
from infusion_guide.storage import server_log
from infusion_guide.storage.database import create_engine, migrate
from tests.development_server import LAST_WORDS
from tests.ports import HOST, free_port


def migrated(url):
    """What the role `migrate` says and ends with."""
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run", "migrate"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True)


def is_one_sentence_that_says_what_to_do(done, *words):
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr and "DATABASE_URL" in done.stderr, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_away():
    done = migrated(f"postgresql://clinic:hidden@{HOST}:{free_port()}/clinic")
    assert done.returncode == run.NO_DATABASE and "hidden" not in done.stderr
    is_one_sentence_that_says_what_to_do(done, "cannot be reached", "Start it")


@pytest.mark.parametrize("keep", [0, 16, 100])
def test_a_damaged_file(tmp_path, keep):
    path = tmp_path / "conversations.db"
    migrate(f"sqlite:///{path}")
    whole = path.read_bytes()
    path.write_bytes(whole[:keep] + os.urandom(len(whole) - keep))
    done = migrated(f"sqlite:///{path}")
    assert done.returncode == run.NO_DATABASE
    is_one_sentence_that_says_what_to_do(done, "damaged", "backup")


def test_a_folder_that_is_not_there(tmp_path):
    done = migrated(f"sqlite:///{tmp_path}/none/conversations.db")
    assert done.returncode == run.NO_DATABASE
    is_one_sentence_that_says_what_to_do(done, "cannot be written", "chown")


def test_a_newer_release(tmp_path):
    url = f"sqlite:///{tmp_path}/conversations.db"
    migrate(url)
    with create_engine(url).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    done = migrated(url)
    assert done.returncode == 1  # nothing may run on it
    is_one_sentence_that_says_what_to_do(done, "newer release", "backup")


def test_a_role_that_may_make_no_tables(fresh_postgres):
    with closing(fresh_postgres.admin()) as connection, connection.cursor() as cursor:
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        cursor.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
        cursor.execute(server_log.statements("weak"))  # or the log of the server is complained about as well
        try:
            weak = make_url(fresh_postgres.url).set(username="weak", password="weak")
            done = migrated(weak.render_as_string(hide_password=False))
            assert done.returncode == run.NO_DATABASE
            is_one_sentence_that_says_what_to_do(done, "GRANT")
            done = migrated(weak.set(password="wrong").render_as_string(hide_password=False))
            assert done.returncode == run.NO_DATABASE
            is_one_sentence_that_says_what_to_do(done, "password")
        finally:
            cursor.execute("DROP ROLE weak")


def test_a_database_that_comes_later_is_brought_up_to_date(monkeypatch, tmp_path, capfd):
    chosen = Settings(database_url=f"sqlite:///{tmp_path}/conversations.db")
    monkeypatch.setattr(run, "TABLES_AGAIN", 0.0)
    tables = run.Tables(chosen, missing=True)
    end = time.monotonic() + 60
    while tables.missing and time.monotonic() < end:
        tables.look()
        time.sleep(0.05)
    assert not tables.missing and "up to date" in capfd.readouterr().err
    assert migrated(chosen.database_url).returncode == 0


@pytest.mark.server
def test_the_shipped_entry_point_answers_a_crisis_without_its_database(tmp_path, fresh_postgres):
    """`python -m infusion_guide.run` as `make run` and the unit start it; the database comes back while it serves."""
    ensure_model()
    fresh_postgres.stop()
    port, log = free_port(), tmp_path / "log"
    chosen = {"DATABASE_URL": fresh_postgres.url, "PORT": str(port), "STAFF_PORT": str(free_port()), "REDIS_URL": ""}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "infusion_guide.run"],
            cwd=ROOT,
            env={**os.environ, **chosen},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 180
        while LAST_WORDS not in log.read_text() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.3)
        assert process.poll() is None, log.read_text()
        url = f"{commands.local_url(Settings(port=port))}/webhooks/rest/webhook"

        def says(text):
            found = requests.post(url, json={"sender": "a", "message": text}, timeout=10)
            return found.status_code, [each["metadata"]["utter_action"] for each in found.json()]

        unseen = "ive written letters to each of my kids, its just a matter of choosing the day"  # in no pattern
        status, names = says(unseen)
        assert status == 503 and names[0].startswith("utter_crisis/"), names
        assert says("does it help with depression?") == (503, ["utter_technical_problem"])
        fresh_postgres.start()
        end = time.monotonic() + 60
        while says("does it help with depression?")[0] != 200:
            assert time.monotonic() < end, log.read_text()
            time.sleep(1)
        assert says("does it help with depression?") == (200, ["utter_faq/depression"])
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        process.wait(40)
