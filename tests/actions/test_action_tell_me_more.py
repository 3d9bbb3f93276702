from actions.action_tell_me_more import ActionTellMeMore
from infusion_guide.replies.book import next_topics
from tests.actions.trackers import bot, run


def test_neighbouring_topics_are_offered():
    said, _ = run(ActionTellMeMore(), [bot("utter_faq/ptsd")])
    assert said == [{"response": "utter_tell_me_more", "next": list(next_topics("faq/ptsd"))}]


def test_before_any_answer():
    assert run(ActionTellMeMore())[0] == [{"response": "utter_tell_me_more_first"}]
