"""Guided tools without a model: their words as patients read them, every way through, how words answer, when none is offered."""

import re
from dataclasses import replace

import pytest

from infusion_guide.callbacks.reading import plain
from infusion_guide.clinic.data import read_yaml
from infusion_guide.evaluate.run import kind_and_topic
from infusion_guide.replies import guided
from infusion_guide.replies import rules as reply_rules
from infusion_guide.replies.book import names, unfilled, variations
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.ledger import authorities, claims
from infusion_guide.replies.review import GROUPS, entries
from infusion_guide.replies.topic import TOOL as KIND
from infusion_guide.replies.topic import Topic
from infusion_guide.storage.counts import outcome_of
from infusion_guide.tools.reading import begins, must_wait, reading
from infusion_guide.tools.steps import AGAIN, ANSWERS, HOW, LONGEST, TOOL, WAIT, WORDS, State, Turn, again, begin, go_on, tools
from infusion_guide.tools.words import GATHERED, may_be_offered, quotes, words
from tests.rooms import ROOT, domain

REPLIES = guided.replies()
WORDINGS = [(name, number) for name, said in REPLIES.items() for number in range(len(said))]
TOOLS = [
    *("breathing", "craving_now", "trigger_plan", "day_plan"),
    *("journal_prompt", "support_map", "self_kindness", "questions_for_clinic"),
]
EASIEST_SPANISH = 70  # Fernandez-Huerta: "fairly easy" and easier


def spanish_ease(text):
    """The reading ease of Spanish (Fernandez-Huerta); lines count as sentences."""
    said = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(re.findall(r"[.!?:]+(?=\s|$)|\n", text)))
    syllables = sum(max(1, len(re.findall(r"[aeiouáéíóúü]+", word.lower()))) for word in said)
    return 206.84 - 60 * syllables / len(said) - 1.02 * len(said) / sentences


def read(name, number):
    """One wording as a patient reads it, words that only a conversation knows in brackets."""
    chosen = variations(name)[number]
    turn = sum(each.language == chosen.language for each in variations(name)[:number])
    return complete(name, Situation(said=[name] * turn, language=chosen.language, words=unfilled(name))), chosen


# ---- The words


@pytest.mark.parametrize("name, number", WORDINGS)
def test_a_step_is_plain_and_short(name, number):
    reply, chosen = read(name, number)
    assert len(chosen.text.split()) <= reply_rules.MOST_WORDS, "words"
    assert not reply_rules.wording(reply.text)
    assert all(len(button.title) <= 20 for button in reply.buttons if button.payload.startswith("/tool_answer/"))
    if chosen.language == "es":
        assert spanish_ease(chosen.text) >= EASIEST_SPANISH, chosen.text
    else:
        assert reply_rules.grade(reply.text.replace(":\n", ": ").replace("\n", ". ")) <= reply_rules.HARDEST_GRADE, reply.text
        assert chosen.text.isascii(), "plain punctuation only (SMS)"


def test_no_text_stands_twice():
    texts = [chosen["text"] for said in REPLIES.values() for chosen in said]
    assert len(texts) == len(set(texts))


def test_no_tool_speaks_of_food_or_weight():
    for name in REPLIES:
        for each in variations(name):
            assert not re.search(
                r"\b(eat|food|meals?|diet|weight|fast|coma|comer|comida|peso corporal|dieta|ayuno)\b", each.text, re.I
            ), name


def test_every_step_is_written_in_both_languages():
    for name in REPLIES:
        spoken = [each.language for each in variations(name)]
        assert spoken.count("en") == spoken.count("es") > 0, name


