"""One real server in development mode, where anybody may name a conversation: the widest door.

Every messaging platform is switched on, and all their interfaces are one stand-in on loopback.
"""

import http.server
import json
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple
from urllib.parse import parse_qsl

from infusion_guide.clinic.settings import Settings
from tests.faults.cluster import UNLIMITED, Process, variables, wait_until
from tests.ports import HOST, free_port

LAST_WORDS = "make lists all commands."  # of a start
PUBLIC_URL = "https://bot.example.org"
MESSAGING = {
    "telegram_token": "42:token",
    "telegram_secret": "telegram-secret-of-the-test",
    "slack_token": "xoxb-test",
    "slack_signing_secret": "slack-secret",
    "messenger_token": "messenger-token",
    "messenger_app_secret": "messenger-secret",
    "messenger_verify_token": "messenger-word",
    "whatsapp_token": "whatsapp-token",
    "whatsapp_number_id": "10077",
    "whatsapp_app_secret": "whatsapp-secret",
    "whatsapp_verify_token": "whatsapp-word",
    "twilio_account": "AC0123456789abcdef0123456789abcdef",
    "twilio_token": "twilio-token",
    "twilio_sender": "+15555550199",
}


class Platforms:
    """All platforms' interfaces: `got` are (platform, path, body) of what was sent, in order; everything is taken."""

    def __init__(self) -> None:
        self.got: List[Tuple[str, str, Dict[str, Any]]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                is_form = "urlencoded" in self.headers.get("Content-Type", "")
                body = dict(parse_qsl(data, keep_blank_values=True)) if is_form else json.loads(data or "{}")
                _, prefix, path = self.path.split("/", 2)
                name = {"twilio": "sms"}.get(prefix, prefix)
                if prefix == "meta":
                    name = "whatsapp" if "messaging_product" in body else "messenger"
                outer.got.append((name, "/" + path, body))
                self.send_response(201 if prefix == "twilio" else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"ok": true, "messages": [{"id": "wamid.out"}], "message_id": "out", "sid": "SMout"}')

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://{HOST}:{self._server.server_port}"

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


class DevelopmentServer(Process):
    """`python -m infusion_guide.run`: what `make run` starts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.database = folder / "conversations.db"
        self.platforms = Platforms()
        limits = ("visitor_messages_per_minute", "visitor_messages_per_day", "address_messages_per_minute", "messages_per_second")
        chosen = Settings(
            port=self.port,
            staff_port=free_port(),
            database_url=f"sqlite:///{self.database}",
            public_url=PUBLIC_URL,
            **MESSAGING,
            **{f"{name}_api": f"{self.platforms.url}/{name}" for name in ("telegram", "slack", "meta", "twilio")},
            **dict.fromkeys(limits, UNLIMITED),
        )
        super().__init__([sys.executable, "-W", "ignore", "-m", "infusion_guide.run"], variables(chosen), folder / "server.log")

    def rows(self, table: str) -> int:
        """How many rows `table` has."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@contextmanager
def running(folder: Path) -> Iterator[DevelopmentServer]:
    """The server, ready to answer, stopped at the end."""
    server = DevelopmentServer(folder)
    server.start()
    try:
        server.wait_for(f"{server.url}/ready")
        wait_until(lambda: LAST_WORDS in server.log, 60)
        yield server
    finally:
        server.stop()
        server.platforms.stop()
