"""What Messenger and WhatsApp have in common: Meta's signature, its handshake, and the errors of its Graph API."""

import hashlib
import hmac
from typing import Any, Dict, FrozenSet, Optional

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.message import Refused
from infusion_guide.channels.platform import bearer, same
from infusion_guide.channels.platform_api import PlatformRefused, post
from infusion_guide.delivery.outbox import NotDelivered

WINDOW = 24 * 3600.0  # seconds after a message in which Meta lets us answer
LONGEST_ID = 300  # characters of a message's id

# Codes of the Graph API that pass: its own trouble (1, 2), too many calls, and a token that a person renews (102, 190).
_LATER = frozenset({1, 2, 4, 17, 32, 102, 190, 341, 613, 1200})


def verify_signature(request: Request, app_secret: str) -> None:
    """Raises Refused(403) unless Meta signed the body's bytes with `app_secret`: X-Hub-Signature-256, sha256=<hex>."""
    expected = hmac.new(app_secret.encode(), request.body, hashlib.sha256).hexdigest()
    if not app_secret or not same(request.headers.get("x-hub-signature-256"), f"sha256={expected}"):
        raise Refused(403, "This call is not Meta's.")


def handshake(request: Request, verify_token: str) -> Optional[HTTPResponse]:
    """What Meta wants to read when the webhook is set up; None unless it knows `verify_token`."""
    known = same(request.args.get("hub.verify_token"), verify_token)
    if request.args.get("hub.mode") != "subscribe" or not known:
        return None
    return response.text(request.args.get("hub.challenge") or "")


async def post_graph(
    platform: str,
    url: str,
    token: str,
    body: Dict[str, Any],
    later: FrozenSet[int] = frozenset(),
    never: FrozenSet[int] = frozenset(),
) -> Dict[str, Any]:
    """POSTs `body` as JSON; the token goes in a header, so that no address holds it.

    `later` and `never` are the platform's own error codes that pass, or never do; the common ones are known here.

    Raises:
        NotDelivered: Meta did not take it. Final as the error code says, else as the HTTP status says.
    """
    try:
        return await post(platform, url, body, headers=bearer(token))
    except PlatformRefused as refused:
        code = _code(refused.answer)
        if code is None:
            raise
        final = code in never or (refused.final and code not in _LATER | later)
        raise NotDelivered(f"{platform} answered {refused.status}, error {code}.", refused.retry_after, final) from None


def _code(answer: Dict[str, Any]) -> Optional[int]:
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else None
