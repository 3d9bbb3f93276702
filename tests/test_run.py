"""What `make run` does around the servers: it stays small, says what is wrong in a sentence, and who can sign in."""

import os
import re
import socket
import subprocess
import sys

import psutil
import pytest

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.replies import pins
from infusion_guide.run import __main__ as run
from infusion_guide.run import commands
from infusion_guide.storage import accounts as staff
from infusion_guide.storage.database import database
from tests.development_server import LAST_WORDS
from tests.ports import HOST, free_port

HEAVY = {"rasa", "tensorflow", "spacy", "numpy", "scipy", "sqlalchemy", "alembic", "matplotlib", "onnxruntime", "sklearn"}
MOST_MEMORY = 60_000_000  # bytes of the process that starts the others


def ours(*words, **env):
    """What `python -m infusion_guide.run` said, with `env` as its settings."""
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True)


def loaded(code):
    """The heavy packages that `code` loads in a process of its own."""
    code += f"\nimport sys; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_first_process_loads_nothing_heavy():
    assert loaded("import infusion_guide.run.__main__") == set()


def test_the_staff_pages_and_the_actions_load_no_part_of_the_assistant():
    code = "import actions, pkgutil, infusion_guide.staff.application\n"
    code += "for each in pkgutil.iter_modules(actions.__path__): __import__(f'actions.{each.name}')"
    assert loaded(code) == {"sqlalchemy"}, "seconds and hundreds of megabytes, before anybody asked for them"


@pytest.fixture
def quiet_run(monkeypatch, tmp_path):
    """`run` on free ports with a database of its own, where nothing is trained or started: the parts it would have started."""
    chosen = Settings(port=free_port(), staff_port=free_port(), database_url=f"sqlite:///{tmp_path}/clinic.db")
    begun = []

    def supervise(parts, env, ready, renewed):
        begun.extend(parts)
        ready()
        return 0

    monkeypatch.setattr(run, "settings", lambda: chosen)
    monkeypatch.setattr(commands, "training", lambda: [sys.executable, "-c", ""])
    monkeypatch.setattr(run, "stop_when_asked", lambda: None)
    monkeypatch.setattr(run, "supervise", supervise)
    return chosen, begun


def test_it_starts_the_assistant_then_the_staff_pages_and_says_who_can_sign_in(quiet_run, capfd):
    chosen, begun = quiet_run
    assert run.main([]) == 0
    assert [part.name for part in begun] == ["assistant", "staff pages"]
    assert begun[1].url == f"http://{HOST}:{chosen.staff_port}/staff/health"
    pages = f"Staff pages: http://{HOST}:{chosen.staff_port}/staff"
    assert f"{pages} (nobody can sign in yet: make staff NAME=maria ROLE=admin, with your name)\n" in capfd.readouterr().out
    database(chosen.database_url).run_now(lambda connection: staff.add(connection, "maria", "admin", "hash", True))
    assert run.main([]) == 0
    assert f"{pages}\n" in capfd.readouterr().out


def test_what_it_says_is_short(quiet_run, capfd):
    chosen, _ = quiet_run
    run.main([])
    said = capfd.readouterr().out.strip().splitlines()
    assert len(said) <= 8 and not any(re.search("[Ww]arning|{", line) for line in said if "curl" not in line)
    assert any(f"http://{HOST}:{chosen.port}/" in line for line in said)


@pytest.mark.parametrize("name", ["PORT", "STAFF_PORT"])
def test_a_port_in_use_is_one_sentence(name):
    with socket.create_server((HOST, free_port())) as other:
        port = str(other.getsockname()[1])
        done = ours(**{"PORT": str(free_port()), "STAFF_PORT": str(free_port()), name: port})
    assert done.returncode == 1 and done.stdout == ""
    words = f"Nothing can listen on {HOST}:{port} (address already in use). End what does, or change {name} in .env.\n"
    assert done.stderr == words


def test_crisis_words_that_nobody_signed_are_not_served(quiet_run, monkeypatch, capfd):
    monkeypatch.setattr(pins, "pinned", lambda: {"en": {}, "es": {}})
    assert run.main([]) == 1
    assert "make pin" in capfd.readouterr().err and quiet_run[1] == []


@pytest.mark.parametrize("env, words, said", [({"PORT": "x"}, (), "PORT is 'x'"), ({}, ("sing",), "There is no role sing")])
def test_a_wrong_setting_or_role_is_one_sentence(env, words, said):
    done = ours(*words, **env)
    assert done.returncode == 2 and done.stderr.startswith(said) and done.stderr.count("\n") == 1


def test_in_production_nothing_starts_before_the_clinic_chose_how_words_are_stored():
    live = {"PRODUCTION": "true", "SECRET_KEY": "s" * 32}
    for words in ((), ("assistant",), ("staff",), ("migrate",)):
        done = ours(*words, **live, STORED_WORDS="")
        assert done.returncode == 2 and done.stderr.startswith("PRODUCTION is on, but STORED_WORDS is not chosen"), words


def test_what_fails_before_the_servers_ends_it(quiet_run, monkeypatch):
    monkeypatch.setattr(commands, "training", lambda: [sys.executable, "-c", "raise SystemExit(3)"])
    assert run.main([]) == 3 and quiet_run[1] == []


def test_no_model_is_said_and_nothing_is_trained(tmp_path):
    done = ours("assistant", str(tmp_path / "none.tar.gz"), PORT=str(free_port()))
    assert done.returncode == 1 and "run `make train`" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "host, url",
    [("127.0.0.1", "http://127.0.0.1:5005"), ("0.0.0.0", "http://127.0.0.1:5005"), ("::", "http://[::1]:5005")],
)
def test_where_this_machine_reaches_the_assistant(host, url):
    assert commands.local_url(Settings(host=host, production=True, secret_key="s" * 32)) == url


def test_the_staff_pages_say_that_their_port_is_taken():
    with socket.create_server((HOST, free_port())) as other:
        port = other.getsockname()[1]
        done = ours("staff", STAFF_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == f"The staff pages cannot listen on STAFF_PORT {port}: Address already in use.\n"


def test_a_database_that_cannot_be_reached_is_said_in_one_line():
    done = ours("migrate", DATABASE_URL=f"postgresql://clinic:secret@127.0.0.1:{free_port()}/clinic")
    assert done.returncode == run.NO_DATABASE
    assert done.stderr.count("\n") == 1 and "DATABASE_URL" in done.stderr and "secret" not in done.stderr


def test_the_first_process_stays_small(development_server):
    first = psutil.Process(development_server.pid)
    assert first.memory_info().rss < MOST_MEMORY
    assert len(first.children()) == 2


def test_a_start_is_calm(development_server):
    """All that two servers say from the start of the first to "Ready", in a file and so without moving bars."""
    lines = development_server.log.partition(LAST_WORDS)[0].splitlines()
    assert len(lines) <= 12
    assert not any(re.match(r"\{|.*[Ww]arning", line) for line in lines)
