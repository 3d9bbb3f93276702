"""Small screens, large letters, the other reading direction, paper."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.fake_assistant import FakeAssistant
from tests.browser.looks import DESKTOP, LOOKS, PHONE, SMALLEST
from tests.browser.websites import page, tag
from tests.browser.widget import CRISIS, OTHER_QUESTION, QUESTION, WORDS, Widget, fill

# Elements of the widget that are wider than their place: (name, how much). Text that is only for screen readers is not seen.
TOO_WIDE = """element => [...element.shadowRoot.querySelectorAll("*")]
  .filter((each) => each.checkVisibility() && !each.closest(".unseen, svg"))
  .map((each) => {
    const box = each.getBoundingClientRect();
    const out = Math.max(box.right - document.documentElement.clientWidth, -box.left);
    const scrolls = /auto|scroll/.test(getComputedStyle(each).overflowX) && each.tagName !== "TEXTAREA";
    const inner = scrolls ? each.scrollWidth - each.clientWidth : 0;
    return [`${each.tagName}.${each.className} ${each.innerText?.slice(0, 20)}`, Math.round(Math.max(out, inner))];
  })
  .filter(([, much]) => much > 1)"""
PAGE_SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def on(window, clinic_page, errors):
    """The closed widget on a screen: on(PHONE, color_scheme="dark")."""

    def make(screen, address=clinic_page, **more):
        tab = window(**{**screen, **more}).new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(address)
        return Widget(tab)

    return make


def no_overflow(talk, state):
    assert talk.element.evaluate(TOO_WIDE) == [], state
    assert not talk.page.evaluate(PAGE_SCROLLS), state


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_scrolls_sideways(on, look):
    talk = on(LOOKS[look])
    no_overflow(talk, "closed")
    talk.open()
    no_overflow(talk, "open")
    talk.ask(QUESTION)
    talk.sources.first.click()
    talk.button("feedbackDown").click()
    no_overflow(talk, "answered")
    talk.menu.click()
    no_overflow(talk, "menu")
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    no_overflow(talk, "before deleting")
    talk.button("deleteNo").click()
    talk.person.click()
    no_overflow(talk, "person")
    talk.person.click()
    talk.ask("a" * 300)
    talk.ask(CRISIS)
    no_overflow(talk, "crisis")


def test_at_the_smallest_size_everything_needed_is_in_view(on):
    talk = on(SMALLEST).open()
    talk.ask(QUESTION)
    for shown in (talk.input, talk.send, talk.menu, talk.close, talk.person):
        expect(shown).to_be_in_viewport(ratio=1)
    for key, number in (("callNumber", "911"), ("callNumber", "988"), ("textNumber", "988")):
        expect(talk.notice.get_by_role("link", name=fill(key, number=number))).to_be_in_viewport(ratio=1)
    expect(talk.quick_replies.get_by_role("button").first).to_be_in_viewport(ratio=1)
    assert talk.log.evaluate("log => log.clientHeight") >= 70  # three lines of the talk
    expect(talk.turns.last.locator(".reply .bubble").first).to_be_in_viewport()


def test_at_the_smallest_size_the_menu_can_be_used(on):
    talk = on(SMALLEST).open()
    talk.ask(QUESTION)
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    talk.button("deleteYes").click()
    expect(talk.turns).to_have_count(0)


def test_larger_letters_of_the_browser_are_followed(on):
    """200 % text size (WCAG 1.4.4): the browser's setting, not the page's, since many themes shrink the root."""
    talk = on(DESKTOP)
    talk.page.context.new_cdp_session(talk.page).send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    talk.open().ask(QUESTION)
    assert talk.input.evaluate("input => parseFloat(getComputedStyle(input).fontSize)") >= 30
    no_overflow(talk, "large letters")
    expect(talk.input).to_be_in_viewport(ratio=1)
    expect(talk.notice.get_by_role("link", name=fill("callNumber", number="911"))).to_be_in_viewport(ratio=1)


def test_wider_text_spacing_loses_nothing(on):
    """WCAG 1.4.12."""
    talk = on(PHONE).open()
    talk.page.evaluate("""() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }");
      const root = document.querySelector("infusion-guide").shadowRoot;
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    }""")
    talk.ask(QUESTION)
    no_overflow(talk, "spaced")
    cut = """element => [...element.shadowRoot.querySelectorAll("button, a.contact")].filter((each) => each.checkVisibility()
      && (each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1)).map((each) => each.innerText)"""
    assert talk.element.evaluate(cut) == []


def test_turning_the_phone_keeps_talk_and_focus(on):
    talk = on(PHONE).open()
    talk.ask(QUESTION)
    talk.input.fill("half a sent")
    talk.input.focus()
    talk.page.set_viewport_size({"width": 844, "height": 390})
    expect(talk.input).to_be_in_viewport(ratio=1)
    expect(talk.input).to_be_focused()
    expect(talk.input).to_have_value("half a sent")
    expect(talk.turns).to_have_count(1)
    no_overflow(talk, "turned")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE, SMALLEST], ids=["desktop", "phone", "smallest"])
def test_from_right_to_left(on, website, assistant, screen):
    address = website.put("/rtl.html", page(tag(assistant.url, clinic_phone="555-123-4567"), dir="rtl"))
    talk = on(screen, address)
    talk.open().ask(QUESTION)
    no_overflow(talk, "right to left")
    mine, theirs = talk.mine.last.bounding_box(), talk.replies.last.locator(".bubble").bounding_box()
    assert mine["x"] + mine["width"] < theirs["x"] + theirs["width"]
    assert mine["x"] <= theirs["x"]
    assert talk.close.bounding_box()["x"] < talk.panel.bounding_box()["x"] + talk.panel.bounding_box()["width"] / 2
    talk.person.click()
    assert "555-123-4567" in talk.page.get_by_role("link", name=re.compile("555-123-4567")).inner_text()


def test_on_paper_the_whole_talk_is_there(on):
    talk = on(DESKTOP).open()
    for question in (QUESTION, OTHER_QUESTION, QUESTION, OTHER_QUESTION):
        talk.ask(question)
    talk.page.emulate_media(media="print")
    clipped = """element => [...element.shadowRoot.querySelectorAll(".reply, .mine, .notice")].filter((each) => {
      const box = each.getBoundingClientRect();
      const outside = (inner) => inner.parentElement ?? inner.getRootNode().host;
      for (let around = outside(each); around; around = outside(around)) {
        const style = getComputedStyle(around);
        if (style.position === "fixed") return true;  // repeated on each sheet, cut at its end
        const edge = around.getBoundingClientRect();
        if (style.overflowY !== "visible" && (box.top < edge.top - 1 || box.bottom > edge.bottom + 1)) return true;
      }
      return !each.checkVisibility() || box.height === 0;
    }).map((each) => each.innerText.slice(0, 40))"""
    assert talk.element.evaluate(clipped) == []
    for useless in (talk.input, talk.send, talk.menu, talk.launcher):
        expect(useless).to_be_hidden()
    assert talk.page.pdf(format="A5").count(b"/Type /Page\n") > 1


def test_a_closed_widget_prints_nothing(on):
    talk = on(DESKTOP)
    talk.page.emulate_media(media="print")
    expect(talk.launcher).to_be_hidden()


def test_reduced_motion_is_respected(on, fake_page):
    def moving(**preference):
        talk = on(DESKTOP, "about:blank", **preference)
        fake = FakeAssistant(talk.page, answer=lambda text: None)
        talk.page.goto(fake_page)
        talk.open().write("hello")
        expect(talk.turns).to_have_attribute("data-standing", "sent")
        fake.start(fake.messages[0]["message_id"], "hello")
        expect(talk.element.locator(".dots")).to_be_visible()
        return talk.element.evaluate("""element => element.shadowRoot.getAnimations()
          .filter((each) => each.playState === "running" && each.effect.getComputedTiming().iterations > 1).length""")

    assert moving(reduced_motion="no-preference") > 0
    assert moving(reduced_motion="reduce") == 0


def test_on_a_desktop_it_stands_beside_the_page(on):
    box = on(DESKTOP).open().panel.bounding_box()
    assert box["width"] < 500 and box["x"] > 640 and box["y"] >= 0 and box["y"] + box["height"] <= 800
