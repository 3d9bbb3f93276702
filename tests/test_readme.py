"""The README does not lie: commands, paths and topics it names exist."""

import importlib.util
import re

from infusion_guide.clinic.settings import ROOT, Settings
from tests.rooms import responses

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_paths_exist():
    for path in re.findall(r"`([A-Za-z_.]+(?:/[A-Za-z_.<>-]*)+)`", README):
        if "<" not in path:
            assert (ROOT / path).exists(), f"README names {path}"


def test_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), f"README names `make {target}`"


def test_commands_of_the_makefile_start_what_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for module in re.findall(r"-m ((?:infusion_guide|tests|tools)[\w.]*)", makefile):
        assert importlib.util.find_spec(module), f"the Makefile starts {module}"


def test_every_topic_is_listed():
    replies = responses()
    for kind in ("faq", "uncovered"):
        for name in replies:
            if name.startswith(f"utter_{kind}/"):
                title = replies[name][0]["metadata"]["title"]
                assert title in README, f"README does not list '{title}' ({name})"


def test_pictures_exist():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).exists(), path


def test_settings_are_all_in_the_example_file():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in Settings.__dataclass_fields__:
        assert f"{name.upper()}=" in example, f".env.example does not show {name.upper()}"
    for name in re.findall(r"^([A-Z_]+)=", example, re.M):
        assert name.lower() in Settings.__dataclass_fields__, f".env.example shows {name}, which nothing reads"
