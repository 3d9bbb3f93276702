"""What a message is taken for, case by case as a clinician reads them: tests/verdicts/gate.yml."""

import pytest

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu.danger import Verdict
from infusion_guide.nlu.gate import Heard, Least, Ranked, decide, kind_of, plain_label
from infusion_guide.text.wording import ALARM, CHECK_IN
from tests.verdicts import cases

READ = ("text", "too_long")  # what the guard has read


def ranking(found):
    return [Ranked(label, confidence) for label, confidence in found.items()]


def verdict(words):
    level, _, topic = words.partition(" ")
    return Verdict(level if level in (ALARM, CHECK_IN) else None, topic or "suicide", 0.8, 0.6, level == "fine")


def heard(case):
    reading = case.get("reading", "text")
    return Heard(
        reading,
        case.get("button"),
        case.get("language", "en"),
        ranking(case.get("ranking", {})),
        [ranking(part) for part in case.get("parts", [])],
        not case.get("unknown words", False),
        verdict(case.get("guard", "")) if reading in READ else None,
        case.get("asked", False),
        case.get("feared", "suicide"),
        case.get("spoken", False),
    )


@pytest.mark.parametrize("case", cases("gate"))
def test_the_decision(case):
    decision = decide(heard(case), case.get("form"), Least())
    assert decision.label == case["is"], case["why"]
    assert decision.confidence == case.get("sure", decision.confidence)
    assert decision.ordinary == case.get("kept back")
    assert decision.questions == tuple(case.get("questions", ())), case["why"]
    assert decision.choices == tuple(case.get("choices", ())), case["why"]


def test_the_thresholds_are_those_that_are_served():
    (served,) = (step for step in read_yaml(ROOT / "config.yml")["pipeline"] if step["name"].endswith("ConfidenceGate"))
    assert Least(**{name: value for name, value in served.items() if name != "name"}) == Least()


def test_a_threshold_of_zero_counts():
    sure = Heard(ranking=ranking({"faq/ptsd": 0.01}), known_words=False)
    assert plain_label(sure, Least(unknown=0.0)) == "faq/ptsd"


@pytest.mark.parametrize("label, kind", [("faq/depression", "faq"), ("nlu_fallback", "nlu_fallback"), ("a/b/c", "a")])
def test_the_kind_of_a_label(label, kind):
    assert kind_of(label) == kind
