"""Refuses calls that Sanic takes and a proxy before it may read otherwise, and answers every failure in one form.

Sent to Sanic 25.12 as bytes: it takes "Content-Length : 5" and a line that goes on in the next for headers of no meaning,
and control characters in values; an address like ":::///" cuts the connection without an answer; an Accept header like ";;"
turns every failure into a 500 with a stack in the log. Lengths and codings that make no sense it refuses by itself.
"""

import logging
import re
from typing import Any

from httptools import parse_url
from sanic import Sanic, response
from sanic.exceptions import SanicException
from sanic.http import Http
from sanic.request import Request
from sanic.response import HTTPResponse

logger = logging.getLogger(__name__)

_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")  # RFC 9112, 5
_ORIGINAL_EMPTY_REQUEST = Http.create_empty_request


def be_strict(app: Sanic) -> None:
    """Every connection of `app` is read strictly."""
    app.add_signal(_check_head, "http.lifecycle.read_head")
    app.error_handler.add(Exception, _answer)
    app.register_middleware(_cut_off, "response")
    Http.create_empty_request = _create_empty_request  # type: ignore[method-assign]


async def _check_head(head: bytes, **_: Any) -> None:
    """Raises, which Sanic answers with 400, when the address is none or a line of the head is no header."""
    first, *headers = head.split(b"\r\n")
    parse_url(first.split(b" ")[1])
    if not all(_HEADER.fullmatch(line) for line in headers):
        raise ValueError("A line of the head is no header.")


def _answer(request: Request, error: Exception) -> HTTPResponse:
    """JSON, whatever the call accepts."""
    status = error.status_code if isinstance(error, SanicException) else 500
    if status >= 500 and status != 503:
        logger.error("A call failed: %s", error, exc_info=error)
    words = str(error) if status < 500 else "This did not work, because of a problem on our side."
    return response.json({"error": words}, status=status, headers=getattr(error, "headers", None))


async def _cut_off(request: Request, _: HTTPResponse) -> None:
    """A body that nobody read is not waited for but cut off with the connection."""
    if request.stream is not None and request.stream.request_body:
        request.stream.request_body = None
        request.stream.keep_alive = False


def _create_empty_request(stream: Http) -> None:
    stream.url = None  # at an address that it cannot read Sanic would fail again, while it answers the first failure
    _ORIGINAL_EMPTY_REQUEST(stream)
