"""What a browser fetches: the widget's script, and a demonstration page of a clinic that shows it working."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from string import Template
from typing import Dict, Optional

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, raw, redirect

from infusion_guide.clinic.settings import settings
from infusion_guide.replies.language import LANGUAGES

FILES = Path(__file__).resolve().parent.parent / "website"

# A browser asks again after five minutes, and may show the old file for a day while it does: also while we are down.
_SCRIPT_CACHE = "public, max-age=300, stale-while-revalidate=86400"
_PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# What the page says of the clinic's phone, and without one.
_CONTACT = {
    "en": ("Call us: {phone}", "Ask at our front desk."),
    "es": ("Llámenos: {phone}", "Pregunte en la recepción."),
}


@dataclass(frozen=True)
class _File:
    """A file as it is sent, once as it is and once for browsers that unpack gzip."""

    body: bytes
    packed: bytes
    content_type: str
    headers: Dict[str, str]

    @classmethod
    def of(cls, body: bytes, content_type: str, headers: Dict[str, str]) -> "_File":
        etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return cls(body, gzip.compress(body, mtime=0), content_type, {"ETag": etag, "Vary": "Accept-Encoding", **headers})

    def answer(self, request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == self.headers["ETag"]:
            return empty(304, headers=dict(self.headers))
        headers = dict(self.headers)
        body = self.body
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"], body = "gzip", self.packed
        return raw(body, headers=headers, content_type=self.content_type)


@lru_cache(maxsize=1)
def files() -> Dict[str, _File]:
    """What is served, by path."""
    # Pages of other websites load the script: allowed here as on any script host, and needed for integrity attributes.
    for_all = {"Cache-Control": _SCRIPT_CACHE, "Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*"}
    return {
        "/widget.js": _File.of((FILES / "widget.js").read_bytes(), "text/javascript; charset=utf-8", for_all),
        "/clinic.css": _File.of((FILES / "clinic.css").read_bytes(), "text/css; charset=utf-8", {"Cache-Control": "no-cache"}),
        "/": page(settings().language),
    }


@lru_cache(maxsize=len(LANGUAGES))
def page(language: str) -> _File:
    """The demonstration page in `language`."""
    written = Template((FILES / ("clinic.html" if language == "en" else f"clinic.{language}.html")).read_text(encoding="utf-8"))
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _PAGE_CSP, "X-Robots-Tag": "noindex"}
    return _File.of(written.substitute(_words(language)).encode(), "text/html; charset=utf-8", headers)


def add_website(app: Sanic) -> None:
    """Serves `files` to GET and HEAD, and leads to the staff pages.

    Before routing: Rasa has a route of its own at "/", and the files are there while the assistant still starts.
    """

    async def serve(request: Request) -> Optional[HTTPResponse]:
        if request.method not in ("GET", "HEAD"):
            return None
        if request.path == "/staff" or request.path.startswith("/staff/"):
            return to_staff_pages(request.path)
        asked = request.args.get("lang") if request.path == "/" else None
        file = page(asked) if asked in LANGUAGES else files().get(request.path)
        return file.answer(request) if file else None

    app.request_middleware.appendleft(serve)


def to_staff_pages(path: str) -> Optional[HTTPResponse]:
    """Leads from `path` to the staff pages, a process of their own: at STAFF_URL, or in development at STAFF_PORT.

    None in production without STAFF_URL: where they are is then not for this server to say.
    """
    chosen = settings()
    if not chosen.staff_url and chosen.production:
        return None
    return redirect(f"{chosen.staff_url or f'http://127.0.0.1:{chosen.staff_port}'}{path}")


def _words(language: str) -> Dict[str, str]:
    """What the page in `language` says of this clinic, safe in HTML."""
    chosen = settings()
    name = chosen.clinic_name_in(language)
    name = name[:1].upper() + name[1:]
    phone = f'<a href="tel:{escape(_dialled(chosen.clinic_phone))}">{escape(chosen.clinic_phone)}</a>'
    attributes = f'data-clinic-name="{escape(chosen.clinic_name_in(language))}"'
    if language != "en":
        attributes += f' data-language="{language}"'
    if chosen.clinic_phone:
        attributes += f' data-clinic-phone="{escape(chosen.clinic_phone)}"'
    if chosen.emergency_number != "911":
        attributes += f' data-emergency-number="{escape(chosen.emergency_number)}"'
    if chosen.crisis_line != "988":
        attributes += f' data-crisis-line="{escape(chosen.crisis_line)}"'
    return {
        "clinic_name": escape(name),
        "clinic_contact": _CONTACT[language][0 if chosen.clinic_phone else 1].format(phone=phone),
        "attributes": attributes,
        "tag": escape(f'<script src="https://YOUR-ASSISTANT/widget.js" {attributes} defer></script>', quote=False),
        "emergency_number": escape(chosen.emergency_number),
        "emergency_dialled": escape(_dialled(chosen.emergency_number)),
        "crisis_line": escape(chosen.crisis_line),
        "crisis_dialled": escape(_dialled(chosen.crisis_line)),
    }


def _dialled(number: str) -> str:
    """A phone number as tel: has it (RFC 3966): digits, and a plus before them."""
    return "".join(c for c in number if c.isdigit() or c == "+")
