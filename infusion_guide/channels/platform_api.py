"""Calls to messaging platforms: a time limit, and failures told apart: try later, or never again."""

import json
from typing import Any, Dict, Optional

import aiohttp

from infusion_guide.delivery.outbox import NotDelivered

_SECONDS = 8.0  # for one call, connecting included
_LONGEST_ANSWER = 100_000  # bytes that are read


async def post(
    platform: str,
    url: str,
    body: Any = None,
    form: Optional[Dict[str, str]] = None,
    headers: Optional[Dict[str, str]] = None,
    auth: Optional[aiohttp.BasicAuth] = None,
) -> Dict[str, Any]:
    """POSTs `body` as JSON, or `form`; the JSON object that came back, {} for anything else.

    No error holds the address, which may hold a token (Telegram), or what was sent.

    Raises:
        NotDelivered: `platform` did not take it. Final for 4xx other than 408, 425 and 429; 401 and 403 are tried again:
            a wrong token is mended by a person, and the patient's answer should not be lost for it.
    """
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
            async with session.post(url, json=body, data=form, headers=headers, auth=auth, allow_redirects=False) as answered:
                found = _object(await answered.content.read(_LONGEST_ANSWER))
                status, wait = answered.status, answered.headers.get("Retry-After", "")
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise NotDelivered(f"{platform} cannot be reached ({type(error).__name__}).") from None
    if status >= 300:
        final = 400 <= status < 500 and status not in (401, 403, 408, 425, 429)
        raise PlatformRefused(platform, status, found, float(wait) if wait.isdigit() else 0.0, final)
    return found


class PlatformRefused(NotDelivered):
    """The platform answered with an error; `answer` is its JSON object, which is never logged."""

    def __init__(self, platform: str, status: int, answer: Dict[str, Any], retry_after: float, final: bool) -> None:
        super().__init__(f"{platform} answered {status}.", retry_after, final)
        self.status, self.answer = status, answer


def _object(data: bytes) -> Dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
