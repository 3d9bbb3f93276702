from rasa_sdk.events import SlotSet

from actions.action_tool import ActionTool
from infusion_guide.tools.steps import ANSWERS, TOOL, WAITS
from tests.actions.trackers import bot, run

PLAN = {TOOL: "trigger_plan/call", ANSWERS: {"trigger_1": "payday"}}
EMPTY = [SlotSet(TOOL, None), SlotSet(ANSWERS, None)]


def test_it_begins_with_nothing_answered():
    said, events = run(ActionTool(), latest={"start_tool": "breathing"}, slots=PLAN)
    assert said == [{"response": "utter_tool/breathing/ready"}]
    assert events == [SlotSet(TOOL, "breathing/ready"), SlotSet(ANSWERS, None)]


def test_an_answer_leads_on():
    said, events = run(ActionTool(), latest={"tool_answer": "words", "text": "leave"}, slots={TOOL: "trigger_plan/do_1"})
    assert said == [{"response": "utter_tool/trigger_plan/trigger_2"}]
    assert events == [SlotSet(TOOL, "trigger_plan/trigger_2"), SlotSet(ANSWERS, {"do_1": "leave"})]


def test_the_last_answer_stands_in_the_result_and_in_no_slot():
    said, events = run(ActionTool(), latest={"tool_answer": "words", "text": "Ana"}, slots=PLAN)
    result, how = said
    assert result == {"response": "utter_tool/trigger_plan/plan", ANSWERS: {"trigger_1": "payday", "call": "Ana"}}
    assert how == {"response": "utter_tool/ends/how"}
    assert events == [SlotSet(TOOL, "trigger_plan/how"), SlotSet(ANSWERS, None)]


def test_something_in_between_opens_the_step_again():
    said, events = run(ActionTool(), latest={"text": "what does it cost"}, slots=PLAN)
    assert said == [{"response": "utter_tool/trigger_plan/call"}]
    assert events == [SlotSet(TOOL, "trigger_plan/call"), SlotSet(ANSWERS, {"trigger_1": "payday"})]


def test_the_end_empties_the_slots():
    assert run(ActionTool(), latest={"tool_answer": "worse"}, slots=PLAN) == ([{"response": "utter_tool/ends/worse"}], EMPTY)


def test_an_old_button_changes_nothing():
    assert run(ActionTool(), latest={"tool_answer": "next"}) == ([{"response": "utter_tool/ends/over"}], EMPTY)


def test_where_none_may_be_offered_an_old_button_gets_the_plain_reply():
    plain = ([{"response": "utter_faq/breathing"}], EMPTY)
    for slots in ({"careful": True}, {WAITS: True}):
        assert run(ActionTool(), latest={"start_tool": "breathing"}, slots=slots) == plain
    assert run(ActionTool(), [bot("utter_faq/withdrawal")], {"start_tool": "breathing"}) == plain
