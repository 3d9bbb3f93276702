"""One line a step, whether somebody watches or a file does; what libraries say is kept for when it matters."""

import os
import pty
import subprocess
import sys
import time

import pytest

from infusion_guide.clinic.settings import ROOT
from infusion_guide.watch import console
from infusion_guide.watch.console import Bar


def test_in_a_file_it_is_one_line(capsys):
    with Bar("Training") as bar:
        bar.show(0.5, "half")
    assert capsys.readouterr().out == "Training ... done after 0 s\n"


def test_what_failed_is_said_to_have_stopped(capsys):
    with pytest.raises(KeyError), Bar("Training"):
        raise KeyError
    assert capsys.readouterr().out == "Training ... stopped after 0 s\n"


def test_on_a_terminal_it_moves_and_ends_as_one_line(monkeypatch):
    monkeypatch.setattr(console, "_TICK", 0.05)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        with Bar("Training", terminal) as bar:
            for part in (0.0, 0.5):
                bar.show(part, f"{part}")
                time.sleep(0.2)
        said = ""
        while not said.endswith("\n"):
            said += os.read(ours, 10_000).decode()
    os.close(ours)
    assert "[--------------------] 0 s  0.0" in said and "[##########----------] 0 s  0.5" in said
    assert said.count("\n") == 1 and said.endswith("\r\033[KTraining ... done after 0 s\r\n")


NOISY = """
import os, sys
from infusion_guide.watch.console import Bar, quietly
with quietly() as terminal, Bar("Loading", terminal):
    print("a library's words"); os.system("echo from C"); print("a warning", file=sys.stderr)
    {0}
print("after")
"""


def noisy(last):
    command = [sys.executable, "-c", NOISY.format(last)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_libraries_are_quiet_while_all_goes_well():
    done = noisy("pass")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Loading ... done after 0 s\nafter\n", "")


def test_what_they_said_is_told_when_it_does_not():
    done = noisy("raise SystemExit('No.')")
    assert done.returncode == 1 and done.stdout == "Loading ... stopped after 0 s\n"
    assert all(words in done.stderr for words in ("a library's words", "from C", "a warning", "No."))