def test_files_open_with_their_header_and_name_their_sources():
    for path in sorted(guided.TOOLS.glob("*.yml")):
        head = path.read_text(encoding="utf-8").splitlines()[:3]
        for line, key in zip(head, ("Rests on", "Reviewed by", "Reviewed on")):
            assert re.match(rf"# {key}: \S", line), f"{path}: the header needs '# {key}: ...'"
        used = [source for step in guided.written()[path.stem]["steps"] for source in step.get("sources", [])]
        named = list(dict.fromkeys([*guided.written()[path.stem]["sources"], *used]))
        assert head[0] == f"# Rests on: {', '.join(named)}", path
        assert set(named) <= {*claims(), *authorities()}


def test_every_tool_stands_under_its_topic_and_is_offered_with_it():
    assert sorted(tools()) == sorted(TOOLS)
    for name in TOOLS:
        for each in variations(f"utter_faq/{name}"):
            assert each.tool == name


def test_a_tool_leads_from_its_first_step_to_its_result():
    for name, steps in tools().items():
        *before, last = steps.values()
        assert last.kind == guided.RESULT and all(step.kind != guided.RESULT for step in before), name
        for step in before:
            assert not step.enough or list(steps).index(step.enough) > list(steps).index(step.name), step


def test_a_result_shows_every_answer_and_nothing_else_is_asked_for():
    for name, steps in tools().items():
        asked = {step.name for step in steps.values() if step.kind == guided.ASK}
        for each in variations(guided.reply_of(name, list(steps)[-1])):
            shown = set(re.findall(r"{(\w+)}", each.text)) - {"crisis_line", "emergency_number", GATHERED}
            assert shown == asked - ({"harsh"} if name == "self_kindness" else set()), each.text  # nobody keeps the harsh words
    reserved = {"next", "repeated", "language", GATHERED}
    assert not reserved & {step for steps in tools().values() for step in steps}


def test_worse_leads_to_a_person_with_the_crisis_line_in_sight():
    for end in ("worse", "worse_after_breathing"):
        for number, chosen in enumerate(variations(guided.reply_of(guided.ENDS, end))):
            reply, _ = read(guided.reply_of(guided.ENDS, end), number)
            assert "988" in reply.text and "911" in reply.text
            assert chosen.language == "en" or "marque 2" in reply.text
            payloads = [button.payload for button in reply.buttons]
            assert payloads[-2:] == ["/talk_to_person", "/help_now"]
            assert ("/start_tool/breathing" in payloads) == (end == "worse")


def test_a_clinician_signs_every_step():
    assert GROUPS[KIND]
    signed = {entry.name: entry for entry in entries({}, {}) if entry.topic.kind == KIND}
    assert set(signed) == set(REPLIES)
    for entry in signed.values():
        assert entry.review is None and len(entry.readings) == len(variations(entry.name))


def test_buttons_and_typed_words_agree():
    for choice in (guided.NEXT, guided.SKIP, guided.ENOUGH, guided.STOP, guided.BETTER, guided.SAME, guided.WORSE):
        for language in guided.LANGUAGES:
            typed = [plain(each) for each in guided.tool_words()["typed"][choice].split(",")]
            assert plain(guided.tool_words()["buttons"][choice][language]) in typed, choice


def test_no_button_says_stop_alone():
    """On messaging platforms that word ends the whole talk (channels/platform.py)."""
    for name in REPLIES:
        for each in variations(name):
            assert not {button.title.casefold() for button in each.buttons} & {"stop", "start", "end", "cancel", "quit", "help"}


# ---- The way through


def walk(tool, *made):
    """Begins `tool` and makes the choices `made`; words where one is none. The last turn."""
    turn = begin(tool)
    for choice in made:
        turn = go_on(turn.state, *choice) if isinstance(choice, tuple) else go_on(turn.state, choice)
    return turn


def says(turn):
    return [name.removeprefix("utter_tool/") for name in turn.says]


def test_breathing_goes_step_by_step_at_the_patients_pace():
    order = ["ready", "first", "second", "third", "fourth"]
    for number, step in enumerate(order):
        assert says(walk("breathing", *["next"] * number)) == [f"breathing/{step}"]
    assert says(walk("breathing", *["next"] * 5)) == ["breathing/keep", "ends/how"]


