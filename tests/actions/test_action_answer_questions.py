from actions.action_answer_questions import ActionAnswerQuestions
from tests.actions.trackers import run


def test_each_question_gets_its_reply_in_order():
    said, _ = run(ActionAnswerQuestions(), latest={"questions": ["uncovered/cost", "faq/ptsd"]})
    assert [m["response"] for m in said] == ["utter_uncovered/cost", "utter_faq/ptsd"]
