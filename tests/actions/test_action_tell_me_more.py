from actions.action_tell_me_more import ActionTellMeMore
from infusion_guide.replies.book import variations
from tests.actions.trackers import bot, run


def test_neighbouring_topics_are_offered():
    said, _ = run(ActionTellMeMore(), [bot("utter_faq/ptsd")])
    assert said == [{"response": "utter_tell_me_more", "next": list(variations("utter_faq/ptsd")[0].next)}]


def test_before_any_answer():
    assert run(ActionTellMeMore())[0] == [{"response": "utter_tell_me_more_first"}]
