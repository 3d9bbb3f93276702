"""A clerk's open page hears: the request is there without a reload, in every tab, once; the policy stays strict."""

import time

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from infusion_guide.storage import tables
from tests.browser.looks import DESKTOP
from tests.staff_pages import StaffPages
from tests.test_staff_desk import crisis
from tests.test_staff_requests import insert


@pytest.fixture
def pages(tmp_path):
    with StaffPages(tmp_path) as found:
        yield found


@pytest.fixture
def signed_in(pages, window):
    """A window of somebody who is signed in."""

    def open_window(role):
        opened = window(**DESKTOP)
        cookies = pages.signed_in(role).cookies
        opened.add_cookies([{"name": one.name, "value": one.value, "url": f"{pages.url}/staff"} for one in cookies])
        return opened

    return open_window


def test_from_the_patients_tap_to_the_clerks_screen_in_under_two_seconds(pages, signed_in):
    opened = signed_in("front_desk")
    said = []
    first, second = opened.new_page(), opened.new_page()
    for tab in (first, second):
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(f"{pages.url}/staff/requests")
        expect(tab.get_by_text("Nobody is waiting.")).to_be_visible()
    first.wait_for_timeout(1500)  # the stream stands
    for tab, reference in ((first, "AAA-222"), (second, "BBB-222")):
        tab.bring_to_front()
        tab.evaluate("window.stayed = true")
        begun = time.monotonic()
        pages.database.run_now(lambda connection, reference=reference: insert(connection, reference))
        expect(tab.get_by_role("link", name=reference)).to_be_visible(timeout=5000)
        assert time.monotonic() - begun < 2
        assert tab.evaluate("window.stayed")
        expect(tab.get_by_text("A new request for a call came in.")).to_be_visible()
    expect(first).to_have_title("(2) Requests: new · Infusion Guide staff")
    expect(first.locator("[data-count=requests]")).to_have_text("2 wait for a call")
    assert not [words for words in said if "Content Security" in words]


def test_a_crisis_reaches_whoever_may_read_it_and_the_front_desk_is_told_whom_to_call(pages, signed_in):
    clerk, clinician = signed_in("front_desk").new_page(), signed_in("clinician").new_page()
    clerk.goto(f"{pages.url}/staff/requests")
    clinician.goto(f"{pages.url}/staff/report")
    clerk.wait_for_timeout(1500)
    pages.run(crisis, "web:a")
    expect(clerk.locator("#live")).to_contain_text("Tell a clinician now.")
    expect(clerk.locator("#live a")).to_have_count(0)
    clinician.get_by_role("link", name="Read it now").click()
    expect(clinician.get_by_role("heading", name="Nobody has opened this crisis talk yet")).to_be_visible()


def test_sound_is_chosen_once_and_a_session_that_ended_says_so(pages, signed_in, monkeypatch):
    monkeypatch.setattr("infusion_guide.staff.live.BEAT", 0.5)
    tab = signed_in("front_desk").new_page()
    tab.goto(f"{pages.url}/staff/requests")
    sound = tab.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.click()
    tab.reload()
    expect(sound).to_have_attribute("aria-pressed", "true")
    expect(tab.get_by_role("button", name="Print")).to_be_visible()
    pages.run(lambda connection: connection.execute(sa.delete(tables.staff_sessions)))
    expect(tab.get_by_text("You are signed out, so nothing new is heard here.")).to_be_visible()


def test_without_scripts_every_button_is_there_but_those_that_need_one(pages, window):
    opened = window(**DESKTOP, java_script_enabled=False)
    cookies = pages.signed_in("front_desk").cookies
    opened.add_cookies([{"name": one.name, "value": one.value, "url": f"{pages.url}/staff"} for one in cookies])
    pages.database.run_now(lambda connection: insert(connection, "AAA-222"))
    tab = opened.new_page()
    tab.goto(f"{pages.url}/staff/requests")
    expect(tab.get_by_role("button", name="Sound")).to_be_hidden()
    tab.get_by_role("link", name="Next request").click()
    tab.get_by_role("button", name="Tried, no answer").click()
    expect(tab.get_by_role("status").filter(has_text="Kept: tried, no answer.")).to_be_visible()
