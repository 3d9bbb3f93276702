"""Templates, what they may use, and short messages that outlive one redirect."""

import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from infusion_guide.callbacks.contact import shown
from infusion_guide.channels import channel_title
from infusion_guide.clinic.clock import clinic_time
from infusion_guide.clinic.identity import secret
from infusion_guide.clinic.settings import settings
from infusion_guide.replies.language import LANGUAGES
from infusion_guide.report.jinja import templates
from infusion_guide.staff.access import ROLE_NAMES, delete_cookie, set_cookie
from infusion_guide.staff.forms import StaffForm

FOLDER = Path(__file__).resolve().parent
_SAID = "staff_said"
_LAST_PAGE = 100_000
_SAID_SECONDS = 60  # from a change to the page that tells of it


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of `template`, which extends base.html; `values` are what it shows."""
    shared = {
        "request": request,
        "member": getattr(request.state, "member", None),
        "nav": navigation(request),
        "said": said(request),
        "clinic_name": settings().clinic_name,
    }
    response = HTMLResponse(_environment().get_template(template).render({**shared, **values}), status)
    if _SAID in request.cookies:
        delete_cookie(response, _SAID)
    return response


def redirect(url: str, words: str = "") -> Response:
    """After a change: to the page `url`, which says `words` at its top. No personal data in them: they are a cookie."""
    response = RedirectResponse(url, 303)
    if words:
        set_cookie(response, _SAID, _serializer().dumps(words), _SAID_SECONDS)
    return response


def said(request: Request) -> str:
    """What `redirect` left for this page, or ""."""
    try:
        return str(_serializer().loads(request.cookies.get(_SAID, ""), max_age=_SAID_SECONDS))
    except BadSignature:
        return ""


def navigation(request: Request) -> List[Tuple[str, str, bool]]:
    """Label and address of each page that the member may see, and whether it is this one."""
    member = getattr(request.state, "member", None)
    here = request.url.path
    entries = request.app.state.navigation if member else []
    return [(label, url, here == url or here.startswith(f"{url}/")) for label, url, roles in entries if member.role in roles]


def when(seconds: float) -> str:
    """A time (Unix seconds) as a person at the clinic reads it: Mon, Nov 23, 9:05 AM; of another year with the year."""
    at = clinic_time(seconds)
    year = "" if at.year == clinic_time(time.time()).year else f", {at.year}"
    return f"{at:%a, %b} {at.day}{year}, {at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"


def ago(seconds: float) -> str:
    """How long ago a time (Unix seconds) was: 5 minutes."""
    return duration(time.time() - seconds)


def duration(seconds: float) -> str:
    """So many seconds in words: 5 minutes, 3 hours, 2 days."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"


def page_number(asked: Mapping[str, Any]) -> int:
    """Which page of a list the fields `asked` of an address or a form name; 1 is the first."""
    words = str(asked.get("page", "1"))
    return max(1, min(int(words[:9]), _LAST_PAGE)) if words.isascii() and words.isdigit() else 1


def page_count(total: int, on_each: int) -> int:
    """How many pages a list of `total` entries has; an empty one has one, too."""
    return max(1, -(-total // on_each))


def language_asked(request: Request) -> str:
    """The language that a list is narrowed to (?language=es), "" for all."""
    asked = request.query_params.get("language", "")
    return asked if asked in LANGUAGES else ""


def described(field: Any) -> Dict[str, str]:
    """Attributes that tie the hint and the errors of a WTForms field to its input."""
    hints = [f"{field.id}-hint"] * bool(field.description) + [f"{field.id}-problem"] * bool(field.errors)
    return {**({"aria_describedby": " ".join(hints)} if hints else {}), **({"aria_invalid": "true"} if field.errors else {})}


def csrf_token(request: Request) -> str:
    """What forms of this page send back; "" where nobody is known, as on most error pages."""
    if not getattr(request.state, "csrf", ""):
        return ""
    return str(StaffForm.begun(request)["csrf_token"].current_token)


@lru_cache(maxsize=1)
def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret(), salt="staff pages said")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = templates(FOLDER / "templates")
    found.filters.update(when=when, ago=ago, phone=shown, channel=channel_title, role=ROLE_NAMES.__getitem__)
    found.globals.update(described=described, csrf_token=csrf_token)
    return found
