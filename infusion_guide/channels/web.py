"""Socket.IO for the website: Rasa's channel, made to answer with today's python-socketio and to check its input."""

import uuid
from typing import Any, Awaitable, Callable, Dict, Optional

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.socketio import SocketIOInput, SocketIOOutput
from sanic import Blueprint

from infusion_guide.channels.door import Refused, hand_over, sender_of, text_of


class WebChannel(SocketIOInput):
    """Same events as Rasa's socketio channel: session_request, session_confirm, user_uttered, bot_uttered.

    Rasa does not await `enter_room`, a coroutine since python-socketio 5.10, so that with session_persistence no
    reply ever arrives (RasaHQ/rasa#13027). A refused message is answered with a `refused` event.
    """

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """See parent; replaces two of its event handlers."""
        routes = super().blueprint(on_new_message)
        sio = self.sio

        @sio.on("session_request", namespace=self.namespace)
        async def session_request(sid: str, data: Optional[Dict] = None) -> None:
            try:
                session = sender_of((data or {}).get("session_id") or uuid.uuid4().hex)
            except (Refused, AttributeError):
                session = uuid.uuid4().hex
            await sio.enter_room(sid, session)
            await sio.emit("session_confirm", session, room=sid)

        @sio.on(self.user_message_evt, namespace=self.namespace)
        async def user_uttered(sid: str, data: Any = None) -> None:
            try:
                if not isinstance(data, dict):
                    raise Refused(400, "A message is an object with 'session_id' and 'message'.")
                sender = sender_of(data.get("session_id") if self.session_persistence else sid)
                text = text_of(data.get("message"))
            except Refused as refused:
                await sio.emit("refused", {"error": str(refused)}, room=sid)
                return
            await hand_over(on_new_message, text, SocketIOOutput(sio, self.bot_message_evt), sender, self.name())

        return routes
