"""docs/security.md does not lie: every test, file and setting that it names exists, and every finding stands in it."""

import ast
import re

from infusion_guide.clinic.settings import ROOT, Settings

DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
UNLESS_NAMED = "tests/faults/test_abuse.py"


def names_of(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_named_test_exists():
    named = re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", DOCUMENT)
    assert len(named) > 30
    for path, name in named:
        assert name in names_of(path or UNLESS_NAMED), f"docs/security.md names {path or UNLESS_NAMED}::{name}"


def test_every_attack_is_named():
    missing = {name for name in names_of(UNLESS_NAMED) if name.startswith("test_") and name not in DOCUMENT}
    assert not missing, f"docs/security.md does not tell of {missing}"
    for finding in [f"C{number}" for number in range(1, 8)] + [f"H{number}" for number in range(1, 9)]:
        assert f"| {finding}. " in DOCUMENT, finding


def test_every_path_and_setting_exists():
    for path in re.findall(r"`((?:docs|deploy|infusion_guide|requirements|tests|models)/[\w./-]*)`", DOCUMENT):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`([A-Z_]+)(?:=\w+)?`", DOCUMENT):
        assert name.lower() in Settings.__dataclass_fields__, name


def test_links_lead_somewhere():
    for folder, text in ((ROOT / "docs", DOCUMENT), (ROOT, (ROOT / "SECURITY.md").read_text(encoding="utf-8"))):
        for link in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (folder / link).exists(), link
