"""Too much: too many messages, too long ones, and an assistant that does not answer."""

import re
import uuid

import socketio
from playwright.sync_api import expect

from tests.browser.assistant import MESSAGES_PER_MINUTE
from tests.browser.fake_assistant import FakeAssistant, reply
from tests.browser.widget import OTHER_QUESTION, QUESTION, WORDS, Widget, fill
from tests.faults.cluster import wait_until


def unanswered(tab, fake_page):
    """An assistant that was sent QUESTION and says nothing by itself, and the talk with it."""
    fake = FakeAssistant(tab, answer=lambda text: None)
    tab.goto(fake_page)
    talk = Widget(tab).open()
    talk.write(QUESTION)
    expect(talk.turns).to_have_attribute("data-standing", "sent")
    return fake, talk


def test_too_many_messages_are_explained_and_can_be_sent_again(talk, assistant):
    talk.ask(QUESTION)
    client, ended = socketio.Client(), []
    client.on("turn_end", ended.append)
    client.connect(assistant.url)  # writes in the patient's name, faster than a browser can
    try:
        for number in range(MESSAGES_PER_MINUTE):
            message = {"session_id": talk.kept["ticket"], "message": "hello", "message_id": uuid.uuid4().hex}
            client.emit("user_uttered", message)
            wait_until(lambda number=number: len(ended) > number)
            if ended[-1]["outcome"] == "limited":
                break
    finally:
        client.disconnect()
    assert ended[-1]["outcome"] == "limited"

    talk.write(OTHER_QUESTION)
    limited = talk.turns.filter(has=talk.page.locator(".mine", has_text=OTHER_QUESTION))
    expect(limited).to_have_attribute("data-standing", "limited")
    expect(limited).to_contain_text("too many messages")
    expect(limited.get_by_role("button", name=WORDS["tryAgain"])).to_be_visible()
    expect(talk.notice).to_be_visible()
    limited.get_by_role("button", name=WORDS["remove"]).click()
    expect(limited).to_have_count(0)
    expect(talk.input).to_be_focused()


def test_seconds_run_down_and_the_message_goes_again(tab, fake_page):
    tab.clock.install()
    fake, talk = unanswered(tab, fake_page)
    fake.end(fake.messages[0]["message_id"], "limited", 9)
    expect(talk.turns).to_contain_text(fill("limited", seconds=9))
    tab.clock.run_for(4000)
    expect(talk.turns).to_contain_text(fill("limited", seconds=5))
    tab.clock.run_for(6000)
    expect(talk.turns).to_contain_text(WORDS["limitedOver"])
    fake.answer = lambda text: [reply("Here it is.")]
    talk.turns.get_by_role("button", name=WORDS["tryAgain"]).click()
    expect(talk.says("Here it is.").first).to_be_visible()
    expect(talk.turns).to_have_count(1)
    assert [each["message"] for each in fake.messages] == [QUESTION, QUESTION]


def test_the_length_is_counted_near_the_end_only(talk):
    counter = talk.page.get_by_text("characters left")
    talk.input.fill("a" * 1700)
    expect(counter).to_have_count(0)
    talk.input.fill("a" * 1850)
    expect(talk.element.locator("#hint")).to_have_text(fill("charactersLeft", count=150))
    talk.input.fill("a" * 2000)
    talk.input.press("End")
    talk.input.press_sequentially("bc")
    assert len(talk.input.input_value()) == 2000


def test_the_longest_message_that_can_be_typed_is_taken(talk, assistant):
    longest = (QUESTION + " ") * 40
    talk.input.fill(longest[:2000])
    talk.input.press("Enter")
    expect(talk.turns).to_have_attribute("data-standing", re.compile("answered|refused"))
    expect(talk.turns).to_have_attribute("data-standing", "answered")
    assert len(assistant.patient_said(talk.conversation)[0]) >= 1990


def test_a_failure_says_so_and_offers_another_try(tab, fake_page):
    fake, talk = unanswered(tab, fake_page)
    fake.end(fake.messages[0]["message_id"], "failed")
    expect(talk.turns).to_contain_text(WORDS["failed"])
    fake.answer = lambda text: [reply("Now it worked.")]
    talk.turns.get_by_role("button", name=WORDS["tryAgain"]).click()
    expect(talk.turns).to_contain_text("Now it worked.")
    assert len({each["message_id"] for each in fake.messages}) == 1


def test_a_silent_assistant_leads_to_people(tab, fake_page):
    tab.clock.install()
    fake, talk = unanswered(tab, fake_page)
    tab.clock.run_for(25_000)
    expect(talk.turns).to_contain_text(WORDS["slow"])
    expect(talk.turns.get_by_role("link", name=re.compile("911"))).to_be_visible()
    fake.start(fake.messages[0]["message_id"], QUESTION)
    fake.utter(fake.messages[0]["message_id"], reply("Sorry for the wait."))
    fake.end(fake.messages[0]["message_id"])
    expect(talk.turns).to_contain_text("Sorry for the wait.")
    expect(talk.turns).not_to_contain_text(WORDS["slow"])
