"""An assistant that says what a test wants: it answers the widget's websocket in the browser, the server is not asked."""

import json
import time
from typing import Any, Callable, Dict, List, Optional

from playwright.sync_api import Page, WebSocketRoute

NOWHERE = "http://127.0.0.1:9"  # what the page's tag names as its server
TICKET = "a-conversation.a-time.a-signature"


def reply(text: str, action: str = "utter_faq/cravings", **more: Any) -> Dict[str, Any]:
    """One reply as the assistant sends it, without its message's id and number. `more`: quick_replies, sources."""
    return {"text": text, "at": time.time(), "metadata": {"utter_action": action}, "sources": [], **more}


def turn(message_id: str, text: str, *replies: Dict[str, Any], at: float = 1_763_871_000.0) -> Dict[str, Any]:
    """One turn of a history."""
    numbered = [{"message_id": message_id, "number": number, **each} for number, each in enumerate(replies)]
    return {"message_id": message_id, "text": text, "at": at, "replies": numbered}


class FakeAssistant:
    """fake = FakeAssistant(page, answer=lambda text: [reply("Hello")]) before the page is loaded.

    `history` is what it tells after each session_request. `answer` gives the replies to a message, or None: then it stays
    silent until a test calls `start`, `utter` and `end`. `heard` holds every event of the widget.
    """

    def __init__(
        self,
        page: Page,
        history: Optional[List[Dict[str, Any]]] = None,
        answer: Callable[[str], Optional[List[Dict[str, Any]]]] = lambda text: [reply("An answer.")],
    ) -> None:
        self.history, self.answer = history or [], answer
        self.heard: List[List[Any]] = []
        self.down = False
        self._socket: Optional[WebSocketRoute] = None
        page.route_web_socket("**/socket.io/**", self._connected)
        page.route("**/socket.io/**", lambda route: route.abort())  # the widget's second way, to the real assistant

    def say(self, event: str, data: Any) -> None:
        """Sends any event to the widget."""
        self._socket.send("42" + json.dumps([event, data]))

    def start(self, message_id: str, text: str) -> None:
        """Tells that `text` is being answered."""
        self.say("turn_start", {"message_id": message_id, "text": text, "at": time.time()})

    def utter(self, message_id: str, *replies: Dict[str, Any]) -> None:
        """Sends `replies` to a message."""
        for number, each in enumerate(replies):
            self.say("bot_uttered", {"message_id": message_id, "number": number, **each})

    def end(self, message_id: str, outcome: str = "answered", retry_after: Optional[int] = None) -> None:
        """Ends a turn."""
        self.say("turn_end", {"message_id": message_id, "outcome": outcome, "retry_after": retry_after})

    def go_down(self) -> None:
        """Closes the connection and takes no other, until `down` is False again."""
        self.down = True
        self._socket.close()

    @property
    def messages(self) -> List[Dict[str, Any]]:
        """What the widget sent as messages, sent again included."""
        return [data for name, data in self.heard if name == "user_uttered"]

    def _connected(self, socket: WebSocketRoute) -> None:
        if self.down:
            socket.connect_to_server()  # nobody is at NOWHERE
            return
        self._socket = socket
        socket.on_message(self._received)
        opened = {"sid": "fake", "upgrades": [], "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 1_000_000}
        socket.send("0" + json.dumps(opened))

    def _received(self, packet: Any) -> None:
        if packet == "40":
            self._socket.send('40{"sid":"fake"}')
        elif packet.startswith("42"):
            acknowledged = packet[2 : packet.index("[")]
            name, *data = json.loads(packet[packet.index("[") :])
            self.heard.append([name, data[0] if data else None])
            self._react(name, data[0] if data else {})
            if acknowledged:
                self._socket.send(f'43{acknowledged}[{{"ok":true}}]')

    def _react(self, name: str, data: Dict[str, Any]) -> None:
        if name == "session_request":
            self.say("session_confirm", data.get("session_id") or TICKET)
            self.say("history", {"turns": self.history})
        elif name == "user_uttered":
            replies = self.answer(data["message"])
            if replies is None:
                return
            self.start(data["message_id"], data["message"])
            self.utter(data["message_id"], *replies)
            self.end(data["message_id"])
