"""Supervision with tiny servers in the place of the assistant: started again, given up on, stopped in order."""

import signal
import subprocess
import sys
import textwrap
import time
import urllib.request

import psutil
import pytest

from infusion_guide.clinic.settings import ROOT
from infusion_guide.run import supervisor
from tests.ports import free_port

SERVER = """
import http.server, os, signal, sys, time
port, name, log = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def write(word): open(log, "a").write(f"{name} {word} {os.getpid()}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die": os._exit(7)
        if self.path == "/slow": time.sleep(2)
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
def leave(*_): write("stopped"); sys.exit(0)
signal.signal(signal.SIGTERM, leave)
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
write("started")
if name == "mortal" and open(log).read().count("mortal started") > 1: os._exit(3)
server.serve_forever()
"""

SUPERVISOR = """
import os, sys
from infusion_guide.run import supervisor
supervisor.LOOK = 0.05
supervisor.LONGEST_PAUSE = float(sys.argv[1])
parts = []
for word in sys.argv[4:]:
    name, port = word.split("=")
    parts.append(supervisor.Part(name, [sys.executable, sys.argv[2], port, name, sys.argv[3]], f"http://127.0.0.1:{port}/"))
def renewed():
    asked = sys.argv[3] + ".renew"
    if os.path.exists(asked):
        os.remove(asked)
        return supervisor.Part(parts[0].name, [*parts[0].command, "new model"], parts[0].url)
supervisor.stop_when_asked()
sys.exit(supervisor.supervise(parts, dict(os.environ), lambda: print("Ready", flush=True), renewed))
"""


class Supervised:
    """A supervisor with its parts; `log` tells what they did."""

    def __init__(self, folder, *names, longest_pause=0.05):
        self.log = folder / "log"
        self.ports = {name: free_port() for name in names}
        server, supervisor = folder / "server.py", folder / "supervisor.py"
        server.write_text(SERVER, encoding="utf-8")
        supervisor.write_text(textwrap.dedent(SUPERVISOR), encoding="utf-8")
        words = [str(longest_pause), str(server), str(self.log), *(f"{name}={port}" for name, port in self.ports.items())]
        self.process = subprocess.Popen(
            [sys.executable, str(supervisor), *words],
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines = [self.process.stdout.readline() for _ in range(len(names) + 1)]
        assert lines[-1] == "Ready\n", self.process.communicate()

    def get(self, name, path="/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=5) as answer:
            return answer.read()

    def told(self):
        return [line.rsplit(" ", 1)[0] for line in self.log.read_text().splitlines()]

    def pids(self):
        return [int(line.rsplit(" ", 1)[1]) for line in self.log.read_text().splitlines() if " started " in line]

    def until(self, happened, seconds=15):
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def supervised(tmp_path):
    begun = []

    def begin(*names, **options):
        begun.append(Supervised(tmp_path, *names, **options))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.process.terminate()
            each.process.wait(20)
        each.process.communicate()


def kill(one, name):
    with pytest.raises(OSError):
        one.get(name, "/die")


@pytest.mark.parametrize("victim", ["assistant", "staff"])
def test_what_ends_by_itself_is_started_again(supervised, victim):
    one = supervised("assistant", "staff")
    kill(one, victim)
    one.until(lambda: one.told().count(f"{victim} started") == 2)
    one.until(lambda: psutil.Process(one.pids()[-1]).net_connections())
    assert one.get(victim) == b"ok"
    other = {"assistant", "staff"} - {victim}
    assert one.told().count(f"{other.pop()} started") == 1


def test_a_new_model_starts_its_part_anew(supervised):
    one = supervised("assistant", "staff")
    one.log.with_name("log.renew").touch()
    one.until(lambda: one.told() == ["assistant started", "staff started", "assistant stopped", "assistant started"])
    assert "new model" in psutil.Process(one.pids()[-1]).cmdline()
    one.until(lambda: psutil.Process(one.pids()[-1]).net_connections())
    kill(one, "assistant")  # what ends later is mended with the new command
    one.until(lambda: one.told().count("assistant started") == 3)
    assert "new model" in psutil.Process(one.pids()[-1]).cmdline()
    assert one.told().count("staff started") == 1


def test_pauses_grow_and_then_it_gives_up(supervised):
    one = supervised("staff", "mortal", longest_pause=0.2)
    kill(one, "mortal")
    assert one.process.wait(20) == 1
    words = one.process.stderr.read()
    assert one.told().count("mortal started") == 1 + supervisor.MOST_ENDS
    assert "The mortal ended (exit 7); starting it again" in words
    assert "The mortal ended again (exit 3); giving up after 5 new starts." in words
    assert one.told()[-1] == "staff stopped"


def test_the_pauses(monkeypatch, tmp_path):
    paused = []
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: paused.append(seconds) if seconds != supervisor.LOOK else None)
    monkeypatch.setattr(supervisor, "wait_for", lambda *_: None)
    monkeypatch.setattr(supervisor, "MOST_ENDS", 8)
    monkeypatch.setattr(supervisor, "_start", lambda *_: subprocess.Popen([sys.executable, "-c", ""]))
    assert supervisor.supervise([supervisor.Part("part", [], "")], {}, lambda: None) == 1
    assert paused == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_the_last_started_first_and_leaves_nothing(supervised, asked):
    one = supervised("assistant", "staff")
    pids = one.pids()
    one.process.send_signal(asked)
    one.process.send_signal(asked)  # an impatient second time
    assert one.process.wait(20) == 0
    assert one.told()[-2:] == ["staff stopped", "assistant stopped"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_part_that_does_not_start_ends_everything(tmp_path):
    part = supervisor.Part("broken", [sys.executable, "-c", "import sys; sys.exit(4)"], "http://127.0.0.1:9/")
    with pytest.raises(SystemExit, match="exit 4"):
        supervisor.supervise([part], {}, lambda: pytest.fail("not ready"))


def test_a_process_that_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    process = supervisor._start([sys.executable, "-c", deaf], {})
    time.sleep(0.5)
    supervisor.stop(process)
    assert process.returncode == -signal.SIGKILL
