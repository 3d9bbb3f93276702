"""What makes the assistant be trained anew, and what does not: the words of a reply."""

import io
import logging
import shutil

import pytest

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine import training as train
from infusion_guide.engine.training import LIBRARIES, fingerprint, versions
from infusion_guide.replies import book
from infusion_guide.watch.console import Bar


@pytest.fixture
def project(tmp_path):
    """A copy of what training reads."""
    hidden = shutil.ignore_patterns("__pycache__")
    for name in ("data", "infusion_guide", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=hidden)
    for name in ("config.yml", "domain.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_copy_has_the_same_fingerprint(project):
    assert fingerprint(project) == fingerprint(ROOT)


NOT_LEARNED = (
    "data/responses/faq/depression.yml",
    "data/responses/crisis/suicide.yml",
    "data/safety/patterns.yml",
    "data/document.yml",
    "data/medicines.yml",
    "infusion_guide/replies/complete.py",
    "infusion_guide/nlu/gate.py",
    "infusion_guide/engine/policies/safety_policy.py",
    "requirements/base.txt",
)
LEARNED = (
    "config.yml",
    "domain.yml",
    "data/nlu/faq/depression.yml",
    "data/nlu/es/faq/depression.yml",
    "data/nlu/pairs/medicine_taken.yml",
    "data/followups/faq/depression.yml",
    "data/rules/faq.yml",
    "infusion_guide/nlu/topic_classifier.py",
    "infusion_guide/nlu/minilm/delta.json",
    "infusion_guide/engine/policies/intent_rule_policy.py",
)


@pytest.mark.parametrize("name, learned", [*((each, False) for each in NOT_LEARNED), *((each, True) for each in LEARNED)])
def test_what_the_model_learns_from(project, name, learned):
    path = project / name
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert (fingerprint(project) != fingerprint(ROOT)) == learned


def test_a_new_or_renamed_reply_is_learned(project):
    responses = project / "data" / "responses"
    (responses / "faq" / "depression.yml").rename(responses / "faq" / "low_mood.yml")
    assert fingerprint(project) != fingerprint(ROOT)


def test_another_version_of_a_library_that_learns_is_learned(project):
    assert sorted(each.split("==")[0] for each in versions()) == sorted(LIBRARIES)
    path = project / "requirements" / "base.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("scikit-learn==", "scikit-learn==9."), encoding="utf-8")
    assert fingerprint(project) != fingerprint(ROOT)


def test_the_same_model_says_the_words_of_today(talk, monkeypatch, tmp_path):
    shutil.copytree(book.RESPONSES, tmp_path / "responses")
    path = tmp_path / "responses" / "faq" / "depression.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("Depression is heavy, and", "For some people it does. And"), encoding="utf-8"
    )
    with monkeypatch.context() as patch:
        patch.setattr(book, "RESPONSES", tmp_path / "responses")
        book._book.cache_clear()
        assert talk.say("does it help with depression?") == ["utter_faq/depression"]
        assert talk.text.startswith("For some people it does.")
    book._book.cache_clear()
    talk.say("does it help with depression?")
    assert "For some people it does." not in talk.text


def test_progress_moves_with_the_parts_of_the_pipeline():
    bar = Bar("Training", io.StringIO())
    shown = []
    bar.show = lambda part, note: shown.append((round(part, 2), note))
    progress = train._Progress(bar)
    for node in ("SafetyPolicy.train", "DomainProvider.provide", "WordFeaturizer.train", "WordFeaturizer.process_training_data"):
        progress.emit(logging.makeLogRecord({"msg": f"Node 'x' running '{node}'."}))
    assert [note for _, note in shown] == ["SafetyPolicy", "WordFeaturizer", "WordFeaturizer"]
    assert 0 < shown[0][0] < shown[1][0] == shown[2][0] < 1
