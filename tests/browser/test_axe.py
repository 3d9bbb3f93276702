"""axe finds nothing in any state of the widget, whatever the screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.fake_assistant import FakeAssistant, reply
from tests.browser.looks import LOOKS
from tests.browser.widget import CRISIS, CRISIS_ANSWER, QUESTION, WORDS, Widget


class Judge:
    """Asks axe about one state after the other."""

    def __init__(self, page):
        self._page, self.seen, self.found = page, [], {}

    def see(self, state):
        self.seen.append(state)
        found = violations(self._page)
        if found:
            self.found[state] = found


@pytest.fixture(params=LOOKS)
def tab(window, errors, request):
    opened = window(**LOOKS[request.param]).new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    return opened


@pytest.fixture
def judge(tab):
    made = Judge(tab)
    yield made
    assert made.seen and made.found == {}


def test_axe_finds_nothing_on_the_way_of_a_patient(widget, judge):
    judge.see("closed")
    talk = widget.open()
    judge.see("open")
    talk.ask(QUESTION)
    expect(talk.quick_replies).to_be_visible()
    judge.see("answered, with quick replies")
    talk.sources.first.click()
    judge.see("source open")
    talk.button("feedbackDown").click()
    expect(talk.page.get_by_label(WORDS["feedbackReason"])).to_be_visible()
    judge.see("asked for a reason")
    talk.button("feedbackSkip").click()
    talk.person.click()
    expect(talk.button("personAsk")).to_be_visible()
    judge.see("talk to a person")
    talk.menu.click()
    expect(talk.page.get_by_role("button", name=WORDS["saveTranscript"])).to_be_visible()
    judge.see("menu")
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    expect(talk.button("deleteYes")).to_be_visible()
    judge.see("asked before deleting")
    talk.button("deleteNo").click()
    talk.ask(CRISIS)
    expect(talk.reply(CRISIS_ANSWER)).to_be_visible()
    judge.see("crisis")
    talk.input.fill("a" * 1950)
    expect(talk.says(re.compile("50 characters left")).first).to_be_visible()
    judge.see("near the longest message")


def test_axe_finds_nothing_when_something_is_amiss(tab, fake_page, judge):
    fake = FakeAssistant(tab, answer=lambda text: None)
    tab.goto(fake_page)
    talk = Widget(tab).open()

    def sent(text):
        before = len(fake.messages)
        talk.write(text)
        tab.wait_for_function("number => document.querySelector('infusion-guide').state.conversation.length > number", arg=before)
        expect(talk.turns.nth(before)).to_have_attribute("data-standing", "sent")
        return fake.messages[-1]["message_id"]

    message_id = sent("first")
    fake.start(message_id, "first")
    expect(talk.element.locator(".dots")).to_be_visible()
    judge.see("typing")
    fake.utter(message_id, reply("An answer."))
    fake.end(message_id)
    expect(talk.replies).to_have_count(1)

    fake.end(sent("second"), "limited", 40)
    expect(talk.says(re.compile("too many messages")).first).to_be_visible()
    judge.see("rate-limited")

    fake.end(sent("third"), "failed")
    expect(talk.says(WORDS["failed"]).first).to_be_visible()
    judge.see("failed")

    fake.say("refused", {"error": "This message is too long.", "message_id": sent("fourth")})
    expect(talk.says(re.compile("This message is too long")).first).to_be_visible()
    judge.see("refused")

    fake.go_down()
    talk.reaches("offline")
    talk.write("fifth")
    expect(talk.says(WORDS["waiting"])).to_be_visible()
    judge.see("offline")


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])  # in forced colours axe misreads the page's own letters
def test_axe_finds_nothing_on_the_demonstration_page(window, assistant, look):
    tab = window(**LOOKS[look]).new_page()
    tab.goto(assistant.url)
    expect(Widget(tab).launcher).to_be_visible()
    assert violations(tab) == []


@pytest.mark.parametrize("settings", [{"consent": "I agree that a program answers.", "privacy_link": "https://clinic.example/"}])
def test_axe_finds_nothing_before_consent(talk, judge):
    expect(talk.button("consentAgree")).to_be_visible()
    judge.see("consent")
