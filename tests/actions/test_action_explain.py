import pytest

from actions.action_explain import ActionExplain
from tests.actions.trackers import bot, run


def test_the_last_answer_is_led_in_and_said_in_its_next_wording():
    said, _ = run(ActionExplain(), [bot("utter_faq/ptsd"), bot("utter_uncovered/cost")])
    assert said == [{"response": "utter_chitchat/explain"}, {"response": "utter_uncovered/cost"}]


def test_small_talk_and_misses_explain_nothing_so_the_answer_before_is_explained():
    said, _ = run(ActionExplain(), [bot("utter_faq/ptsd"), bot("utter_chitchat/thanks"), bot("utter_fallback_rephrase")])
    assert said[-1] == {"response": "utter_faq/ptsd"}


@pytest.mark.parametrize("name", ["utter_crisis/suicide", "utter_crisis/care_call"])
def test_in_danger_its_words_come_first(name):
    assert run(ActionExplain(), [bot("utter_faq/ptsd"), bot(name)])[0] == [{"response": name}]


def test_nothing_to_explain():
    assert run(ActionExplain(), [bot("utter_chitchat/greet")])[0] == [{"response": "utter_chitchat/capabilities"}]
    assert run(ActionExplain())[0] == [{"response": "utter_chitchat/capabilities"}]
