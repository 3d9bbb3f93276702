"""One browser, one assistant and one clinic website for all browser tests; a window of its own for each test."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from infusion_guide.clinic.settings import ROOT
from tests.browser import chromium
from tests.browser.assistant import CLINIC_NAME, CLINIC_PHONE, Assistant
from tests.browser.fake_assistant import NOWHERE
from tests.browser.looks import DESKTOP
from tests.browser.websites import Website, page, tag
from tests.browser.widget import WATCH, Widget


# For the package, not for the session: while Playwright runs, asyncio tests of other folders could not.
@pytest.fixture(scope="package")
def browser():
    with chromium.chromium() as found:
        yield found


@pytest.fixture(scope="package")
def website():
    """A clinic's website whose pages may talk to the assistant; it has the script, too, for pages with a fake assistant."""
    with Website() as found:
        found.put("/widget.js", (ROOT / "infusion_guide" / "website" / "widget.js").read_text("utf-8"), kind="text/javascript")
        yield found


@pytest.fixture(scope="package")
def assistant(website, tmp_path_factory):
    with Assistant(tmp_path_factory.mktemp("assistant"), allowed_origins=website.url) as found:
        yield found


@pytest.fixture
def settings():
    """Attributes of the script tag; a test replaces them with pytest.mark.parametrize."""
    return {}


@pytest.fixture
def clinic_page(assistant, website, settings) -> str:
    """Address of a page of the clinic with the tag."""
    told = {"clinic_name": CLINIC_NAME, "clinic_phone": CLINIC_PHONE, **settings}
    return website.put("/visit.html", page(tag(assistant.url, **told)))


@pytest.fixture
def fake_page(website, settings) -> str:
    """As clinic_page; its assistant is what FakeAssistant says, so no model and no server are needed."""
    told = {"clinic_name": CLINIC_NAME, "clinic_phone": CLINIC_PHONE, "server": NOWHERE, **settings}
    return website.put("/fake.html", page(tag("", **told)))


@pytest.fixture
def window(browser: Browser):
    """Opens windows (Playwright's contexts) that are closed at the end: window(viewport=...)."""
    opened = []

    def make(**options) -> BrowserContext:
        context = browser.new_context(**{**DESKTOP, "reduced_motion": "reduce", **options})
        context.set_default_timeout(chromium.TIMEOUT)
        context.add_init_script(WATCH)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def errors():
    """What went wrong in pages without a word to the patient; a test that expects some empties the list."""
    found = []
    yield found
    assert found == []


@pytest.fixture
def context(window) -> BrowserContext:
    return window()


@pytest.fixture
def tab(context, errors) -> Page:
    """An empty tab of a desktop window."""
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    return opened


@pytest.fixture
def widget(tab, clinic_page) -> Widget:
    """The closed widget on the clinic's page."""
    tab.goto(clinic_page)
    return Widget(tab)


@pytest.fixture
def talk(widget) -> Widget:
    """The open widget on the clinic's page."""
    return widget.open()
