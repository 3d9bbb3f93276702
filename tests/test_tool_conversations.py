"""Guided tools in whole conversations: Rasa, rules, policies and actions as served; only what a message means is looked up."""

import itertools

import pytest

from infusion_guide.tools.steps import ANSWERS, TOOL
from tests.conftest import Talk
from tests.tools.small import small_assistant as trained_small

START = "Let's do it together"


@pytest.fixture(scope="module")
def small_assistant(tmp_path_factory):
    return trained_small(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small_talk(small_assistant, event_loop_for_talk, request):
    count = itertools.count()
    return lambda: Talk(small_assistant, event_loop_for_talk, f"{request.node.nodeid} {next(count)}")


@pytest.fixture
def slots(small_assistant, event_loop_for_talk):
    def of(talk):
        tracker = event_loop_for_talk.run_until_complete(small_assistant.agent.tracker_store.retrieve(talk._sender))
        return [tracker.get_slot(name) for name in (TOOL, ANSWERS)]

    return of


def steps(said):
    return [name.removeprefix("utter_tool/") for name in said]


def begun(talk, asked="help me breathe", start=START):
    talk.say(asked)
    talk.press(start)
    return talk


def test_breathing_from_the_offer_to_how_it_is(small_talk, slots):
    talk = begun(small_talk())
    for typed, step in (("ok", "first"), ("done", "second"), ("next", "third")):
        assert steps(talk.say(typed)) == [f"breathing/{step}"]
    assert steps(talk.press("Next")) == ["breathing/fourth"]
    assert steps(talk.say("ok")) == ["breathing/keep", "ends/how"]
    assert set(talk.buttons) == {"Better", "The same", "Worse"}
    assert steps(talk.press("Worse")) == ["ends/worse_after_breathing"] and "988" in talk.text
    assert slots(talk) == [None, None]


def test_a_question_in_the_middle_is_answered_and_the_step_offered_again(small_talk):
    talk = begun(small_talk())
    talk.say("ok")
    first = talk.text
    assert steps(talk.say("how much does it cost")) == ["utter_uncovered/cost", "breathing/first"]
    assert first not in talk.text  # in other words
    assert steps(talk.say("say that again")) == ["breathing/first"]
    assert steps(talk.say("done")) == ["breathing/second"]


def test_danger_leaves_it_at_once(small_talk, slots):
    talk = begun(small_talk(), "i need a plan for triggers")
    talk.say("payday")
    old = talk.buttons["Skip"]
    assert talk.say("i want to die") == ["utter_crisis/suicide"]
    assert slots(talk) == [None, None]
    assert steps(talk.say(old)) == ["ends/over"] and "988" in talk.text
    talk.say("help me breathe")
    assert START not in talk.buttons


def test_a_plan_is_handed_over_and_not_kept(small_talk, slots):
    talk = begun(small_talk(), "i need a plan for triggers")
    for said in ("my boss {x}", "leave", "that's all"):
        talk.say(said)
    assert steps(talk.say("my sister")) == ["trigger_plan/plan", "ends/how"]
    for line in ("When: my boss {x}", "Then I: leave", "I call: my sister", "988"):
        assert line in talk.text
    assert slots(talk) == ["trigger_plan/how", None]
    assert steps(talk.press("Worse")) == ["ends/worse"]
    assert steps(talk.press(START)) == ["breathing/ready"]


def test_the_list_of_questions_grows_from_the_talk(small_talk):
    talk = small_talk()
    talk.say("how much does it cost")
    begun(talk, "what should i ask them")
    assert "From this talk I have: Price" in talk.text
    talk.say("does it hurt?")
    assert steps(talk.press("That's all"))[0] == "questions_for_clinic/list"
    assert "- Price" in talk.text and "- does it hurt?" in talk.text


def test_it_is_taken_up_in_words_and_in_spanish(small_talk):
    talk = small_talk()
    talk.say("help me breathe")
    assert steps(talk.say("lets do it")) == ["breathing/ready"]
    talk = begun(small_talk(), "ayúdeme a respirar", "Vamos juntos")
    assert steps(talk.say("sigo")) == ["breathing/first"] and "Siguiente" in talk.buttons


def test_a_person_or_a_call_ends_it(small_talk, slots):
    for wish in ("can i talk to someone", "call me back"):
        talk = begun(small_talk())
        assert len(talk.say(wish)) == 1 and slots(talk) == [None, None]


def test_how_it_is_is_asked_once(small_talk):
    talk = begun(small_talk(), "what should i ask them")
    assert steps(talk.say("that's all"))[-1] == "ends/how"
    assert talk.say("how much does it cost") == ["utter_uncovered/cost"]


def test_after_an_eating_disorder_or_a_withdrawal_none_is_offered(small_talk, slots):
    talk = begun(small_talk())
    assert steps(talk.say("i have bulimia")) == ["ends/wait"] and slots(talk) == [None, None]
    talk.say("help me breathe")
    assert START not in talk.buttons
    talk = small_talk()
    talk.say("ketamine and withdrawal")
    talk.say("help me breathe")
    assert START not in talk.buttons


# ---- With the trained assistant


def test_the_trained_assistant_breathes_with_a_patient(talk):
    assert talk.say("can you do a breathing exercise with me") == ["utter_faq/breathing"]
    assert steps(talk.press(START)) == ["breathing/ready"]
    assert steps(talk.say("ok")) == ["breathing/first"]
    assert steps(talk.say("how much does one infusion cost?")) == ["utter_uncovered/cost", "breathing/first"]
    assert steps(talk.say("i feel worse")) == ["ends/worse_after_breathing"]


def test_the_trained_guard_breaks_a_tool(talk):
    talk.say("can you do a breathing exercise with me")
    talk.press(START)
    assert talk.say("i want to kill myself") == ["utter_crisis/suicide"]
    assert talk.say("does it help with depression?") == ["utter_faq/depression"]  # the step does not come back


def test_the_trained_assistant_takes_answers_in_own_words(talk):
    talk.say("help me make a plan for my triggers")
    talk.press(START)
    assert steps(talk.say("when my brother comes over with beer")) == ["trigger_plan/do_1"]
    assert steps(talk.say("go to my room and text ana")) == ["trigger_plan/trigger_2"]
    assert steps(talk.say("that's all")) == ["trigger_plan/call"]
    assert steps(talk.say("ana")) == ["trigger_plan/plan", "ends/how"]
