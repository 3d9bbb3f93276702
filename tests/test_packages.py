"""Setting up is one line, and what uv says is told when it fails."""

import subprocess
import sys

import pytest

from infusion_guide.clinic.settings import ROOT
from infusion_guide.run import packages
from infusion_guide.watch.console import Bar

UV = """
import sys
print("Resolved 3 packages in 1ms", file=sys.stderr)
print("Downloading numpy (30.0MiB)\\nDownloading six (10.0MiB)", file=sys.stderr)
print(" Downloaded numpy\\n Downloaded six\\n + numpy==1", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def uv(tmp_path):
    """A command that says what uv says, and ends with the code that follows it."""
    (tmp_path / "uv.py").write_text(UV, encoding="utf-8")
    return [sys.executable, str(tmp_path / "uv.py")]


def test_it_fills_up_with_what_has_come(uv, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(Bar, "show", lambda self, part, note: shown.append((part, note)))
    packages.install("Packages", [*uv, "0"])
    assert shown[2:4] == [(0.75, "30 of 40 MB"), (1.0, "40 of 40 MB")]
    assert capsys.readouterr().out == "Packages ... done after 0 s\n"


def test_a_failure_is_told(uv, capsys):
    with pytest.raises(SystemExit, match="Resolved 3 packages"):
        packages.install("Packages", [*uv, "2"])
    assert capsys.readouterr().out == "Packages ... stopped after 0 s\n"


def test_it_needs_no_package(uv):
    command = [sys.executable, "-S", "-m", "infusion_guide.run.packages", "Packages", *uv, "0"]  # -S: no site-packages
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
