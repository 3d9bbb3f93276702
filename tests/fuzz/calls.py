"""Random calls: what each entry of the server may be sent by someone who means harm, or by a broken program."""

import base64
import gzip
import json
import random
import socket
import string
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import urlsplit

import socketio

SECONDS = 15.0  # for one answer; the server's own limit is below
UNFINISHED = 0.3  # seconds for an answer to a call that may promise more than it sends: the server rightly waits then

PATHS = [
    "/",
    "/health",
    "/ready",
    "/metrics",
    "/webhooks/rest/",
    "/webhooks/rest/webhook",
    "/webhooks/rest/conversation",
    "/webhooks/web/",
    "/webhooks/web/webhook",
    "/webhooks/web/erase",
    "/webhooks/web/export",
    "/webhooks/rest/erase",
    "/webhooks/rest/export",
    "/webhooks/telegram/webhook",
    "/socket.io/",
    "/conversations/default/tracker",
    "/model",
    "/version",
    "/domain",
    "/widget/../../../.env",
    "/%2e%2e/%2e%2e/.secret_key",
    "/webhooks/rest/webhook/../../../.env",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO"]
TEXTS = [
    "hello",
    "does it help with depression?",
    "I want to die",
    "/restart",
    "/session_start",
    '/cancel_appointment{"appointment_id":"777","patient_id":"victim"}',
    "/faq/depression",
    "0[",
    "{crisis_line} {0} %s %(a)s ${SECRET_KEY}",
    "\x00",
    "\ud800",
    "\U0001f600" * 50,
    "\u202e\u200b\u0301" * 100,
    "' OR 1=1; DROP TABLE events; --",
    "<script>alert(1)</script>",
    "? " * 5000,
    "a" * 9999,
    "a" * 10_001,
    "(" * 5000,
    "si " * 3000,
    "كيف حالك؟",
    "",
    " \n\t ",
]
ODD: List[Any] = [None, True, 0, -1, 1e308, 2**70, "", "x", [], {}, ["x"], {"a": {"b": [1]}}, "\x00", "\ud800", "a" * 300]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"NaN",
    b"\xff\xfe\x00",
    b"\x00" * 100,
    b"[" * 20_000,
    b'{"a":' * 8_000,
    b"1" * 60_000,
    b"sender=a&message=b",
    gzip.compress(b'{"sender": "a", "message": "hi"}'),
    '{"sender": "a", "message": "hi"}'.encode("utf-16"),
    b'{"sender": "a", "message": "hi", "sender": null}',
    b'\xef\xbb\xbf{"sender": "a", "message": "hi"}',
    b"x" * 64_001,
    b"x" * 300_000,
]
HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Type", "text/plain; charset=utf-99"),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Content-Length", "abc"),
    ("Content-Length", "-5"),
    ("Content-Length", "99999999999999999999"),
    ("Content-Length", "0"),
    ("Expect", "100-continue"),
    ("Expect", "everything"),
    ("Authorization", "Bearer \xff\xfe"),
    ("Authorization", "Bearer"),
    ("Authorization", "Basic !!!"),
    ("Authorization", "Bearer " + "x" * 4000),
    ("Cookie", "io=; a=b;;;=;\x01"),
    ("Origin", "http://[::1"),
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Host", "[::1"),
    ("Host", ""),
    ("X-Forwarded-For", "127.0.0.1, \xff, ,,"),
    ("X-Forwarded-Host", "evil.example"),
    ("Forwarded", 'for="[::1'),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "x"),
    ("Sec-WebSocket-Version", "99"),
    ("Range", "bytes=9-1"),
    ("If-Modified-Since", "yesterday"),
    ("Accept", "\x7f" * 50),
    ("Idempotency-Key", "\xe9"),
    ("X-" + "a" * 500, "b" * 5000),
    ("No colon here", ""),
    ("", "empty name"),
]
QUERIES = ["", "stream=true", "token=x", "EIO=4&transport=polling", "EIO=4&transport=websocket", "EIO=3&transport=polling"]
QUERIES += ["EIO=4&transport=polling&sid=nobody", "EIO=4&transport=polling&j=0;alert(1)", "EIO=x&transport=y&sid=%00", "%ff=%00"]
PACKETS = [
    "40",
    "41",
    "42",
    '42["user_uttered"]',
    '42["user_uttered",null]',
    "429999999999-",
    '451-["user_uttered",{}]',
    "4",
    "6",
]
PACKETS += [
    '42{"a":1}',
    "42[]",
    "42[1]",
    '42["disconnect"]',
    '42["connect",{}]',
    "40/admin,",
    '4299["session_request",{}]',
    "2",
    "3",
]
PACKETS += [
    "b!!!",
    "bAAAA",
    "9",
    "x",
    "",
    "4" + "[" * 5000,
    "\x1e" * 50,
    "43[]",
    '461-0["x"]',
    "44{}",
    '42["' + "e" * 5000 + '"]',
]


