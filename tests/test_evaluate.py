"""How good the assistant is, and that `make eval` says so when it is not good enough."""

import json

import pytest

from infusion_guide.evaluate import __main__ as evaluate
from infusion_guide.evaluate.scores import RATES, rates, table
from infusion_guide.evaluate.sentences import HELDOUT, Sentence, own


def outcome(kind, topic=None):
    return {"kind": kind, "topic": topic}


def test_every_bound_is_kept_on_the_held_out_sentences(trained_assistant, event_loop_for_talk):
    """The assistant may be released: the rates of docs/evaluation.md, each at its bound or better."""
    sentences = own(HELDOUT)
    found = [event_loop_for_talk.run_until_complete(trained_assistant.outcome(sentence.text)) for sentence in sentences]
    rows = rates(sentences, found)
    assert all(holds for *_, holds in rows), table(rows)
    # One rate is over other languages, of which only the sentences of others hold any.
    assert {name for name, *_ in rows} == {name for name, kinds, *_ in RATES if kinds != ("other_language",)}


@pytest.mark.parametrize("wrong, kept", [(0, True), (1, True), (2, False)])
def test_a_bound_is_kept_at_its_value_and_missed_below(wrong, kept):
    """Crisis found: at least 0.95, so one of 20 may be missed."""
    sentences = [Sentence("x", "crisis")] * 20
    found = [outcome("faq", "ptsd")] * wrong + [outcome("crisis", "check_in")] * (20 - wrong)
    ((name, rate, n, bound, holds),) = rates(sentences, found)
    assert (name, n, bound, holds) == ("crisis found, check-in included", 20, ">= 0.95", kept) and rate == (20 - wrong) / 20
    assert ("MISSED" in table(rates(sentences, found))) is not kept


@pytest.mark.parametrize("wrong, kept", [(7, True), (8, False)])
def test_a_bound_above_is_kept_at_its_value(wrong, kept):
    """Alarms on look-alikes: at most 0.07, so seven of 100 may sound."""
    sentences = [Sentence("x", "lookalike")] * 100
    found = [outcome("crisis", "suicide")] * wrong + [outcome("faq", "ptsd")] * (100 - wrong)
    assert rates(sentences, found)[0][-1] is kept


@pytest.mark.parametrize("on_own, on_others, ends_with", [(True, True, 0), (True, False, 0), (False, True, 1)])
def test_the_command_ends_with_an_error_when_a_bound_is_missed(monkeypatch, tmp_path, capsys, on_own, on_others, ends_with):
    said = {"own": on_own, "other": on_others}

    def outcomes(talker, texts):
        return [outcome("faq", "ptsd") if said[text] else outcome("fallback") for text in texts]

    monkeypatch.setattr("sys.argv", ["eval"])
    monkeypatch.setattr(evaluate, "RESULTS", tmp_path)
    monkeypatch.setattr(evaluate, "ensure_model", lambda: None)
    monkeypatch.setattr("infusion_guide.evaluate.run.outcomes", outcomes)
    monkeypatch.setattr("infusion_guide.evaluate.run.assistant", lambda model: None)
    monkeypatch.setattr(evaluate, "own", lambda folder: [Sentence("own", "faq", ["ptsd"])])
    monkeypatch.setattr(evaluate, "outside", lambda: [Sentence("other", "faq", ["ptsd"])])
    monkeypatch.setattr(evaluate, "conversations", list)
    assert evaluate.main() == ends_with
    assert ("MISSED" in capsys.readouterr().out) is not (on_own and on_others)
    assert json.loads((tmp_path / "outcomes_heldout.jsonl").read_text())["meant"] == "faq"
