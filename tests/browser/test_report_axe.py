"""axe finds nothing in the report, as a file and as a staff page; it fits a phone, and its pictures are there."""

import pytest

from infusion_guide.report import figures, page
from tests.browser.axe import violations
from tests.browser.looks import LOOKS
from tests.report_example import LAST, PERIOD, fill
from tests.staff_pages import StaffPages

_OPEN_ALL = "document.querySelectorAll('details').forEach(part => { part.open = true; })"
_BROKEN = "[...document.images].filter(image => !image.naturalWidth).length"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Where the file and the page are, and the cookie of somebody who may see the page."""
    folder = tmp_path_factory.mktemp("report")
    with StaffPages(folder) as pages:
        fill(pages.database)
        file = folder / "report.html"
        file.write_text(page.document(figures.gather_now(pages.database, PERIOD), LAST), encoding="utf-8")
        cookies = [
            {"name": cookie.name, "value": cookie.value, "url": f"{pages.url}/staff"}
            for cookie in pages.signed_in("front_desk").cookies
        ]
        shown = f"{pages.url}/staff/report?from={PERIOD.first}&to={PERIOD.last}"
        yield {"file": file.as_uri(), "page": shown, "wrong days": f"{pages.url}/staff/report?from=x"}, cookies


def test_axe_finds_nothing_in_the_report(window, addresses):
    wanted, cookies = addresses
    opened = window(**LOOKS["desktop"])
    opened.add_cookies(cookies)
    tab, said, asked = opened.new_page(), [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("request", lambda request: asked.append(request.url))
    for name, address in wanted.items():
        tab.goto(address)
        assert tab.locator("h1").count() == 1
        assert tab.locator("img").count() == (0 if name == "wrong days" else 10) and tab.evaluate(_BROKEN) == 0
        tab.evaluate(_OPEN_ALL)
        assert violations(tab) == [], name
        tab.emulate_media(color_scheme="dark")
        tab.set_viewport_size({"width": 320, "height": 640})
        assert name == "wrong days" or violations(tab) == [], f"{name}, dark, on a phone"
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        tab.emulate_media(color_scheme="light")
        tab.set_viewport_size(LOOKS["desktop"]["viewport"])
    assert not [words for words in said if "Content Security Policy" in words]
    assert len([url for url in asked if url.startswith("file:")]) == 1
