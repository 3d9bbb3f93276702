"""From a patient's wish to be called to the report: the widget, the staff pages, one database, a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.widget import WORDS
from tests.staff_pages import NAMES, PASSWORD, StaffPages

REFERENCE = re.compile(r"\b[A-Z3-9]{3}-[A-Z3-9]{3}\b")


@pytest.fixture(scope="module")
def pages(assistant):
    """The staff pages on the assistant's own database."""
    with StaffPages(url=assistant.settings.database_url) as found:
        yield found


@pytest.fixture
def desk(window, pages):
    """The front desk's browser, signed in."""
    page = window().new_page()
    page.goto(f"{pages.url}/staff")
    page.get_by_label("Name").fill(NAMES["front_desk"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Requests")
    return page


def choose(talk, title):
    """Presses the quick reply `title` of the last answer, once the turn before is over."""
    before = talk.turns.count()
    talk.quick_replies.get_by_role("button", name=title, exact=True).click()
    expect(talk.turns).to_have_count(before + 1)
    return talk.answered(talk.turns.nth(before))


def call_back(talk):
    """A request of Rosa; its reference."""
    expect(talk.ask("what would one infusion cost me?")).to_contain_text("prices")
    choose(talk, "Ask for a call-back")
    choose(talk, "Yes, go ahead")
    talk.ask("my name is rosa")
    expect(talk.ask("is it safe?")).to_contain_text("I still need a phone number")
    talk.ask("(212) 555-0142")
    choose(talk, "Afternoons")
    talk.ask("what it costs")
    expect(talk.turns.last).to_contain_text("(212) 555-0142")
    return REFERENCE.search(choose(talk, "Send it").inner_text()).group()


def requests_in_report(desk, pages):
    """How many call-back requests the report shows."""
    desk.goto(f"{pages.url}/staff/report")
    asked_for = desk.get_by_role("row", name="Asked for", include_hidden=True)
    return asked_for.get_by_role("cell", include_hidden=True).inner_text() if asked_for.count() else "0"


def test_a_request_goes_from_the_patient_to_the_desk_to_the_report(talk, desk, pages):
    before = requests_in_report(desk, pages)
    reference = call_back(talk)
    desk.goto(f"{pages.url}/staff/requests")
    desk.get_by_role("link", name=reference).first.click()
    expect(desk.get_by_role("main")).to_contain_text("Rosa")
    expect(desk.get_by_role("link", name="(212) 555-0142")).to_have_attribute("href", "tel:+12125550142")
    expect(desk.get_by_role("main")).to_contain_text("Afternoons")
    expect(desk.get_by_role("main")).to_contain_text("Price")
    desk.get_by_role("button", name="Take").click()
    expect(desk.get_by_role("main")).to_contain_text(NAMES["front_desk"])
    desk.get_by_role("button", name="Done").click()
    expect(desk.get_by_role("button", name="Open again")).to_be_visible()
    assert (before, requests_in_report(desk, pages)) == ("0", "1")  # staff see every number


def test_deleting_the_conversation_takes_the_request_back(talk, assistant, desk, pages):
    reference = call_back(talk)
    talk.menu.click()
    talk.button("deleteConversation").click()
    expect(talk.says(WORDS["deleteQuestion"])).to_be_visible()
    talk.button("deleteYes").click()
    expect(talk.says(WORDS["deleteDone"]).first).to_be_visible()
    desk.goto(f"{pages.url}/staff/requests/{reference}")
    expect(desk.get_by_role("heading", level=1)).not_to_contain_text(reference)
