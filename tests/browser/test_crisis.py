"""A message of a patient in danger."""

import pytest
from playwright.sync_api import expect

from infusion_guide.replies.pins import pinned
from tests.browser.fake_assistant import NOWHERE
from tests.browser.looks import DESKTOP, PHONE, SMALLEST
from tests.browser.websites import tag
from tests.browser.widget import CRISIS, CRISIS_ANSWER, OTHER_ANSWER, OTHER_QUESTION, QUESTION, WORDS, Widget, fill

PINNED = pinned()["en"][CRISIS_ANSWER][0]
VIEWS = pytest.mark.parametrize("screen", [DESKTOP, PHONE, SMALLEST], ids=["desktop", "phone", "smallest"])


@pytest.fixture
def on_screen(window, clinic_page):
    """The open widget on a screen."""

    def make(screen):
        tab = window(**screen).new_page()
        tab.goto(clinic_page)
        return Widget(tab).open()

    return make


def test_the_pinned_words_come_after_the_buttons(talk):
    talk.ask(CRISIS)
    crisis = talk.reply(CRISIS_ANSWER)
    expect(crisis.locator(".bubble")).to_contain_text(PINNED.strip())
    links = crisis.get_by_role("group", name=WORDS["crisisGroup"]).get_by_role("link")
    first = [links.nth(number).get_attribute("href") for number in range(3)]
    assert first == ["tel:911", "tel:988", "sms:988"]
    lowest_button = links.nth(2).bounding_box()
    assert lowest_button["y"] + lowest_button["height"] <= crisis.locator(".bubble").bounding_box()["y"]
    assert lowest_button["height"] >= 44


def test_it_differs_by_more_than_colour(talk):
    talk.ask(QUESTION)
    talk.ask(CRISIS)
    crisis = talk.reply(CRISIS_ANSWER)
    expect(crisis.get_by_role("heading", name=WORDS["crisisHeading"])).to_be_visible()
    shape = "element => [getComputedStyle(element).borderTopWidth, getComputedStyle(element).borderInlineStartWidth]"
    assert crisis.evaluate(shape) != talk.replies.first.evaluate(shape)


def test_it_is_announced_at_once_and_nothing_else_is(talk):
    talk.ask(CRISIS)
    loud = [told["text"] for told in talk.said if told["manner"] == "assertive"]
    assert len(loud) == 1 and PINNED.strip() in loud[0]
    assert not any(PINNED[:40] in told["text"] for told in talk.said if told["manner"] == "polite")


def test_numbers_in_its_words_can_be_tapped(talk):
    talk.ask(CRISIS)
    bubble = talk.reply(CRISIS_ANSWER).locator(".bubble")
    hrefs = [link.get_attribute("href") for link in bubble.get_by_role("link").all()]
    assert set(hrefs) == {"tel:911", "tel:988", "sms:988", "https://988lifeline.org/chat"}


@VIEWS
def test_its_buttons_stay_in_view(on_screen, screen):
    talk = on_screen(screen)
    for _ in range(3):
        talk.ask(QUESTION)
    talk.ask(CRISIS)
    # On the lowest screens the notice above is the card's first row.
    place = talk.notice if screen is SMALLEST else talk.reply(CRISIS_ANSWER)
    first = place.get_by_role("link", name=fill("callNumber", number="911")).first
    expect(talk.reply(CRISIS_ANSWER).get_by_role("heading")).to_be_in_viewport()
    expect(first).to_be_in_viewport(ratio=1)
    # What makes the talk longer or its place smaller, without a word of the patient.
    talk.page.evaluate("document.querySelector('infusion-guide').requestUpdate()")
    talk.page.context.set_offline(True)
    talk.reaches("reconnecting", "offline")
    expect(first).to_be_in_viewport(ratio=1)
    talk.page.context.set_offline(False)
    talk.reaches("connected")
    expect(first).to_be_in_viewport(ratio=1)


def test_the_patient_goes_on_as_they_like(talk):
    talk.ask(CRISIS)
    talk.ask(OTHER_QUESTION)
    expect(talk.reply(OTHER_ANSWER)).to_be_in_viewport()


@VIEWS
def test_the_notice_is_there_at_every_size_and_always_in_view(on_screen, screen):
    talk = on_screen(screen)
    talk.ask(QUESTION)
    for number, key in (("911", "callNumber"), ("988", "callNumber"), ("988", "textNumber")):
        expect(talk.notice.get_by_role("link", name=fill(key, number=number))).to_be_in_viewport(ratio=1)
    talk.log.evaluate("log => log.scrollTo(0, 0)")
    expect(talk.notice.get_by_role("link", name=fill("callNumber", number="911"))).to_be_in_viewport(ratio=1)
    expect(talk.input).to_be_in_viewport(ratio=1)


def test_the_notice_needs_no_server(tab, website, assistant):
    tab.route("**/socket.io/**", lambda route: route.abort())
    tab.goto(website.put("/alone.html", tag(assistant.url, server=NOWHERE)))
    talk = Widget(tab).open()
    expect(talk.notice.get_by_role("link", name=fill("callNumber", number="911"))).to_be_visible()
    expect(talk.says(WORDS["offline"])).to_be_visible()
    expect(talk.says(WORDS["offlineHelp"])).to_be_visible()


def test_no_rating_is_asked_for(talk):
    talk.ask(CRISIS)
    expect(talk.button("feedbackUp")).to_have_count(0)


def test_a_closed_panel_stays_closed(talk, assistant):
    """Somebody who must not see it may have come in."""
    talk.ask(QUESTION)
    assistant.freeze()
    talk.write(CRISIS)
    talk.close.click()
    assistant.thaw()
    badge = talk.page.get_by_role("button", name=f"{WORDS['launcher']} {WORDS['unread']}")
    expect(badge).to_be_visible()
    expect(talk.panel).to_be_hidden()
    badge.click()
    expect(talk.reply(CRISIS_ANSWER).get_by_role("link").first).to_be_in_viewport()
