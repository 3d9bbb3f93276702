"""The widget without a mouse."""

import pytest
from playwright.sync_api import expect

from tests.browser.looks import PHONE
from tests.browser.websites import page, tag
from tests.browser.widget import QUESTION, WORDS, Widget

# The element with the focus, through shadow roots, as a patient knows it.
FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}"""
NAME = f"""() => {{
  const element = ({FOCUSED})();
  return element.ariaLabel || element.labels?.[0]?.textContent.trim() || element.innerText?.trim() || element.tagName;
}}"""
RING = f"""() => {{
  const style = getComputedStyle(({FOCUSED})());
  return style.outlineStyle === "auto" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
}}"""
# Whether something else lies over the middle of the focused element, or it is out of sight.
HIDDEN = f"""() => {{
  const element = ({FOCUSED})();
  const box = element.getBoundingClientRect();
  const [x, y] = [box.left + Math.min(box.width / 2, 40), box.top + Math.min(box.height / 2, 20)];
  let top = document.elementFromPoint(x, y);
  while (top?.shadowRoot?.elementFromPoint(x, y)) {{
    const inner = top.shadowRoot.elementFromPoint(x, y);
    if (inner === top) break;
    top = inner;
  }}
  return !(element === top || element.contains(top));
}}"""


def focused(page):
    return page.evaluate(NAME)


def tab_to(page, name, most=30, key="Tab"):
    """Presses Tab until `name` has the focus; every stop on the way must be seen."""
    passed = []
    for _ in range(most):
        page.keyboard.press(key)
        passed.append(focused(page))
        assert page.evaluate(RING), f"{passed[-1]} shows no focus"
        assert not page.evaluate(HIDDEN), f"{passed[-1]} has the focus out of sight"
        if name in passed[-1]:
            return passed
    raise AssertionError(f"{name} was not reached: {passed}")


def test_the_whole_journey_with_keys_alone(widget):
    page, keys = widget.page, widget.page.keyboard
    tab_to(page, WORDS["launcher"])
    keys.press("Enter")
    expect(widget.input).to_be_focused()

    keys.type(QUESTION)
    keys.press("Enter")
    turn = widget.answered(widget.turns.first)
    expect(widget.input).to_be_focused()

    tab_to(page, WORDS["sources"].split("{")[0], key="Shift+Tab")
    keys.press("Enter")
    expect(turn.get_by_role("listitem").first).to_be_visible()

    tab_to(page, "Triggers")
    keys.press("Enter")
    widget.answered(widget.turns.nth(1))
    expect(widget.input).to_be_focused()

    tab_to(page, WORDS["feedbackDown"], key="Shift+Tab")
    keys.press("Space")
    reason = page.get_by_label(WORDS["feedbackReason"])
    expect(reason).to_be_visible()
    tab_to(page, WORDS["feedbackReason"])
    keys.type("too short")
    keys.press("Enter")
    expect(reason).to_have_count(0)
    expect(widget.turns.nth(1).get_by_role("button", name=WORDS["feedbackDown"], exact=True)).to_be_focused()

    tab_to(page, WORDS["menu"], key="Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("button", name=WORDS["otherLanguage"])).to_be_focused()
    keys.press("Escape")
    expect(widget.menu).to_be_focused()
    expect(widget.panel).to_be_visible()

    keys.press("Enter")
    tab_to(page, WORDS["deleteConversation"])
    keys.press("Enter")
    expect(widget.button("deleteYes")).to_be_focused()
    keys.press("Escape")
    expect(widget.button("deleteYes")).to_have_count(0)
    keys.press("Escape")
    expect(widget.panel).to_be_visible()
    keys.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()


def test_beside_the_page_it_is_no_trap(talk):
    page = talk.page
    page.get_by_role("link", name="Hours").focus()
    passed = tab_to(page, WORDS["send"])
    assert any(WORDS["conversation"] in name for name in passed) and any(WORDS["close"] in name for name in passed)
    page.keyboard.press("Tab")
    assert WORDS["send"] not in focused(page)


def test_shift_enter_makes_a_line(talk):
    talk.input.press_sequentially("one")
    talk.input.press("Shift+Enter")
    talk.input.press_sequentially("two")
    expect(talk.input).to_have_value("one\ntwo")
    expect(talk.turns).to_have_count(0)


def test_an_empty_message_is_explained(talk):
    talk.input.press("Enter")
    expect(talk.status).to_contain_text(WORDS["emptyHint"])
    expect(talk.input).to_be_focused()
    expect(talk.turns).to_have_count(0)


@pytest.fixture
def on_phone(window, clinic_page):
    tab = window(**PHONE).new_page()
    tab.goto(clinic_page)
    return Widget(tab)


def test_on_a_phone_the_focus_stays_inside(on_phone):
    talk, page = on_phone.open(), on_phone.page
    talk.ask(QUESTION)
    inside = "() => ['INFUSION-GUIDE', 'BODY'].includes(document.activeElement.tagName)"
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(inside), f"left after {names}"
        names.append(focused(page))
    assert "Hours" not in names and len(set(names)) > 8
    page.keyboard.press("Escape")
    expect(talk.launcher).to_be_focused()
    expect(talk.launcher).to_be_visible()


def test_on_a_phone_the_page_behind_cannot_be_pressed(on_phone):
    talk = on_phone.open()
    box = talk.panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)


def test_after_a_touch_the_answer_is_not_covered_by_a_keyboard(on_phone):
    """The focus goes to the talk, not to the input, which would raise the on-screen keyboard."""
    talk = on_phone.open()
    talk.ask(QUESTION)
    talk.quick_replies.get_by_role("button").first.tap()
    talk.answered(talk.turns.nth(1))
    expect(talk.log).to_be_focused()


def test_after_consent_the_focus_is_in_the_input(tab, assistant, website):
    tab.goto(website.put("/consent.html", page(tag(assistant.url, consent="I agree."))))
    talk = Widget(tab)
    tab_to(tab, WORDS["launcher"])
    tab.keyboard.press("Enter")
    expect(talk.button("consentAgree")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(talk.input).to_be_focused()


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_every_target_is_at_least_24_pixels(widget, on_phone, screen):
    talk = (widget if screen == "desktop" else on_phone).open()
    talk.ask(QUESTION)
    talk.button("feedbackDown").click()
    sizes = {}
    measure = """element => [...element.shadowRoot.querySelectorAll("a, button, input, textarea, summary")]
      .filter((each) => each.checkVisibility() && !each.closest(".bubble"))
      .map((each) => [each, each.getBoundingClientRect()])
      .map(([each, box]) => [each.innerText.trim() || each.id || each.name, box.width, box.height])"""
    for opens in (talk.menu, talk.person, talk.close):
        for name, width, height in talk.element.evaluate(measure):
            sizes[name] = min(width, height)
        opens.click()
    sizes.update((name, min(width, height)) for name, width, height in talk.element.evaluate(measure))
    assert len(sizes) > 12
    assert {name: size for name, size in sizes.items() if size < 24} == {}
