from actions.action_repeat import ActionRepeat
from tests.actions.trackers import bot, run


def test_the_last_reply_is_said_again():
    said, _ = run(ActionRepeat(), [bot("utter_faq/ptsd"), bot("utter_crisis/suicide")])
    assert said == [{"response": "utter_crisis/suicide"}]


def test_nothing_to_repeat():
    assert run(ActionRepeat())[0] == [{"response": "utter_chitchat/repeat"}]
