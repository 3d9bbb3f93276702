"""What the owner of a page reads when the assistant cannot be reached from it: in the console, and on the page itself."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.fake_assistant import FakeAssistant
from tests.browser.websites import page, tag
from tests.browser.widget import WORDS, Widget, fill
from tests.ports import HOST, free_port

CHECK = "?infusion-guide=check"


@pytest.fixture
def server():
    """An address where nobody is; what is told of it is the test's."""
    return f"http://{HOST}:{free_port()}"


@pytest.fixture
def console(tab):
    """Lines of the widget in the browser's console."""
    found = []
    tab.on("console", lambda told: found.append(told.text) if told.text.startswith("infusion-guide:") else None)
    return found


def gives_its_script(tab, server):
    """As a running assistant does to every page; its talk is for those of ALLOWED_ORIGINS."""
    tab.route(f"{server}/widget.js", lambda route: route.fulfill(headers={"Access-Control-Allow-Origin": "*"}))
    tab.route("**/socket.io/**", lambda route: route.abort())


def test_a_page_that_is_not_allowed_is_told_so(tab, website, server, console):
    gives_its_script(tab, server)
    tab.goto(website.put("/check.html", page(tag("", server=server))) + CHECK)
    expected = fill("checkOrigin", server=server, page=website.url)
    assert "ALLOWED_ORIGINS" in expected
    expect(tab.get_by_role("status", name=WORDS["checkTitle"])).to_contain_text(expected)
    assert console == [f"infusion-guide: {expected}"]
    expect(Widget(tab).panel).to_be_hidden()
    assert violations(tab) == []


def test_a_patient_sees_no_word_of_it(tab, website, server, console):
    gives_its_script(tab, server)
    tab.goto(website.put("/check.html", page(tag("", server=server))))
    talk = Widget(tab).open()
    expect(talk.says(WORDS["offline"])).to_be_visible()
    tab.wait_for_timeout(500)
    assert len(console) == 1 and "ALLOWED_ORIGINS" in console[0]
    expect(tab.get_by_text("ALLOWED_ORIGINS")).to_have_count(0)


def test_a_policy_that_forbids_it_is_named(tab, website, server, console):
    policy = "default-src 'self'; style-src 'self'"
    tab.goto(website.put("/check.html", page(tag("", server=server)), csp=policy) + CHECK)
    expected = fill("checkPolicy", server=server, page=website.url, socket=server.replace("http", "ws"))
    expect(tab.get_by_role("status", name=WORDS["checkTitle"])).to_contain_text(expected)
    assert "connect-src" in console[0]


def test_an_assistant_that_is_down_is_named(tab, website, server, console):
    tab.goto(website.put("/check.html", page(tag("", server=server))) + CHECK)
    expect(tab.get_by_role("status", name=WORDS["checkTitle"])).to_contain_text(fill("checkDown", server=server))


def test_all_is_well(tab, website, server, console):
    FakeAssistant(tab)
    tab.goto(website.put("/check.html", page(tag("", server=server))) + CHECK)
    expected = fill("checkWorks", server=server, page=website.url)
    expect(tab.get_by_role("status", name=WORDS["checkTitle"])).to_contain_text(expected)
    assert console == []


BAR = "<style>.bar { position: fixed; z-index: 5000; inset: auto 0 0 0; height: 90px; background: #222 }</style>"


@pytest.mark.parametrize("setting, covered", [("", True), ("--ig-distance: 100px", False), ("--ig-z-index: 6000", False)])
def test_a_bar_over_the_button_is_found_and_two_settings_help(tab, website, server, setting, covered):
    FakeAssistant(tab)
    style = f"{BAR}<style>infusion-guide {{ {setting} }}</style>"
    tab.goto(website.put("/bar.html", page(style + tag("", server=server), '<div class="bar"></div>')) + CHECK)
    told = tab.get_by_role("status", name=WORDS["checkTitle"])
    expect(told).to_contain_text("All is well")
    assert (WORDS["checkCovered"] in told.inner_text()) == covered


def test_colours_that_cannot_be_read_are_not_used(tab, website, server, console):
    FakeAssistant(tab)
    style = "<style>infusion-guide { --ig-accent: #ffcc00; --ig-on-accent: white; --ig-paper: #102; --ig-text: #fffbe8 }</style>"
    tab.goto(website.put("/colours.html", page(style + tag("", server=server))))
    talk = Widget(tab).open()
    shown = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
    assert talk.send.evaluate(shown) == ["rgb(0, 95, 115)", "rgb(255, 255, 255)"]
    assert talk.panel.evaluate(shown) == ["rgb(17, 0, 34)", "rgb(255, 251, 232)"]
    assert len(console) == 1 and "--ig-accent" in console[0]
    talk.ask("hello")
    assert violations(tab) == []
