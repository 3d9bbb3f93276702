from actions.action_not_my_question import ActionNotMyQuestion
from tests.actions.trackers import bot, heard, run

THEN = heard(intent_ranking=[{"name": "chitchat/not_my_question"}])


def asked(*labels):
    """A message that may have meant `labels`, likeliest first."""
    return heard(intent_ranking=[{"name": label, "confidence": 0.3} for label in labels])


def test_what_else_the_message_before_may_have_meant_is_offered_and_a_person():
    before = asked("faq/ptsd", "uncovered/cost", "faq/anxiety", "faq/depression", "faq/cravings")
    (said,), _ = run(ActionNotMyQuestion(), [before, bot("utter_faq/ptsd"), THEN])
    assert said == {
        "response": "utter_chitchat/not_my_question",
        "next": ["uncovered/cost", "faq/anxiety", "faq/depression", "talk_to_person"],
    }


def test_nobody_is_asked_whether_they_meant_danger_misuse_or_advice():
    before = asked("faq/ptsd", "crisis/suicide", "misuse/sell", "advice/dosing", "out_of_scope", "chitchat/greet")
    assert run(ActionNotMyQuestion(), [before, bot("utter_faq/ptsd"), THEN])[0] == [
        {"response": "utter_chitchat/not_my_question"}
    ]


def test_nothing_that_was_said_already_is_offered():
    before = asked("uncovered/cost", "faq/ptsd", "faq/anxiety")
    talk = [bot("utter_faq/anxiety"), before, bot("utter_uncovered/cost"), THEN]
    assert run(ActionNotMyQuestion(), talk)[0][0]["next"] == ["faq/ptsd", "talk_to_person"]


def test_without_a_message_before_it_only_asks():
    assert run(ActionNotMyQuestion(), [THEN])[0] == [{"response": "utter_chitchat/not_my_question"}]
    assert run(ActionNotMyQuestion(), [heard(), THEN])[0] == [{"response": "utter_chitchat/not_my_question"}]
