import pytest

from actions.action_answer_after_check_in import ActionAnswerAfterCheckIn
from tests.actions.trackers import run


def after(label):
    user = {"event": "user", "text": "...", "parse_data": {"ordinary": label}}
    said, events = run(ActionAnswerAfterCheckIn(), [user])
    assert events[0]["name"] == "careful" and events[0]["value"] is None
    return [m["response"] for m in said]


def test_the_kept_back_question_is_answered():
    assert after("faq/ptsd") == ["utter_check_in_ok", "utter_faq/ptsd"]


@pytest.mark.parametrize("label", ["nlu_fallback", "chitchat/greet", "spanish", None])
def test_otherwise_it_asks_what_was_meant(label):
    assert after(label) == ["utter_check_in_sorry"]