def test_an_urge_is_ten_minutes_or_twenty():
    ten = walk("craving_now", *["next"] * 6)
    assert says(ten) == ["craving_now/minute_10"]
    assert says(go_on(ten.state, "enough")) == ["craving_now/keep", "ends/how"]
    assert says(go_on(ten.state, "next")) == ["craving_now/minute_12"]
    assert says(walk("craving_now", *["next"] * 10)) == ["craving_now/keep", "ends/how"]


def test_a_trigger_plan_keeps_up_to_three():
    turn = walk("trigger_plan", (WORDS, " my  boss "), (WORDS, "leave"), "enough", (WORDS, "Ana"))
    assert says(turn) == ["trigger_plan/plan", "ends/how"]
    assert turn.answers == {"trigger_1": "my boss", "do_1": "leave", "call": "Ana"}
    assert turn.state == State("trigger_plan", HOW)  # nothing is kept beyond the result
    three = walk("trigger_plan", *[(WORDS, str(number)) for number in range(7)])
    assert list(three.answers.values()) == list("0123456")


def test_what_must_be_answered_is_asked_again():
    turn = begin("trigger_plan")
    for choice in ("skip", "next", "enough", "same", (WORDS, "  ")):
        tried = go_on(turn.state, *choice) if isinstance(choice, tuple) else go_on(turn.state, choice)
        assert tried == turn
    assert says(walk("trigger_plan", (WORDS, "x"), "skip")) == ["trigger_plan/trigger_2"]


@pytest.mark.parametrize("tool", TOOLS)
def test_it_can_be_left_at_every_step(tool):
    for step in [*tools()[tool], HOW]:
        if step != HOW and tools()[tool][step].kind == guided.RESULT:
            continue
        state = State(tool, step)
        assert go_on(state, guided.STOP) == Turn(("utter_tool/ends/left",))
        assert go_on(state, WAIT) == Turn(("utter_tool/ends/wait",))
        worse = "worse_after_breathing" if tool == "breathing" else "worse"
        assert go_on(state, guided.WORSE) == Turn((f"utter_tool/ends/{worse}",))
        assert go_on(state, AGAIN) == again(state) and again(state).state == state


def test_who_leaves_earlier_keeps_what_was_written():
    some = State("day_plan", "bed", {"up": "7"})
    for choice, end in ((guided.STOP, "left"), (guided.BETTER, "better")):
        turn = go_on(some, choice)
        assert says(turn) == ["day_plan/plan", f"ends/{end}"] and turn.answers == {"up": "7"} and turn.state is None
    assert go_on(some, WAIT).answers == {}


def test_the_end_asks_how_it_is():
    how = State("day_plan", HOW)
    for choice in (guided.BETTER, guided.SAME, guided.WORSE):
        assert go_on(how, choice) == Turn((f"utter_tool/ends/{choice}",))
    for choice in (guided.NEXT, guided.SKIP, WORDS):
        assert go_on(how, choice, "x") == again(how) == Turn(("utter_tool/ends/how",), how)


def test_an_answer_has_an_end():
    assert len(walk("trigger_plan", (WORDS, "x" * 1000)).state.answers["trigger_1"]) == LONGEST


@pytest.mark.parametrize("slot", [None, "", "breathing", "breathing/gone", "gone/first", "ends/how", "breathing/"])
def test_what_is_no_open_step_is_none(slot):
    assert State.of({TOOL: slot, ANSWERS: None}) is None


def test_the_state_is_what_the_slots_hold():
    state = State("trigger_plan", "do_1", {"trigger_1": "x"})
    assert State.of({TOOL: state.slot, ANSWERS: {"trigger_1": "x"}}) == state
    assert {TOOL, ANSWERS, "tools_wait"} <= set(domain()["slots"])


# ---- What words mean


