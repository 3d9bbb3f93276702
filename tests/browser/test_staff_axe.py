"""axe finds nothing on any staff page, whatever the screen; every page fits a phone.

Which pages there are, the application itself says: its navigation, and what can be reached from there by links, one page
of each route. So a new page is judged as soon as it is in the navigation.
"""

import re
import time
from urllib.parse import urljoin

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect
from starlette.routing import Match

from infusion_guide.nlu.encoder import encoder
from infusion_guide.storage import tables
from infusion_guide.storage import taught as room
from infusion_guide.storage.sealing import seal
from tests.browser.axe import violations
from tests.browser.looks import DESKTOP
from tests.staff_pages import PASSWORD, StaffPages
from tests.test_staff_conversations import store
from tests.test_staff_requests import insert
from tests.test_staff_unanswered import listed, miss

PHONE = {"width": 320, "height": 640}
# Rows of a long list look alike: all of them are judged once, the first ones in every way.
_SHORTEN = "document.querySelectorAll('tr:nth-of-type(n+7), article:nth-of-type(n+4)').forEach(part => part.remove())"
LOOKS = {  # media, and whether the window is a phone's
    "light": ({"color_scheme": "light", "forced_colors": "none"}, False),
    "dark": ({"color_scheme": "dark", "forced_colors": "none"}, False),
    "forced colors": ({"color_scheme": "light", "forced_colors": "active"}, False),
    "phone": ({"color_scheme": "light", "forced_colors": "none"}, True),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    encoder()
    folder = tmp_path_factory.mktemp("staff")
    (folder / "taught").mkdir()
    with pytest.MonkeyPatch.context() as patch, StaffPages(folder) as found:
        patch.setattr(room, "folder", lambda project=None: folder / "taught")
        fill(found)
        yield found


def fill(pages):
    """Something to see on every page."""
    for reference, given in {
        "NEW-222": {"minutes": 3000},
        "TKN-222": {"status": "taken", "by": "carla", "minutes": 90},
        "DNE-222": {"status": "done", "by": "fiona", "contact": "jo@example.org", "topic": None},
    }.items():
        pages.database.run_now(lambda connection, reference=reference, given=given: insert(connection, reference, **given))
    store(pages, "web:NEW-222", [("Can I drive home?", "utter_uncovered/driving_work", "Ask the clinic.")], crisis=time.time())
    miss(pages, "where can i park at your office", "is there parking at the office")
    listed(pages, role="admin")  # the first sorting takes a moment
    note = {"reference": "TKN-222", "sender_id": "web:TKN-222", "staff": "carla", "at": time.time(), "words": seal("Called.")}
    pages.run(lambda connection: connection.execute(sa.insert(tables.request_notes).values(**note)))
    locked = sa.update(tables.staff).where(tables.staff.c.name == "carla").values(locked_until=time.time() + 600)
    pages.run(lambda connection: connection.execute(locked))


class Judge:
    """Looks at the pages of one tab in every way; `found` is what axe, the policy or the width complain of."""

    def __init__(self, tab):
        self.tab, self.seen, self.found = tab, [], []
        tab.on("console", lambda message: self.found.append(message.text) if "Content Security" in message.text else None)

    def see(self, state):
        """Judges the tab as it is now."""
        self.seen.append(state)
        expect(self.tab.locator("h1")).to_have_count(1)
        for look, (media, phone) in LOOKS.items():
            self.tab.emulate_media(**media)
            self.tab.set_viewport_size(PHONE if phone else DESKTOP["viewport"])
            self.found += [f"{state}, {look}: {line}" for line in violations(self.tab)]
            self.tab.evaluate(_SHORTEN)
            if phone and self.tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.found.append(f"{state}: wider than a phone")


def route_of(pages, address):
    """The route that answers to GET of `address`; None when it is no page of ours."""
    scope = {"type": "http", "method": "GET", "path": re.sub(r"[?#].*", "", address), "headers": []}
    found = next((route for route in pages.app.routes if route.matches(scope)[0] is Match.FULL), None)
    return found.path if found else None


def test_a_link_in_a_webmail_opens_the_page_for_whoever_is_signed_in(pages, window):
    opened = window(**DESKTOP)
    cookies = pages.signed_in("front_desk").cookies
    opened.add_cookies(
        [{"name": one.name, "value": one.value, "url": f"{pages.url}/staff", "sameSite": "Strict"} for one in cookies]
    )
    tab = opened.new_page()
    tab.goto(f"data:text/html,<a href='{pages.url}/staff/requests/NEW-222'>Notice</a>")
    tab.get_by_role("link").click()
    expect(tab.locator("h1")).to_contain_text("Request NEW-222")


def test_axe_finds_nothing_on_any_staff_page(pages, window):
    tab = window(**DESKTOP).new_page()
    tab.set_default_timeout(10_000)
    judge = Judge(tab)

    def sign_in(name, password):
        tab.get_by_label("Name").fill(name)
        tab.get_by_label("Password").fill(password)
        tab.get_by_role("button", name="Sign in").click()

    tab.goto(f"{pages.url}/staff")
    judge.see("sign-in")
    sign_in("ada", "wrong horse battery")
    judge.see("sign-in refused")
    sign_in("ada", PASSWORD)
    expect(tab.locator("h1")).to_have_text("Requests")
    waiting, routes = [url for _, url, _ in pages.app.state.navigation], set()
    while waiting:
        address = waiting.pop(0)
        route = route_of(pages, address)
        if route is None or route in routes or re.search(r"\.(csv|css)$|/file$", route) or route == "/staff":
            continue
        routes.add(route)
        answered = tab.goto(urljoin(pages.url, address))
        assert answered.status == 200, address
        judge.see(address)
        waiting += tab.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    judged = {url for _, url, _ in pages.app.state.navigation} | {"/staff/requests/{reference}", "/staff/people/{id:row}"}
    assert judged | {"/staff/password"} <= routes

    tab.goto(f"{pages.url}/staff/nothing")
    judge.see("an error")
    tab.goto(f"{pages.url}/staff/people")
    tab.get_by_label("Name to sign in with").fill("carla")
    tab.get_by_role("button", name="Add and show").click()
    judge.see("a person refused")
    tab.get_by_label("Name to sign in with").fill("tom")
    tab.get_by_role("button", name="Add and show").click()
    judge.see("a first password")
    tab.goto(f"{pages.url}/staff/requests/NEW-222")
    tab.get_by_role("button", name="Take").click()
    expect(tab.locator("main").get_by_role("status")).to_have_text("You have this request now.")
    judge.see("a request taken")
    tab.get_by_label("New note").fill("Called, no answer.")
    pages.run(lambda connection: connection.execute(sa.delete(tables.staff_sessions)))
    tab.get_by_role("button", name="Keep the note").click()
    expect(tab.get_by_role("alert")).to_contain_text("what you sent was not saved")
    expect(tab.get_by_label("What you had typed")).to_have_value("Called, no answer.")
    judge.see("signed out meanwhile")
    assert judge.found == []
