"""Pages with a strict Content-Security-Policy, other websites, and where requests go."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.websites import STRICT, Website, page, tag
from tests.browser.widget import CRISIS, QUESTION, WORDS, Widget


def origin_of(address):
    """Websockets count with the pages of their host."""
    parts = urlsplit(address)
    return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"


@pytest.fixture
def asked(tab):
    """Addresses of everything that the tab asks for."""
    found = []
    tab.on("request", lambda request: found.append(request.url))
    tab.on("websocket", lambda socket: found.append(socket.url))
    return found


@pytest.fixture
def refused(tab):
    """What the browser's console says a policy forbade."""
    found = []
    tab.on("console", lambda told: found.append(told.text) if re.search("Content.Security.Policy|CORS", told.text) else None)
    return found


def whole_visit(tab):
    """Everything that loads or styles something."""
    talk = Widget(tab).open()
    talk.ask(QUESTION)
    talk.sources.first.click()
    talk.button("feedbackUp").click()
    expect(talk.status).to_contain_text(WORDS["feedbackThanks"])
    talk.ask(CRISIS)
    talk.page.set_viewport_size({"width": 390, "height": 844})
    talk.page.set_viewport_size({"width": 1280, "height": 800})
    talk.menu.click()
    with tab.expect_download():
        talk.page.get_by_role("button", name=WORDS["saveTranscript"]).click()
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    talk.button("deleteYes").click()
    expect(talk.status).to_contain_text(WORDS["deleteDone"])
    return talk


def looks_right(talk):
    """Styles were applied: a policy that forbids them leaves a page of plain boxes."""
    assert talk.panel.evaluate("panel => getComputedStyle(panel).position") == "fixed"
    assert talk.input.evaluate("input => getComputedStyle(input).borderRadius") != "0px"


def test_the_strict_policy_on_the_assistants_own_origin(tab, assistant, asked, refused):
    """As when the clinic's proxy shows the website and the assistant under one name."""
    content = page(tag("", clinic_name="Willow Creek Clinic", clinic_phone="555-123-4567"))
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": STRICT}
    tab.route(f"{assistant.url}/visit.html", lambda route: route.fulfill(body=content, headers=headers))
    tab.goto(f"{assistant.url}/visit.html")
    looks_right(whole_visit(tab))
    assert tab.evaluate("watched.violations") == [] and refused == []
    assert {origin_of(address) for address in asked if not address.startswith("blob:")} == {assistant.url}


def test_the_strict_policy_on_another_origin(tab, assistant, website, asked, refused):
    sockets = assistant.url.replace("http", "ws")
    policy = f"default-src 'self'; style-src 'self'; script-src {assistant.url}; connect-src {assistant.url} {sockets}"
    tab.goto(website.put("/strict.html", page(tag(assistant.url)), csp=policy))
    looks_right(whole_visit(tab))
    assert tab.evaluate("watched.violations") == [] and refused == []
    own = {address for address in asked if origin_of(address) == website.url}
    assert own <= {f"{website.url}/strict.html", f"{website.url}/favicon.ico"}
    assert {origin_of(address) for address in asked if not address.startswith("blob:")} == {website.url, assistant.url}


def test_the_demonstration_page_has_a_policy_and_keeps_it(tab, assistant, asked, refused):
    answered = tab.goto(assistant.url)
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    looks_right(whole_visit(tab))
    assert tab.evaluate("watched.violations") == [] and refused == []
    assert {origin_of(address) for address in asked if not address.startswith("blob:")} == {assistant.url}


def test_a_policy_that_is_broken_would_be_noticed(tab, assistant, website, refused):
    """The watch over violations can fail."""
    tab.goto(website.put("/forbidden.html", page(tag(assistant.url)), csp=STRICT))
    tab.wait_for_function("watched.violations.length > 0")
    assert refused


def test_a_foreign_website_gets_words_but_no_conversation(tab, assistant, asked):
    with Website() as foreign:
        tab.goto(foreign.put("/", page(tag(assistant.url))))
        talk = Widget(tab).open()
        expect(talk.says(WORDS["offline"])).to_be_visible()
        expect(talk.notice).to_be_visible()
        talk.write(QUESTION)
        expect(talk.says(WORDS["waiting"])).to_be_visible()
        assert talk.kept["ticket"] is None and len(talk.kept["unsent"]) == 1
        expect(talk.replies).to_have_count(0)


def test_neither_cookies_nor_local_storage_are_touched(tab, assistant, context):
    tab.goto(assistant.url)
    context.add_cookies([{"name": "clinic", "value": "secret-of-the-clinic", "url": assistant.url}])
    frames = []
    tab.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    tab.reload()
    Widget(tab).open().ask(QUESTION)
    assert [cookie["name"] for cookie in context.cookies()] == ["clinic"]
    assert tab.evaluate("[localStorage.length, Object.keys(sessionStorage)]") == [0, ["infusion-guide"]]
    assert frames and not any("secret-of-the-clinic" in str(frame) for frame in frames)


def test_addresses_hold_no_ticket(talk, assistant):
    addresses = []
    talk.page.on("request", lambda request: addresses.append(request.url))
    talk.page.on("websocket", lambda socket: addresses.append(socket.url))
    talk.ask(QUESTION)
    talk.page.reload()
    expect(talk.open().turns).to_have_count(1)
    assert len(addresses) > 2
    assert not any(talk.kept["ticket"].split(".")[0] in address for address in addresses)
    assert talk.kept["ticket"].split(".")[0] not in talk.page.content()
