"""Forms of the staff pages: WTForms with its own CSRF tokens, bound to the session (or, before it, to a cookie)."""

from typing import Any, Type, TypeVar

from starlette.requests import Request
from wtforms import Form
from wtforms.csrf.session import SessionCSRF
from wtforms.meta import DefaultMeta

from infusion_guide.channels.identity import secret

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
        """The form as `request` filled it in; empty for GET but for `values`, which are what its fields begin with."""
        filled = await request.form() if request.method == "POST" else None
        return cls(filled, data=values, meta={"csrf_context": {"csrf": request.state.csrf}})
