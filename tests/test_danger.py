"""The verdict on danger, case by case as a clinician reads them: tests/verdicts/danger.yml."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu.danger import NONE, UNNAMED, Evidence, Thresholds, judge
from infusion_guide.replies.book import names
from infusion_guide.replies.topic import Topic
from infusion_guide.text.wording import ALARM, CHECK_IN, HARMLESS, QUIET, REASSURED, Wording
from tests.verdicts import cases

CRISES = ("suicide", "self_harm", "overdose", "medical_emergency")


def probabilities(found):
    """Of each label; what is left of 1 is nothing dangerous."""
    return {**dict.fromkeys(CRISES, 0.0), CHECK_IN: 0.0, **found, NONE: 1 - sum(found.values())}


def judged(case):
    wording = Wording(*case["wording"].split()) if case.get("wording", "").count(" ") else None
    return judge(
        Evidence(
            probabilities(case["whole"]),
            [probabilities(part) for part in case.get("parts", [])],
            wording,
            case.get("language", "en"),
            case.get("careful", False),
            case.get("asked", False),
        ),
        Thresholds(),
    )


@pytest.mark.parametrize("case", cases("danger"))
def test_the_verdict(case):
    verdict = judged(case)
    level, _, topic = case["verdict"].partition(" ")
    assert (verdict.level or "nothing") == level, case["why"]
    assert not topic or verdict.topic == topic, case["why"]
    assert verdict.reassured == case.get("reassured", False)
    assert verdict.doubt == pytest.approx(case.get("doubt", verdict.doubt), abs=1e-9)


def test_every_danger_that_is_asked_about_has_its_question_or_is_unnamed():
    asked = {
        case.values[0]["verdict"].partition(" ")[2] for case in cases("danger") if case.values[0]["verdict"].startswith(CHECK_IN)
    }
    assert UNNAMED in asked and asked - {UNNAMED} <= {Topic.of(name).name for name in names()}


def test_the_kept_probabilities_have_three_digits():
    verdict = judged({"whole": {"suicide": 0.15344, "overdose": 0.1, "check_in": 0.3}})
    assert (verdict.score, verdict.doubt, verdict.topic) == (0.253, 0.553, "suicide")


def test_the_thresholds_are_those_that_are_served():
    (served,) = (step for step in read_yaml(ROOT / "config.yml")["pipeline"] if step["name"].endswith("SafetyGuard"))
    assert Thresholds(**{name: value for name, value in served.items() if name != "name"}) == Thresholds()


levels = st.sampled_from([None, ALARM, CHECK_IN, HARMLESS, REASSURED])


@given(st.floats(0, 1), st.floats(0, 1), levels, st.booleans(), st.booleans())
def test_a_sure_classifier_is_never_silenced(danger, more, level, careful, asked):
    """Whatever the wording and whatever was said: from 0.9 on there is an alarm, and more danger never lowers a verdict."""
    less, more = sorted((danger, more))
    wording = Wording(level, "suicide") if level else None
    found = [Evidence(probabilities({"overdose": sure}), (), wording, "en", careful, asked) for sure in (less, more)]
    milder, graver = [judge(evidence, Thresholds()).level for evidence in found]
    order = [None, QUIET, CHECK_IN, ALARM]
    assert order.index(milder) <= order.index(graver)
    assert more < Thresholds().part_alarm or graver == ALARM
