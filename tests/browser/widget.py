"""The widget as a patient meets it: by roles and words; its insides only where no word tells what is asked."""

import json
from pathlib import Path
from typing import Any, Dict, List

from playwright.sync_api import Locator, Page, expect

from infusion_guide.clinic.settings import ROOT
from tests.browser.assistant import conversation_of

WORDS: Dict[str, str] = json.loads((ROOT / "widget" / "src" / "strings" / "en.json").read_text(encoding="utf-8"))
WATCH = (Path(__file__).parent / "scripts" / "watch.js").read_text(encoding="utf-8")

QUESTION = "Could these infusions take the edge off my urge to use again?"
ANSWER = "utter_faq/cravings"
OTHER_QUESTION = "what would an infusion cost me?"
OTHER_ANSWER = "utter_uncovered/cost"
CRISIS = "I am going to kill myself tonight"
CRISIS_ANSWER = "utter_crisis/suicide"


def fill(key: str, **values: Any) -> str:
    """The words of `key` with each {name} replaced by its value."""
    return WORDS[key].format(**values)


class Widget:
    """The widget on `page`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("infusion-guide")
        self.launcher = page.get_by_role("button", name=WORDS["launcher"])
        self.panel = page.get_by_role("dialog", name=WORDS["title"])
        self.notice = page.get_by_role("region", name=WORDS["noticeLabel"])
        self.log = page.get_by_role("log", name=WORDS["conversation"])
        self.input = page.get_by_role("textbox", name=WORDS["inputLabel"])
        self.send = self.button("send")
        self.close = self.button("close")
        self.menu = self.button("menu")
        self.person = self.button("person")
        self.status = self.element.locator("[part=status]")
        self.turns = self.element.locator(".turn")
        self.mine = self.element.locator(".mine .bubble")
        self.replies = self.element.locator(".turn .reply")
        self.sources = self.element.locator("summary")
        self.quick_replies = page.get_by_role("group", name=WORDS["quickReplies"])

    def button(self, key: str) -> Locator:
        """The button that says WORDS[key]."""
        return self.page.get_by_role("button", name=WORDS[key], exact=True)

    def says(self, text: str) -> Locator:
        """Where `text` stands in the widget, also as a part of more."""
        return self.element.get_by_text(text)

    def open(self) -> "Widget":
        """Opens the panel with the launcher, unless it is still open from the page before."""
        expect(self.launcher.or_(self.panel)).to_be_visible()
        if self.launcher.is_visible():
            self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def write(self, text: str) -> None:
        """Types `text` and sends it, whatever becomes of it."""
        self.input.fill(text)
        self.input.press("Enter")

    def ask(self, text: str) -> Locator:
        """Sends `text`; the turn, once it was answered."""
        before = self.turns.count()
        self.write(text)
        expect(self.turns).to_have_count(before + 1)
        return self.answered(self.turns.nth(before))

    def answered(self, turn: Locator) -> Locator:
        """`turn`, once its end was heard, typing dots gone."""
        expect(turn).to_have_attribute("data-standing", "answered")
        expect(self.element.locator(".dots")).to_have_count(0)
        return turn

    def reply(self, action: str) -> Locator:
        """The replies that Rasa calls `action`."""
        return self.element.locator(f'.reply[data-action="{action}"]')

    def reaches(self, *states: str) -> None:
        """Returns once the widget's own word for its connection is one of `states`: connected, reconnecting, offline."""
        self.page.wait_for_function(
            "states => states.includes(document.querySelector('infusion-guide').state.reach)", arg=list(states)
        )

    @property
    def kept(self) -> Dict[str, Any]:
        """What the tab remembers."""
        return json.loads(self.page.evaluate("sessionStorage.getItem('infusion-guide')") or "{}")

    @property
    def conversation(self) -> str:
        """Under which id the assistant keeps this conversation."""
        return conversation_of(self.kept["ticket"])

    @property
    def said(self) -> List[Dict[str, str]]:
        """What live regions told: `manner` (polite, assertive) and `text`, oldest first."""
        return self.page.evaluate("watched.said")

    @property
    def texts(self) -> List[str]:
        """Words of all bubbles of the patient and the assistant, in the order of the screen."""
        return self.page.evaluate(
            """() => [...document.querySelector("infusion-guide").shadowRoot.querySelectorAll(".turn .bubble")]
                 .map((bubble) => bubble.textContent.replace(/\\s+/g, " ").trim())"""
        )
