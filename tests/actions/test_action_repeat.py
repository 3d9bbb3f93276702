import pytest

from actions.action_repeat import ActionRepeat
from tests.actions.trackers import at, bot, run


def test_the_last_reply_is_said_again():
    said, _ = run(ActionRepeat(), [bot("utter_faq/ptsd"), bot("utter_crisis/suicide")])
    assert said == [{"response": "utter_crisis/suicide", "repeated": True}]


def test_nothing_to_repeat():
    assert run(ActionRepeat())[0] == [{"response": "utter_chitchat/repeat", "repeated": True}]


def test_a_source_is_named_again_with_all_its_words():
    before = [bot("utter_faq/ptsd", ["ptsd-symptoms"]), bot("utter_source")]
    said, _ = run(ActionRepeat(), before)
    assert said[0]["response"] == "utter_source" and said[0]["section"] == "Other Uses" and said[0]["claims"]


@pytest.mark.parametrize("name", ["utter_talk_to_person_open", "utter_talk_to_person_closed"])
def test_what_depends_on_the_hours_is_said_for_this_moment(monkeypatch, name):
    at(monkeypatch, "2026-11-23 15:00", "Mon-Fri 9:00-17:00")
    (said,), _ = run(ActionRepeat(), [bot(name)])
    assert said["response"] == "utter_talk_to_person_open" and "5 PM" in said["closes"]
    at(monkeypatch, "2026-11-23 15:00", "")
    assert run(ActionRepeat(), [bot(name)])[0] == [{"response": "utter_talk_to_person", "repeated": True}]
