"""The committed script is what its source makes of it, small, and proven by its own tests."""

import gzip
import json
import shutil
import subprocess

import pytest

from infusion_guide.clinic.settings import ROOT

SOURCE = ROOT / "widget"
SCRIPT = ROOT / "infusion_guide" / "website" / "widget.js"
MOST_BYTES = 35_000  # compressed; what the last 5,000 are for: docs/widget.md, "Its size"


def npm(*command, folder=SOURCE):
    found = subprocess.run(["npm", *command], cwd=folder, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, f"npm {' '.join(command)}\n{found.stdout[-4000:]}\n{found.stderr[-2000:]}"


def packages(lock):
    """What a lock file says is installed: version and fingerprint by place."""
    listed = json.loads(lock.read_text(encoding="utf-8"))["packages"].items()
    return {place: (each["version"], each.get("integrity")) for place, each in listed if place and not each.get("optional")}


def test_the_installed_packages_are_the_locked_ones():
    """So that what is built here is what `npm ci` on any machine builds."""
    locked = packages(SOURCE / "package-lock.json")
    installed = packages(SOURCE / "node_modules" / ".package-lock.json")
    assert {place: installed.get(place) for place in locked} == locked


def test_the_lock_has_fingerprints_and_no_download_address():
    lock = SOURCE / "package-lock.json"
    assert '"resolved"' not in lock.read_text(encoding="utf-8")
    assert [place for place, (_, fingerprint) in packages(lock).items() if not fingerprint] == []


def test_the_committed_script_is_built_from_the_source(tmp_path):
    copy = tmp_path / "widget"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(SOURCE / "node_modules")
    npm("run", "build", folder=copy)
    built = tmp_path / "infusion_guide" / "website" / "widget.js"
    assert built.read_bytes() == SCRIPT.read_bytes(), "Run `make widget` and commit infusion_guide/website/widget.js."


def test_the_script_is_small():
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) <= MOST_BYTES


@pytest.mark.parametrize("task", [("run", "check"), ("test",)], ids=["types", "unit tests"])
def test_the_sources_own_checks(task):
    npm(*task)
