"""ATTACKS.md 17: whoever has the database cannot alter the audit log without being seen."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import Settings
from infusion_guide.run import doctor_servers
from infusion_guide.storage import audit_chain
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.tables import audit, marks

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """Sets the keys."""

    def choose(*chosen):
        monkeypatch.setattr(audit_chain, "keys", lambda: chosen)

    choose(KEY)
    return choose


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request, tmp_path):
    """A database with ten entries after one from before the chain."""
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    migrate(url)
    database = Database(url)
    old = {"at": 1.0, "staff": "ada", "action": "before", "object": "x"}
    database.run_now(lambda connection: connection.execute(sa.insert(audit).values(**old)))
    for number in range(10):
        database.run_now(lambda connection, n=number: audit_chain.put(connection, "ada", "saw", f"thing {n}", "é" * n or None))
    database.url = url
    yield database
    database.engine.dispose()


def verify(kept, newest=0):
    return kept.run_now(lambda connection: audit_chain.verify(connection, newest))


def test_what_was_written_holds(kept):
    found = verify(kept)
    assert (found.entries, found.older, found.broken) == (10, 1, "")
    assert verify(kept, 3).entries == 3 and not verify(kept, 3).broken and verify(kept, 500).entries == 10


def forged():
    """A whole entry whose link is made with a key that a thief has."""
    row = {"at": 5.0, "staff": "ada", "action": "saw", "object": "nothing", "detail": None}
    return sa.insert(audit).values(**row, link=audit_chain._link(OTHER, {"id": 12, **row}, ""))


ALTERED = {
    "changed": lambda: sa.update(audit).where(audit.c.object == "thing 4").values(staff="eve"),
    "taken out": lambda: sa.delete(audit).where(audit.c.object == "thing 4"),
    "first taken out": lambda: sa.delete(audit).where(audit.c.object == "thing 0"),
    "end cut off": lambda: sa.delete(audit).where(audit.c.id > 8),
    "all taken out": lambda: sa.delete(audit),
    "added": forged,
    "added without a link": lambda: sa.insert(audit).values(at=5.0, staff="eve", action="saw", object="x"),
    "link taken off": lambda: sa.update(audit).where(audit.c.object == "thing 9").values(link=None),
    "mark taken out": lambda: sa.delete(marks),
    "mark changed": lambda: sa.update(marks).values(value=json.dumps({"id": 8, "link": "x", "count": 7, "seal": "y"})),
    "mark broken": lambda: sa.update(marks).values(value="nonsense"),
}


@pytest.mark.parametrize("how", ALTERED)
def test_attack_17_an_altered_audit_log_is_seen(kept, how):
    kept.run_now(lambda connection: connection.execute(ALTERED[how]()))
    assert verify(kept).broken
    chosen = Settings(database_url=kept.url)
    found = doctor_servers.audit_log(chosen)
    assert found.status == "FIX" and "backup" in found.words


def test_the_doctor_is_content_with_a_whole_one(kept):
    assert doctor_servers.audit_log(Settings(database_url=kept.url)).status == "OK"


def test_it_goes_on_under_a_new_key_as_long_as_the_former_is_known(kept, keys):
    keys(OTHER, KEY)
    kept.run_now(lambda connection: audit_chain.put(connection, "ada", "saw", "more"))
    assert verify(kept).entries == 11 and not verify(kept).broken
    keys(OTHER)
    assert "SECRET_KEY" in verify(kept).broken


def test_many_who_note_at_once_make_one_chain(kept):
    with ThreadPoolExecutor(6) as threads:
        work = lambda n: kept.run_now(lambda connection: audit_chain.put(connection, f"p{n}", "saw", "it"))  # noqa: E731
        list(threads.map(work, range(30)))
    assert (verify(kept).entries, verify(kept).broken) == (40, "")


def test_the_keys_are_those_of_the_settings():
    assert identity.keys()[0] == identity.secret()
