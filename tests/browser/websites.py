"""Websites of clinics for the browser tests: plain pages on a loopback port of their own, so on another origin."""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Optional, Tuple

from tests.ports import HOST

# Where the clinic's proxy shows the website and the assistant under one name.
STRICT = "default-src 'self'; connect-src 'self'; style-src 'self'"


def tag(script_server: str, **attributes: str) -> str:
    """The script tag of docs/widget.md. tag(url, clinic_name="A") has data-clinic-name="A"."""
    told = "".join(f' data-{name.replace("_", "-")}="{html.escape(value)}"' for name, value in attributes.items())
    return f'<script src="{script_server}/widget.js"{told} defer></script>'


def page(head: str, body: str = "", **attributes: str) -> str:
    """A page of a clinic that knows the widget only by what stands in `head`."""
    told = "".join(f' {name}="{value}"' for name, value in {"lang": "en", **attributes}.items())
    return (
        f"<!DOCTYPE html><html{told}><head><meta charset=utf-8>"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Willow Creek Clinic</title>'
        f'{head}</head><body><main><h1>Willow Creek Clinic</h1><p>Our doors are open. <a href="#hours">Hours</a></p>'
        f'{body}<h2 id="hours">Hours</h2><p>Monday to Friday, 8 to 5.</p></main></body></html>'
    )


class Website:
    """with Website() as site: site.put("/", "<html>..."); browser.goto(site.url)."""

    def __init__(self) -> None:
        self._pages: Dict[str, Tuple[bytes, Dict[str, str]]] = {}
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                found = website._pages.get(self.path.split("?")[0])
                content, headers = found or (b"", {})
                self.send_response(200 if found else 404)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> "Website":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, content: str, csp: Optional[str] = None, kind: str = "text/html") -> str:
        """Serves `content` at `path`, with the policy `csp`; returns the address."""
        headers = {"Content-Security-Policy": csp} if csp else {}
        self._pages[path] = (content.encode(), {"Content-Type": f"{kind}; charset=utf-8", **headers})
        return self.url + path
