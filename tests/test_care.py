"""What is owed after a crisis, a miss and a call-back, case by case as a clinician reads them: tests/verdicts/care.yml."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.replies import care, first_aid
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.topic import Topic
from tests.rooms import responses
from tests.verdicts import cases

REPLIES = responses()


def named(case, key="earlier"):
    """The names of the replies `case` lists; each exists."""
    names = [f"utter_{name}" for name in case.get(key, [])]
    assert set(names) <= set(REPLIES)
    return names


@pytest.mark.parametrize("case", cases("care", "replies about danger"))
def test_what_a_reply_about_danger_is(case):
    name = f"utter_{case['reply']}"
    assert name in REPLIES
    found = {"alarm": care.is_alarm(name), "check_in": care.is_check_in(name), "care": care.is_care(name)}
    assert [kind for kind, it_is in found.items() if it_is] == [kind for kind in found if kind == case["is"]], case["why"]


def test_every_reply_about_danger_is_one_of_the_three_and_no_other_reply_is():
    for name in REPLIES:
        found = [care.is_alarm(name), care.is_check_in(name), care.is_care(name)]
        assert found.count(True) == (Topic.of(name).kind == "crisis"), name


@pytest.mark.parametrize("case", cases("care", "crisis line"))
def test_the_crisis_line_follows(case):
    assert care.names_crisis_line(f"utter_{case['reply']}", case.get("careful", True), named(case)) is case["line"], case["why"]


@pytest.mark.parametrize("case", cases("care", "call-back"))
def test_a_call_back_is_offered(case):
    situation = case.get("in form", False), case.get("sent", False), named(case)
    assert f"utter_{case['reply']}" in REPLIES
    assert care.offers_callback(f"utter_{case['reply']}", *situation) is case["offered"], case["why"]


@pytest.mark.parametrize("case", cases("care", "misses"))
def test_the_reply_to_a_miss(case):
    found = care.next_fallback(case.get("intent", "nlu_fallback"), case.get("has choices", False), named(case))
    assert found == (case["next"] and f"utter_{case['next']}"), case["why"]


MISSES = st.sampled_from(["nlu_fallback", "out_of_scope", "empty_message", "too_long_message"])


@given(st.lists(st.tuples(MISSES, st.booleans()), max_size=30))
def test_a_miss_is_never_answered_with_the_same_words_twice_running(misses):
    said = []
    for intent, has_choices in misses:
        said.append(care.next_fallback(intent, has_choices, said))
    for before, (first, second) in enumerate(zip(said, said[1:])):
        assert first != second or wording(first, said[:before]) != wording(second, said[: before + 1])


def wording(name, said):
    return complete(name, Situation(said=said, offered=["faq/ptsd"])).text


@pytest.mark.parametrize("case", cases("care", "crisis"))
def test_a_crisis_comes_first(case):
    assert care.next_in_crisis(case.get("done", []), case.get("in form", False)) == case["next"], case["why"]


@pytest.mark.parametrize("case", cases("care", "first aid"))
def test_first_aid(case):
    reply = first_aid.crisis_reply(case["says"])
    assert (reply and reply.name) == (case["reply"] and f"utter_{case['reply']}"), case["why"]
    assert not reply or ("llame" in reply.text.lower()) is (case["language"] == "es")


def test_replies_that_never_offer_a_call_exist():
    assert set(REPLIES) >= care.NO_CALLBACK