@pytest.mark.parametrize("case", read_yaml(ROOT / "tests" / "tools" / "readings.yml")["cases"], ids=lambda case: case["says"])
def test_what_words_mean(case):
    state = State(*case["at"].split("/"))
    expected = None if case["means"] == "nothing" else case["means"]
    assert reading(state, case["says"], case.get("label", "nlu_fallback")) == expected


def test_a_tool_is_taken_up_in_words():
    for said in ("let's do it together", "Let's do it!", "vamos juntos", "ok lets do it"):
        assert begins(said)
    for said in ("what is ketamine", "lets talk about money", "yes"):
        assert not begins(said)


def test_when_tools_must_wait():
    for said in ("I have an eating disorder.", "im in withdrawal", "tengo bulimia nerviosa", "i've been detoxing since monday"):
        assert must_wait(said), said
    for said in ("does ketamine help with withdrawal?", "i ate too much", "we went bingo", "purging files?"):
        assert not must_wait(said) or said == "purging files?"


# ---- In a conversation


@pytest.mark.parametrize("special", [{"careful": True}, {"in_form": True}, {"tools": False}])
def test_it_is_offered_with_its_topic_but_not_when(special):
    offer = "/start_tool/breathing"
    now = Situation(said=[])
    assert complete("utter_faq/breathing", now).buttons[0].payload == offer
    assert complete("utter_faq/breathing", replace(now, language="es")).buttons[0].title == "Vamos juntos"
    for name in ("utter_faq/breathing", "utter_tool/ends/worse"):
        assert offer not in [button.payload for button in complete(name, replace(now, **special)).buttons]


def test_after_a_withdrawal_or_an_eating_disorder_none_is_offered():
    assert may_be_offered(False, ["utter_faq/cravings"])
    assert not may_be_offered(True, [])
    for label in ("faq/withdrawal", "crisis/withdrawal_emergency", "crisis/check_in_drink", "uncovered/ketamine_withdrawal"):
        assert not may_be_offered(False, [Topic.of(label).reply, "utter_faq/ptsd"]) and Topic.of(label).reply in names()


def test_lines_without_an_answer_are_left_out():
    said = ["utter_uncovered/cost", "utter_faq/ptsd", "utter_advice/dosing", "utter_uncovered/cost"]
    filled = words({ANSWERS: {"question_1": "does it {hurt}?"}}, said, "en")
    text = complete("utter_tool/questions_for_clinic/list", Situation(words=filled)).text
    assert "- does it {hurt}?" in text and text.count("\n- ") == 3
    assert filled[GATHERED].count(";") == 1 and filled[GATHERED] in text
    empty = complete("utter_tool/questions_for_clinic/list", Situation(words=words({}, [], "en"))).text
    assert len(empty.splitlines()) == 3


def test_the_questions_left_open_are_told_in_the_patients_language():
    english, spanish = (words({}, ["utter_uncovered/cost"], language)[GATHERED] for language in ("en", "es"))
    assert english and spanish and english != spanish


def test_results_hold_words_of_patients_and_steps_do_not():
    assert quotes("utter_tool/trigger_plan/plan") and not quotes("utter_tool/trigger_plan/do_1")
    assert not quotes("utter_tool/breathing/keep") and not quotes("utter_faq/breathing") and not quotes("utter_tool/gone/x")


def test_figures_count_a_tool_with_its_topic():
    assert kind_and_topic(["utter_tool/breathing/first"]) == ("faq", "mindfulness")
    assert kind_and_topic(["utter_tool/self_kindness/friend"]) == ("faq", "self_kindness")
    assert kind_and_topic(["utter_tool/ends/how"]) == ("faq", "coping_general")
    assert kind_and_topic(["utter_uncovered/cost", "utter_tool/breathing/first"]) == ("uncovered", "cost")
    assert kind_and_topic(["utter_crisis/suicide"]) == ("crisis", "suicide")
    assert outcome_of(["utter_tool/breathing/first"]) == "answered"
