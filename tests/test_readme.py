"""The README does not lie: commands, paths and topics it names exist."""

import importlib.util
import re

from infusion_guide.clinic.settings import ROOT
from tests.rooms import responses
from tools import settings_docs

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


def test_what_is_made_of_the_settings_is_up_to_date():
    for path, text in settings_docs.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)}: run `make settings-docs`"
