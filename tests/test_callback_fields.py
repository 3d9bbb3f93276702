"""A field of the call-back form is one line in one table: what is private about it follows, and is never forgotten."""

import shutil
import subprocess
import sys

from infusion_guide.callbacks import fields
from infusion_guide.clinic.settings import ROOT
from tests.rooms import DATA, domain, read_yaml

LINE = '    Field("callback_birth_date", "birth_date", "Birth date"),\n'


def test_a_new_field_is_private_everywhere(tmp_path):
    for folder in ("infusion_guide", "actions", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for linked in ("data", "tools", "pyproject.toml"):
        (tmp_path / linked).symlink_to(ROOT / linked)
    table = tmp_path / "infusion_guide" / "callbacks" / "fields.py"
    before, last, after = table.read_text(encoding="utf-8").partition("    Field(SEND),\n")
    table.write_text(before + LINE + last + after, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "pytest", "-q", "tests/new_field.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "5 passed" in ran.stdout


def test_the_register_and_the_form_name_the_same_fields():
    assert domain()["forms"][fields.FORM]["required_slots"] == list(fields.SLOTS), "domain.yml, forms: as callbacks/fields.py"
    assert set(fields.SLOTS) <= set(domain()["slots"]), "domain.yml, slots: as callbacks/fields.py"
    wording = read_yaml(DATA / "form_words.yml")
    for change in fields.CHANGES:
        for language, said in wording.items():
            assert {change, f"{change}_words"} <= set(said), f"{language} of data/form_words.yml: wording of {change} is missing"


def test_who_may_read_what():
    everything = ["name", "contact", "best_time", "topic"]
    assert [field.name for field in fields.readable(clinical=True)] == everything
    assert [field.name for field in fields.readable(clinical=False)] == everything
    hidden = fields.Field("callback_x", "x", "X")
    assert hidden.telling and not hidden.front_desk
