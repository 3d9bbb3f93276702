"""The migrations make the tables that the code believes in, on both databases, also beside Rasa's old table."""

import json
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from infusion_guide.clinic.settings import ROOT
from infusion_guide.storage import callbacks
from infusion_guide.storage.database import _MIGRATIONS, create_engine, migrate
from infusion_guide.storage.tables import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/c.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url


def test_nothing_is_missing_and_twice_is_once(url):
    migrate(url)
    migrate(url)
    with create_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_assistants_that_start_at_once_migrate_once(url):
    code = f"from infusion_guide.storage.database import migrate; migrate({url!r})"
    starting = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in starting] == [0, 0, 0]
    with create_engine(url).connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_a_migration_that_breaks_midway_leaves_nothing(url, monkeypatch):
    monkeypatch.setattr("alembic.op.create_index", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        migrate(url)
    monkeypatch.undo()
    assert "conversations" not in sa.inspect(create_engine(url)).get_table_names()
    migrate(url)


def test_rows_of_rasas_own_store_are_kept(tmp_path):
    from rasa.core.tracker_store import SQLTrackerStore

    url = f"sqlite:///{tmp_path}/c.db"
    engine = create_engine(url)
    SQLTrackerStore.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO events (sender_id, type_name, data) VALUES ('a', 'user', '{}')"))
    migrate(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar() == 1


def test_a_call_back_of_the_release_before_is_read_whole_without_any_key(url):
    alembic = Config()
    alembic.set_main_option("script_location", str(_MIGRATIONS))
    alembic.attributes["url"] = url
    command.upgrade(alembic, "0004")
    whole = {"name": '"Maria"', "contact": '"+12125550142"', "best_time": '"mornings"', "topic": '"What it costs"'}
    bare = {"name": "fernet:gAAA", "contact": "fernet:gBBB", "best_time": None, "topic": None}
    before = [("K7M-2QX", whole), ("B3C-4DF", bare)]
    engine = create_engine(url)

    def rows():
        with engine.connect() as connection:
            return [row._mapping for row in connection.execute(sa.text("SELECT * FROM requests ORDER BY id"))]

    with engine.begin() as connection:
        for reference, sealed in before:
            row = {"reference": reference, "sender_id": "web:a", "channel": "web", "at": 1.0, "updated": 1.0, "status": "new"}
            names = [*row, *sealed]
            insert = f"INSERT INTO requests ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
            connection.execute(sa.text(insert), {**row, **sealed})
    migrate(url)
    assert [row["reference"] for row in rows()] == ["K7M-2QX", "B3C-4DF"]
    with engine.connect() as connection:
        found = callbacks.listed(connection, callbacks.PRIVATE).requests
    assert [(each.reference, each.readable) for each in found] == [("B3C-4DF", False), ("K7M-2QX", True)]
    assert found[1].given == {name: json.loads(sealed) for name, sealed in whole.items()}
    command.downgrade(alembic, "0004")
    assert [(row["reference"], {name: row[name] for name in whole}) for row in rows()] == before
    migrate(url)
    engine.dispose()
