"""What a screen reader is told: texts that arrive in live regions. (How it sounds, only a person with one can tell.)"""

import re

from playwright.sync_api import expect

from tests.browser.fake_assistant import FakeAssistant, reply
from tests.browser.widget import CRISIS, OTHER_QUESTION, QUESTION, WORDS, Widget, fill


def polite(talk):
    return [told["text"] for told in talk.said if told["manner"] == "polite"]


def loud(talk):
    return [told["text"] for told in talk.said if told["manner"] == "assertive"]


def test_each_answer_is_read_once(talk):
    talk.ask(QUESTION)
    talk.ask(OTHER_QUESTION)
    answers = [text for text in polite(talk) if text.startswith(WORDS["assistantSays"].split("{")[0])]
    assert len(answers) == 2
    assert "cravings" in answers[0].lower() and "prices" in answers[1]
    assert loud(talk) == []


def test_what_the_patient_wrote_is_not_read_back(talk):
    talk.ask(QUESTION)
    assert not any(QUESTION in text for text in polite(talk))


def test_a_replayed_history_is_not_read(talk):
    talk.ask(QUESTION)
    talk.ask(CRISIS)
    talk.page.reload()
    talk.open()
    expect(talk.turns).to_have_count(2)
    talk.ask(OTHER_QUESTION)  # read out, so what came before it would have been
    told = polite(talk) + loud(talk)
    assert any("prices" in text for text in told)
    assert [text for text in told if "cravings" in text.lower() or "glad you told me" in text] == []


def test_typing_is_told_once_and_its_words_go_again(tab, fake_page):
    fake = FakeAssistant(tab, answer=lambda text: None)
    tab.goto(fake_page)
    talk = Widget(tab).open()
    talk.write(QUESTION)
    expect(talk.turns).to_have_attribute("data-standing", "sent")
    message_id = fake.messages[0]["message_id"]
    fake.start(message_id, QUESTION)
    expect(talk.status).to_contain_text(WORDS["writing"])
    fake.utter(message_id, reply("An answer."))
    fake.end(message_id)
    expect(talk.status).not_to_contain_text(WORDS["writing"])
    assert polite(talk).count(WORDS["writing"]) == 1


def test_states_of_the_connection_are_told(talk):
    talk.ask(QUESTION)
    talk.page.context.set_offline(True)
    expect(talk.status).to_contain_text(re.compile(f"{re.escape(WORDS['reconnecting'])}|{re.escape(WORDS['offline'])}"))
    talk.page.context.set_offline(False)
    expect(talk.status).to_contain_text(WORDS["connectedAgain"])
    told = polite(talk)
    assert WORDS["connectedAgain"] in told
    assert WORDS["reconnecting"] in told or WORDS["offline"] in told


def test_a_thumb_is_acknowledged(talk):
    talk.ask(QUESTION)
    talk.button("feedbackUp").click()
    expect(talk.status).to_contain_text(WORDS["feedbackThanks"])
    assert WORDS["feedbackThanks"] in polite(talk)


def test_the_counter_is_read_at_some_steps_only(talk):
    talk.input.fill("a" * 1790)
    assert not any("characters left" in text for text in polite(talk))
    talk.input.press_sequentially("b" * 15)
    expect(talk.says("195 characters left").first).to_be_visible()
    counted = [text for text in polite(talk) if "characters left" in text]
    assert counted == [fill("charactersLeft", count=200)]
