"""Refuses calls that Sanic 21.12 (Rasa's cap) cannot digest, before it reads them.

Measured on it: "Content-Length: -5" makes it loop for ever, with every other visitor waiting; a length that is no number
and "Transfer-Encoding: gzip" end in a 500 with a stack in the log; an address with bytes above ASCII cuts the connection.
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

_LENGTH = re.compile(rb"[0-9]{1,9}")
_ORIGINAL_EMPTY_REQUEST = Http.create_empty_request


def be_strict(app: Sanic) -> None:
    """Every connection of `app` is read strictly."""
    app.add_signal(_check_head, "http.lifecycle.read_head")
    app.error_handler.add(Exception, _answer)
    app.register_middleware(_cut_off, "response")
    Http.create_empty_request = _create_empty_request  # type: ignore[method-assign]


async def _check_head(head: bytes, **_: Any) -> None:
    """Raises, which Sanic answers with 400, when the address is none or the body's length is not told in one clear way."""
    lines = head.split(b"\r\n")
    if not lines[0].isascii():
        raise ValueError("The address is not ASCII.")
    parse_url(lines[0].split(b" ")[1])
    lengths, codings = [], []
    for name, _colon, value in (line.partition(b":") for line in lines[1:]):
        if name != name.strip():  # "Content-Length : 5" is a length to some and none to others
            raise ValueError("A blank beside the name of a header.")
        if name.lower() == b"content-length":
            lengths.append(value.strip())
        elif name.lower() == b"transfer-encoding":
            codings.append(value.strip().lower())
    # Both, or one twice, is how a call is smuggled past a proxy (RFC 9112, 6.3).
    if len(lengths) + len(codings) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
        raise ValueError("The length of the body is unclear.")
    if any(coding != b"chunked" for coding in codings):
        raise ValueError("The transfer coding is unknown.")


def _answer(request: Request, error: Exception) -> HTTPResponse:
    """JSON, whatever the call accepts: Sanic fails at some Accept headers."""
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
