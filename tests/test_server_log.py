"""ATTACKS.md 11: patients' words in PostgreSQL's own log."""

import logging
from contextlib import closing

import pytest
import sqlalchemy as sa

from infusion_guide.clinic.settings import Settings
from infusion_guide.run import doctor_servers
from infusion_guide.storage import server_log
from infusion_guide.storage.database import create_engine

WORDS = "I am Wilhelmina Quistgaard and I relapsed"  # invented


@pytest.fixture(autouse=True)
def nobody_was_told():
    server_log._told.clear()


def fail(url, mark):
    """Statements with WORDS that PostgreSQL cancels, refuses for their row, or that run into a broken rule."""
    engine = create_engine(url)
    said = f"{WORDS} {mark}"
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS said (words text PRIMARY KEY, needed integer NOT NULL)")
    for statement in (
        "SELECT pg_sleep(5), %(said)s",
        "INSERT INTO said (words) VALUES (%(said)s)",
        "INSERT INTO said VALUES (%(said)s, 1), (%(said)s, 2)",
    ):
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 100")
            connection.exec_driver_sql(statement, {"said": said})
    engine.dispose()


def logged(server, mark):
    return f"{WORDS} {mark}" in (server.folder / "server.log").read_text(encoding="utf-8", errors="replace")


def run(server, statements):
    with closing(server.admin()) as connection, connection.cursor() as cursor:
        cursor.execute(statements)


def test_attack_11_words_of_a_patient_in_postgresqls_log(fresh_postgres, caplog):
    """Before: logged whole. After the administrator's lines: by no failure."""
    with caplog.at_level(logging.WARNING):
        fail(fresh_postgres.url, "before")
    assert logged(fresh_postgres, "before")
    assert "storage.server_log" in caplog.text and "Wilhelmina" not in caplog.text
    chosen = Settings(database_url=fresh_postgres.url, production=True, secret_key="s" * 32, stored_words="plain")
    assert doctor_servers.server_log(chosen).status == "FIX"
    run(fresh_postgres, server_log.statements(fresh_postgres.database))
    try:
        fail(fresh_postgres.url, "after")
        assert not logged(fresh_postgres, "after")
        assert doctor_servers.server_log(chosen).status == "OK"
    finally:
        run(fresh_postgres, f"ALTER ROLE {fresh_postgres.database} RESET ALL")


def test_a_role_that_may_silences_itself(fresh_postgres, caplog):
    """The role of the usual container image is a superuser; since PostgreSQL 15 others can be granted it."""
    role = fresh_postgres.database
    names = ", ".join(server_log.QUIET)
    run(fresh_postgres, f"GRANT SET ON PARAMETER {names} TO {role}")
    try:
        fail(fresh_postgres.url, "granted")
        assert not logged(fresh_postgres, "granted") and "own log" not in caplog.text
    finally:
        run(fresh_postgres, f"REVOKE SET ON PARAMETER {names} FROM {role}")


def test_it_holds_after_the_pool_rolled_back(fresh_postgres):
    role = fresh_postgres.database
    run(fresh_postgres, f"ALTER ROLE {role} SUPERUSER")
    try:
        engine = create_engine(fresh_postgres.url)
        for _ in range(3):
            with engine.connect() as connection, connection.connection.cursor() as cursor:
                assert server_log.loud(cursor) == []
        engine.dispose()
    finally:
        run(fresh_postgres, f"ALTER ROLE {role} NOSUPERUSER")


def test_the_command_prints_what_to_run(monkeypatch, capsys):
    monkeypatch.setattr(server_log, "settings", lambda: Settings(database_url='postgresql://o"x:p@h/d'))
    assert server_log.main() == 0
    assert 'ALTER ROLE "o""x" SET log_min_error_statement = \'panic\';' in capsys.readouterr().out
    monkeypatch.setattr(server_log, "settings", lambda: Settings())
    assert server_log.main() == 1 and "nothing to do" in capsys.readouterr().err
