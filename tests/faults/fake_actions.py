"""An action server that answers whatever a test wants."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.bench.local_servers import HOST, free_port


class FakeActions:
    """Answers every action with `status`, `body` and `content_type`; `keys` are the idempotency keys that it was sent."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://{HOST}:{port}"
        self.status, self.body, self.content_type = 200, b"{}", "application/json"
        self.keys = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # /health
                self._answer(200, b"{}")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fake.keys.append(self.headers.get("Idempotency-Key"))
                self._answer(fake.status, fake.body)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", fake.content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, port), Handler)

    def __enter__(self) -> "FakeActions":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