@dataclass(frozen=True)
class Outcome:
    """What came back: HTTP status, None for none (closed or refused before HTTP could be spoken).

    `silent`: a whole call got nothing within SECONDS.
    """

    kind: str
    status: Optional[int]
    body: bytes = b""
    silent: bool = False


def some_text(random_: random.Random) -> str:
    """A text from the list above, or any characters at all."""
    if random_.random() < 0.6:
        return random_.choice(TEXTS)
    return "".join(chr(random_.randrange(0x11_0000)) for _ in range(random_.randrange(40)))


def some_value(random_: random.Random, depth: int = 0) -> Any:
    """Any JSON value."""
    if depth < 3 and random_.random() < 0.3:
        if random_.random() < 0.5:
            return [some_value(random_, depth + 1) for _ in range(random_.randrange(4))]
        return {some_text(random_)[:20]: some_value(random_, depth + 1) for _ in range(random_.randrange(4))}
    return random_.choice(ODD) if random_.random() < 0.5 else some_text(random_)


def some_body(random_: random.Random) -> bytes:
    """A body: bytes, a JSON value, or a message with something wrong in it."""
    chance = random_.random()
    if chance < 0.15:
        return random_.choice(BODIES)
    if chance < 0.25:
        return random_.randbytes(random_.randrange(500))
    if chance < 0.35:
        return json.dumps(some_value(random_)).encode()
    names = ("sender", "message", "message_id", "metadata", "input_channel", "session_id")
    message = {"sender": f"fuzz{random_.randrange(50)}", "message": some_text(random_)}
    for name in random_.sample(names, random_.randrange(3)):
        message[name] = some_value(random_)
    return json.dumps(message, ensure_ascii=random_.random() < 0.8).encode("utf-8", "surrogatepass")


def http(url: str, random_: random.Random) -> Outcome:
    """One HTTP call, byte by byte ours: no client library makes it decent."""
    method = random_.choice(METHODS) if random_.random() < 0.4 else "POST"
    path = random_.choice(PATHS) if random_.random() < 0.7 else "/webhooks/rest/webhook"
    if random_.random() < 0.05:
        path += "".join(random_.choice(string.printable[:94] + "\xff\x00") for _ in range(random_.randrange(2000)))
    if random_.random() < 0.3:
        path += "?" + random_.choice(QUERIES)
    headers = [("Host", "127.0.0.1"), *random_.sample(HEADERS, random_.choice([0, 0, 0, 1, 1, 2, 3]))]
    return call(url, method, path, headers, some_body(random_))


def call(url: str, method: str, path: str, headers: List[Tuple[str, str]], body: bytes = b"") -> Outcome:
    """Sends exactly this and closes the connection after the first answer."""
    whole = not any(name.lower() in ("content-length", "transfer-encoding", "upgrade") for name, _ in headers)
    if whole:
        headers = [*headers, ("Content-Length", str(len(body)))]
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close", "", ""]
    return raw(url, "\r\n".join(lines).encode("latin-1", "replace") + body, f"{method} {path.partition('?')[0][:40]}", whole)


