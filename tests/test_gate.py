"""What a message is taken for, case by case as a clinician reads them: tests/verdicts/gate.yml."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu.danger import Verdict
from infusion_guide.nlu.gate import Heard, Least, Ranked, decide, kind_of, plain_label
from infusion_guide.replies.book import names, variations
from infusion_guide.replies.care import check_in_about, feared, is_alarm, is_check_in
from infusion_guide.replies.ledger import claims
from infusion_guide.replies.topic import KINDS, Topic
from infusion_guide.text.wording import ALARM, CHECK_IN, QUIET
from tests.verdicts import cases

READ = ("text", "too_long")  # what the guard has read
OF_ADDICTION = ("faq/what_is_addiction", "faq/addiction_use")  # whose other medicine is what somebody is addicted to


def ranking(found):
    return [Ranked(label, confidence) for label, confidence in found.items()]


def verdict(words):
    level, _, topic = words.partition(" ")
    return Verdict(level if level in (ALARM, CHECK_IN, QUIET) else None, topic or "suicide", 0.8, 0.6, level == "fine")


def heard(case):
    reading = case.get("reading", "text")
    return Heard(
        reading=reading,
        button=case.get("button"),
        language=case.get("language", "en"),
        ranking=ranking(case.get("ranking", {})),
        parts=[ranking(part) for part in case.get("parts", [])],
        known_words=not case.get("unknown words", False),
        verdict=verdict(case.get("guard", "")) if reading in READ else None,
        asked=case.get("asked", False),
        before=case.get("before"),
        in_context=case.get("after it", {}),
        alarmed=case.get("alarmed", False),
        spoken=case.get("spoken", False),
        other_medicine=case.get("other medicine", False),
        tells=case.get("tells", False),
    )


@pytest.mark.parametrize("case", cases("gate"))
def test_the_decision(case):
    decision = decide(heard(case), case.get("form"), Least())
    assert decision.label == case["is"], case["why"]
    assert decision.confidence == pytest.approx(case.get("sure", decision.confidence))
    assert decision.ordinary == case.get("kept back")
    assert decision.questions == tuple(case.get("questions", ())), case["why"]
    assert decision.choices == tuple(case.get("choices", ())), case["why"]
    assert decision.quiet == case.get("line", False), case["why"]


@pytest.mark.parametrize("case", cases("gate"))
def test_a_case_is_one_that_occurs(case):
    """The labels are real, the gentle question is the last thing said, and what is said after something adds up to 1."""
    labels = {label for found in (case.get("ranking", {}), case.get("after it", {}), *case.get("parts", [])) for label in found}
    said = {label for label in {*labels, *case.get("questions", ()), case.get("before"), case["is"]} if label and "/" in label}
    assert {Topic.of(label).reply for label in said if kind_of(label) in KINDS} <= set(names())
    assert not case.get("asked") or is_check_in(Topic.of(case["before"]).reply)
    assert not case.get("after it") or (sum(case["after it"].values()) == pytest.approx(1) and case.get("before"))


def test_the_thresholds_are_those_that_are_served():
    (served,) = (step for step in read_yaml(ROOT / "config.yml")["pipeline"] if step["name"].endswith("ConfidenceGate"))
    assert Least(**{name: value for name, value in served.items() if name != "name"}) == Least()


def test_a_threshold_of_zero_counts():
    sure = Heard(ranking=ranking({"faq/ptsd": 0.01}), known_words=False)
    assert plain_label(sure, Least(unknown=0.0)) == "faq/ptsd"


@pytest.mark.parametrize("label, kind", [("faq/depression", "faq"), ("nlu_fallback", "nlu_fallback"), ("a/b/c", "a")])
def test_the_kind_of_a_label(label, kind):
    assert kind_of(label) == kind


def test_every_gentle_question_is_asked_after_what_a_yes_to_it_means():
    for question in {check_in_about(Topic.of(name).name) for name in names() if is_alarm(name)} | {check_in_about("unnamed")}:
        assert Topic.of(question).reply in names() and is_check_in(Topic.of(question).reply)
        assert check_in_about(Topic.of(feared(question)).name) == question, f"yes to {question} is what it does not ask about"


@pytest.mark.parametrize("before", [None, "faq/ptsd", "crisis/overdose"])
def test_who_needs_help_when_nothing_was_asked_gets_the_reply_with_both_numbers(before):
    assert feared(before) == "crisis/suicide"


@given(st.dictionaries(st.sampled_from(sorted({"crisis/suicide", "crisis/care_who", "faq/ptsd", "itself"})), st.floats(0, 1)))
def test_only_the_guard_and_a_reply_about_danger_lead_to_a_crisis(in_context):
    """Whatever a message would mean after another reply: with no alarm and no danger before, no crisis comes of it."""
    alone = Heard(ranking=ranking({"crisis/suicide": 0.6, "faq/ptsd": 0.4}), verdict=verdict(""), before="faq/ptsd")
    assert decide(replace(alone, in_context=in_context), None, Least()).label == "faq/ptsd"


def test_another_medicine_is_never_answered_with_what_ketamine_is_for():
    """Whatever rests on what the document says of ketamine is not the answer, however sure the classifier is."""
    for name in (name for name in names() if Topic.of(name).kind == "faq"):
        sections = {claims()[source].section for wording in variations(name) for source in wording.sources if source in claims()}
        label = Topic.of(name).label
        of_ketamine = any("Ketamine" in section for section in sections) and label not in OF_ADDICTION
        heard = Heard(ranking=ranking({label: 0.99}), verdict=verdict(""), other_medicine=True)
        assert decide(heard, None, Least()).label == ("advice/interaction" if of_ketamine else label), label
