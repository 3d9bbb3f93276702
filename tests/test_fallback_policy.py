"""What is not understood leads to choices, other words, a person; never the same twice running."""

from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.engine.policies.fallback_policy import misses_running, next_fallback


def test_two_stages_then_a_person():
    said = []
    for _ in range(4):
        said.append(next_fallback("nlu_fallback", True, said))
    assert said == ["utter_fallback_choices", "utter_fallback_rephrase", "utter_fallback_person", "utter_fallback_person_again"]


def test_an_answer_between_starts_anew():
    assert misses_running(["utter_fallback_person", "utter_faq/ptsd"]) == []
    assert next_fallback("nlu_fallback", False, ["utter_fallback_person", "utter_faq/ptsd"]) == "utter_fallback_rephrase"


@given(st.lists(st.tuples(st.sampled_from(["nlu_fallback", "empty_message", "too_long_message"]), st.booleans()), max_size=30))
def test_never_the_same_twice_running(misses):
    said = []
    for intent, has_choices in misses:
        said.append(next_fallback(intent, has_choices, said))
    assert all(first != second for first, second in zip(said, said[1:]))