def raw(url: str, data: bytes, kind: str = "raw bytes", whole: bool = False) -> Outcome:
    """Sends `data` as it is. `whole`: it is a whole call, which must be answered or cut off."""
    found, silent = b"", False
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=SECONDS) as connection:
        try:
            connection.sendall(data)
            if not whole:
                connection.settimeout(UNFINISHED)
            while part := connection.recv(65_536):
                found += part
        except ConnectionError:
            pass  # refused while we were still sending
        except TimeoutError:
            silent = whole and not found
    status = int(found[9:12]) if found.startswith(b"HTTP/1.1 ") else None
    return Outcome(kind, status, found.partition(b"\r\n\r\n")[2], silent)


def junk(url: str, random_: random.Random) -> Outcome:
    """Bytes that are not HTTP, or only begin like it."""
    beginnings = [
        b"",
        b"GET ",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /webhooks/rest/webhook HTTP/1.1\r\n",
        b"\r\n\r\n",
        b"PRI * HTTP/2.0",
    ]
    return raw(url, random_.choice(beginnings) + random_.randbytes(random_.randrange(1, 300)) + b"\r\n\r\n")


def polling(url: str, random_: random.Random) -> Outcome:
    """A Socket.IO session by polling, with packets that no client would send."""
    opened = call(url, "GET", "/socket.io/?EIO=4&transport=polling", [("Host", "127.0.0.1")])
    if opened.status != 200:
        return opened
    session = json.loads(opened.body.partition(b"{")[1] + opened.body.partition(b"{")[2])["sid"]
    packets = ["40", *(random_.choice(PACKETS) for _ in range(random_.randrange(1, 4)))]
    if random_.random() < 0.3:
        packets.append("b" + base64.b64encode(random_.randbytes(20)).decode())
    path = f"/socket.io/?EIO=4&transport=polling&sid={session}"
    body = "\x1e".join(packets).encode()
    # The library answers some of these only when the session is polled, which nobody does here: not waited for.
    found = call(url, "POST", path, [("Host", "127.0.0.1"), ("Content-Length", str(len(body)))], body)
    return Outcome("socket.io packets", found.status, found.body)


class Socket:
    """One Socket.IO connection for many events; opened again when the server has closed it."""

    EVENTS = ("session_request", "user_uttered", "connect", "disconnect", "bot_uttered", "anything", "turn_end")

    def __init__(self, url: str) -> None:
        self._url, self._client, self._ticket = url, None, None

    def __call__(self, url: str, random_: random.Random) -> Outcome:
        """One event; half of the messages are whole but for one part."""
        self._open()
        data = some_value(random_)
        if random_.random() < 0.6:
            data = {"session_id": self._ticket, "message": some_text(random_), "message_id": f"m{random_.random()}"}
            for name in random_.sample(sorted(data), random_.randrange(2)):
                data[name] = some_value(random_)
        client = self._client
        try:
            client.emit(random_.choice(self.EVENTS[:2] if random_.random() < 0.8 else self.EVENTS), _sendable(data))
            # Its own answer is not waited for, but the next event is: the server has read this one then.
            client.emit("session_request", {"session_id": self._ticket})
            while client.receive(timeout=SECONDS)[0] != "session_confirm":
                pass
        except socketio.exceptions.SocketIOError:
            self.close()
        return Outcome("socket.io event", None)

    def _open(self) -> None:
        if self._client is None:
            self._client = socketio.SimpleClient()
            self._client.connect(self._url, transports=["websocket"])
            self._client.emit("session_request", {"session_id": None})
            self._ticket = self._client.receive(timeout=SECONDS)[1]

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.disconnect()
            self._client = None


def _sendable(data: Any) -> Any:
    """The client library cannot send lone surrogates over a websocket."""
    return json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "ignore"))


Kind = Callable[[str, random.Random], Outcome]


def kinds(socket_: Socket) -> Dict[str, Tuple[Kind, float]]:
    """Every kind of call with its share."""
    return {"http": (http, 0.68), "junk": (junk, 0.1), "polling": (polling, 0.07), "socket": (socket_, 0.15)}
