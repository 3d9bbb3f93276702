"""Forms of the staff pages: WTForms with its own CSRF tokens, bound to the session (or, before it, to a cookie)."""

from typing import Any, Dict, Optional, Type, TypeVar

from starlette.datastructures import FormData
from starlette.requests import Request
from wtforms import Form
from wtforms.csrf.session import SessionCSRF
from wtforms.meta import DefaultMeta

from infusion_guide.clinic.identity import secret

Filled = TypeVar("Filled", bound="StaffForm")


class StaffForm(Form):
    """A form with a CSRF token. access.py checks the token of every POST before a page sees it."""

    class Meta(DefaultMeta):
        """How WTForms makes and checks tokens: HMAC of what the session keeps; they end with it."""

        csrf = True
        csrf_class = SessionCSRF
        csrf_field_name = "csrf_token"
        csrf_time_limit = None

        @property
        def csrf_secret(self) -> bytes:
            """The key of the HMAC."""
            return b"staff pages " + secret()

    @classmethod
    async def of(cls: Type[Filled], request: Request, **values: Any) -> Filled:
        """The form as `request` filled it in; as `begun` for GET."""
        return cls._made(request, await request.form() if request.method == "POST" else None, values)

    @classmethod
    def begun(cls: Type[Filled], request: Request, **values: Any) -> Filled:
        """The form with nothing filled in but `values`, also on a page that answers what was sent with another form."""
        return cls._made(request, None, values)

    @classmethod
    def _made(cls: Type[Filled], request: Request, sent: Optional[FormData], values: Dict[str, Any]) -> Filled:
        return cls(sent, data=values, meta={"csrf_context": {"csrf": request.state.csrf}})
