"""What a browser fetches: the widget's script and the demonstration page."""

import asyncio
import dataclasses
import gzip
import re
from collections import deque
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from infusion_guide.channels import website
from infusion_guide.clinic.settings import ROOT, settings


@pytest.fixture
def served(monkeypatch):
    """Serves one call with the settings given: served("/", clinic_name=...)."""

    def serve(path, headers=None, **chosen):
        monkeypatch.setattr(website, "settings", lambda: dataclasses.replace(settings(), **chosen))
        website.files.cache_clear()
        website.page.cache_clear()
        return website.files()[path].answer(SimpleNamespace(headers=headers or {}))

    yield serve
    website.files.cache_clear()
    website.page.cache_clear()


def test_the_script_is_cached_and_may_be_loaded_by_other_websites(served):
    answered = served("/widget.js")
    assert answered.content_type.startswith("text/javascript")
    assert "max-age" in answered.headers["cache-control"]
    assert answered.headers["cross-origin-resource-policy"] == "cross-origin"
    again = served("/widget.js", {"if-none-match": answered.headers["etag"]})
    assert again.status == 304 and not again.body and again.headers["etag"] == answered.headers["etag"]
    assert served("/widget.js", {"if-none-match": '"old"'}).status == 200


def test_it_is_sent_packed_to_those_who_can_unpack(served):
    plain, packed = served("/widget.js"), served("/widget.js", {"accept-encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


def test_the_page_names_the_clinic_and_its_tag(served):
    page = served("/", clinic_name="Harbor Clinic", clinic_phone="(555) 010-0199").body.decode()
    assert '<script src="/widget.js" data-clinic-name="Harbor Clinic" data-clinic-phone="(555) 010-0199" defer>' in page
    assert '&lt;script src="https://YOUR-ASSISTANT/widget.js" data-clinic-name="Harbor Clinic"' in page
    assert 'href="tel:5550100199"' in page and 'href="tel:911"' in page and 'href="sms:988"' in page
    assert "$" not in page


def test_the_page_speaks_the_clinics_language(served):
    spanish = served("/", language="es", clinic_phone="(555) 010-0199").body.decode()
    assert '<html lang="es">' in spanish and 'data-clinic-name="la clínica" data-language="es"' in spanish
    assert "Llámenos: " in spanish and 'href="/?lang=en"' in spanish and "$" not in spanish


def test_a_visitor_chooses_the_pages_language():
    app = SimpleNamespace(request_middleware=deque())
    website.add_website(app)
    (serve,) = app.request_middleware

    def page(**args):
        return asyncio.run(serve(SimpleNamespace(method="GET", path="/", headers={}, args=args))).body.decode()

    assert '<html lang="es">' in page(lang="es") and '<html lang="en">' in page(lang="en")
    assert page(lang="tlh") == page() == page(lang="en")


def test_without_a_phone_number_none_is_made_up(served):
    page = served("/", clinic_phone="").body.decode()
    assert "data-clinic-phone" not in page and "front desk" in page
    assert set(re.findall(r'href="tel:([^"]*)"', page)) == {"911", "988"}


def test_a_name_is_text_and_never_markup(served):
    page = served("/", clinic_name='"><script>alert(1)</script>').body.decode()
    assert "<script>alert" not in page and page.count("<script") == 1


def test_other_numbers_reach_the_widget(served):
    page = served("/", emergency_number="112", crisis_line="0800 111 0 111").body.decode()
    assert 'data-emergency-number="112" data-crisis-line="0800 111 0 111"' in page and 'href="tel:08001110111"' in page


class _Addresses(HTMLParser):
    """Collects what a page loads or leads to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href", "action", "srcset")]


def test_the_page_needs_nothing_from_elsewhere(served):
    answered, addresses = served("/"), _Addresses()
    addresses.feed(answered.body.decode())
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    assert addresses.found and all(re.match(r"/(?!/)|tel:|sms:", address) for address in addresses.found)


@pytest.mark.parametrize("path", ["/staff", "/staff/requests/K7M-2QX"])
@pytest.mark.parametrize(
    "chosen, address",
    [
        ({"staff_port": 5099}, "http://127.0.0.1:5099"),
        ({"staff_url": "https://bot.example.org"}, "https://bot.example.org"),
        ({"staff_url": "https://staff.example.org", "production": True, "secret_key": "s" * 32}, "https://staff.example.org"),
    ],
)
def test_staff_are_led_to_their_pages(monkeypatch, chosen, address, path):
    monkeypatch.setattr(website, "settings", lambda: dataclasses.replace(settings(), **chosen))
    answered = website.to_staff_pages(path)
    assert answered.status == 302 and answered.headers["location"] == address + path


def test_in_production_nobody_is_led_to_an_address_that_nobody_chose(monkeypatch):
    chosen = dataclasses.replace(settings(), production=True, secret_key="s" * 32)
    monkeypatch.setattr(website, "settings", lambda: chosen)
    assert website.to_staff_pages("/staff") is None


def test_only_staff_paths_are_led_there():
    app = SimpleNamespace(request_middleware=deque())
    website.add_website(app)
    (serve,) = app.request_middleware

    def answer(method, path):
        return asyncio.run(serve(SimpleNamespace(method=method, path=path, headers={}, args={})))

    assert answer("GET", "/staff").status == answer("HEAD", "/staff/requests").status == 302
    assert answer("POST", "/staff/sign-in") is None and answer("GET", "/staffing") is None
    assert answer("GET", "/clinic.css").status == 200


def test_the_guide_names_every_setting_of_the_tag():
    guide = (ROOT / "docs" / "widget.md").read_text(encoding="utf-8")
    read = re.findall(r'\b(?:text|phone)\("([a-zA-Z]+)"', (ROOT / "widget" / "src" / "settings.ts").read_text(encoding="utf-8"))
    names = {"data-" + re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name) for name in read}
    assert names == set(re.findall(r"`(data-[a-z-]+)`", guide))
