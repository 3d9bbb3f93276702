"""In a crisis is said what was signed, and the assistant does not start with anything else."""

import shutil
import subprocess
import sys

import pytest

from infusion_guide.clinic.data import DATA
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.engine.agent import Misconfigured, set_up
from infusion_guide.engine.lock_store import ConversationLocks
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.replies import book, pins
from infusion_guide.run import doctor

SUICIDE = "I'm so glad you told me"


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A copy of data/ in the place of the project's."""
    shutil.copytree(DATA, tmp_path / "data")
    monkeypatch.setattr(book, "RESPONSES", tmp_path / "data" / "responses")
    book._book.cache_clear()
    yield tmp_path / "data"
    book._book.cache_clear()


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_said_is_what_was_signed():
    assert pins.changed() == ""
    assert set(pins.pinned()["en"]) == set(pins.pinned()["es"]) == set(pins.written()["en"])
    assert SUICIDE in pins.pinned()["en"]["utter_crisis/suicide"][0]


def test_every_wording_is_pinned_in_its_language():
    for language, words in pins.pinned().items():
        for name, wordings in words.items():
            written = [each for each in book.variations(name) if each.language == language]
            assert len(wordings) == len(written) == len(set(wordings)) >= 2, f"{name} ({language})"


@pytest.mark.parametrize(
    "old, new, language",
    [
        (SUICIDE, "I'm glad you told me", "en"),
        ("I'm a program, but you can keep writing.", "", "en"),
        ("Gracias por decírmelo", "Gracias", "es"),
        ("{crisis_line}", "988 or 989", "en"),
    ],
)
def test_a_changed_word_is_noticed(data, old, new, language):
    change(data / "responses" / "crisis" / "suicide.yml", old, new)
    said = pins.changed()
    assert f"utter_crisis/suicide ({language}," in said and "make pin" in said and "data/safety/pinned_replies.yml" in said


def test_one_more_variation_or_reply_is_noticed(data):
    path = data / "responses" / "crisis" / "suicide.yml"
    change(
        path,
        "responses:\n  utter_crisis/suicide:\n",
        "responses:\n  utter_crisis/suicide:\n  - text: It will pass.\n    metadata: {sources: [], refer: none, next: []}\n",
    )
    assert "utter_crisis/suicide" in pins.changed()
    book._book.cache_clear()
    path.unlink()
    assert "utter_crisis/suicide" in pins.changed()


def test_other_words_may_change(data):
    change(data / "responses" / "faq" / "depression.yml", "Depression is heavy", "Depression is hard")
    assert pins.changed() == ""


class Fit:
    """What set_up looks at of Rasa's agent."""

    tracker_store, lock_store, processor, action_endpoint = TrackerStore(None), ConversationLocks(), None, None


def test_the_assistant_does_not_start_with_words_that_nobody_signed(data):
    with pytest.raises(Misconfigured, match="No model"):  # all before it is in order
        set_up(Fit())
    change(data / "responses" / "crisis" / "overdose.yml", "Call", "Perhaps call")
    book._book.cache_clear()
    with pytest.raises(Misconfigured, match="utter_crisis/overdose"):
        set_up(Fit())
    assert doctor.crisis_words(Settings()).status == doctor.FIX


def test_pinning_writes_the_same_file_while_nothing_changed(tmp_path):
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "infusion_guide", copy / "infusion_guide", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(DATA, copy / "data")
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.replies.pins"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    assert (copy / "data" / "safety" / "pinned_replies.yml").read_bytes() == pins.FILE.read_bytes()
    change(copy / "data" / "responses" / "crisis" / "suicide.yml", SUICIDE, "Thank you for telling me")
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    assert "Thank you for telling me" in (copy / "data" / "safety" / "pinned_replies.yml").read_text(encoding="utf-8")
