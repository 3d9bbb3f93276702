"""Socket.IO for the website: a visitor gets a signed session, and hears only its own conversation."""

import logging
import time
import uuid
from contextlib import suppress
from typing import Any, Dict, List, Optional, Type
from urllib.parse import urlsplit

import engineio
import socketio
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import BaseHTTPResponse

from infusion_guide.channels.channel import Channel, ReplyTo, address_of, database_of
from infusion_guide.channels.message import MAX_MESSAGE_ID, Message, Refused, id_of, text_of
from infusion_guide.channels.own_data import add_own_data_routes, add_preflight
from infusion_guide.channels.rate_limits import Limited, rate_limits
from infusion_guide.channels.website import add_website
from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import settings
from infusion_guide.replies import first_aid
from infusion_guide.replies.book import button_title
from infusion_guide.replies.first_aid import in_language
from infusion_guide.replies.reply import Reply
from infusion_guide.replies.sources import described, without_source_line
from infusion_guide.replies.topic import Topic
from infusion_guide.server.bounds import MAX_BODY
from infusion_guide.storage import transcript
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.feedback import Judgement, NoSuchAnswer, judge
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.watch import metrics

logger = logging.getLogger(__name__)

_IN_FLIGHT = 5  # messages of one visitor that may wait for their turn
_MOST_CONNECTIONS = 2000  # of one process; a visitor holds one
_MOST_OF_ADDRESS = 500  # of them; a clinic's waiting room is one address
_ADDRESS = "infusion_guide.address"  # in the environ that the library keeps of each connection
_HISTORY = 40  # turns that a visitor sees again
MAX_REASON = 500  # characters of a judgement's reason
_MOST_UNREAD = 100  # packets that wait for a client that does not read
_BINARY = ("5", "6")  # Socket.IO's packets with attachments


class _Spoken(BaseHTTPResponse):
    """What a websocket's call ends with: it was answered in frames, and HTTP after them fails or is junk to the client."""

    async def send(self, *_: Any, **__: Any) -> None:
        """Nothing."""


class _Transport(engineio.AsyncServer):
    """Answers also when a session ends while its call is read; python-engineio 4 has no words for it and raises."""

    async def handle_request(self, request: Request) -> BaseHTTPResponse:
        """See parent."""
        try:
            answered = await super().handle_request(request)
        except UnboundLocalError:
            return response.json({"error": "This session has ended."}, status=400)
        return answered if request.stream.protocol.websocket is None else _Spoken()


class _Server(socketio.AsyncServer):
    """Closes a connection that sends what is no packet, events in the library's own name, or more than it reads.

    The library would log a stack for the first, as for a fault of ours, call our handlers for the second, and keep
    attachments and unread answers without end.
    """

    async def _handle_eio_connect(self, eio_sid: str, environ: Dict[str, Any]) -> Any:
        address = environ[_ADDRESS] = address_of(environ["sanic.request"])
        held = sum(each.get(_ADDRESS) == address for each in self.environ.values())
        if len(self.environ) >= _MOST_CONNECTIONS or held >= _MOST_OF_ADDRESS:
            return False
        try:
            await rate_limits().address(address)
        except Limited:
            return False
        return await super()._handle_eio_connect(eio_sid, environ)

    def _engineio_server_class(self) -> Type[engineio.AsyncServer]:
        return _Transport

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            if not isinstance(data, str) or data[:1] in _BINARY:
                raise ValueError("Nothing here is binary.")
            if self.eio._get_socket(eio_sid).queue.qsize() > _MOST_UNREAD:
                raise ValueError("The client does not read.")
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:  # events are answered in tasks of their own; only reading the packet can fail here
            logger.warning("A Socket.IO connection sent what is no packet (%s); it is closed.", type(error).__name__)
            with suppress(KeyError):  # closed already
                await self.eio._get_socket(eio_sid).close(wait=False)

    async def _handle_event(self, eio_sid: str, namespace: str, id: Any, data: Any) -> None:
        if data[0] in self.reserved_events:  # "disconnect" would reset the count of messages in flight
            raise ValueError("Only the library says this.")
        await super()._handle_event(eio_sid, namespace, id, data)


class WebChannel(Channel):
    """The website's widget: Rasa's Socket.IO events and a few more, as docs/widget.md describes them.

    Rasa's own channel lets anybody join any conversation, and never answers with today's python-socketio
    (RasaHQ/rasa#13027).
    """

    name = "web"

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """See parent."""
        self._sio = _Server(
            async_mode="sanic", cors_allowed_origins=_may_come_from, max_http_buffer_size=MAX_BODY, always_connect=False
        )
        logging.getLogger("engineio.server").addFilter(_not_about_junk)
        self._listen(self._sio, reply_to)

        async def erased(conversation: str) -> None:
            await self._sio.emit("erased", room=conversation)

        add_own_data_routes(blueprint, self.name, erased)

    def attach(self, app: Sanic) -> None:
        """See parent."""
        app.config.WEBSOCKET_MAX_SIZE = MAX_BODY
        self._app = app
        self._sio.attach(app, "/socket.io")
        add_preflight(app, self.name)
        add_website(app)

    def _listen(self, sio: socketio.AsyncServer, reply_to: ReplyTo) -> None:
        waiting: Dict[str, int] = {}

        @sio.event
        async def connect(sid: str, environ: Dict[str, Any], _: Any = None) -> bool:
            try:
                await sio.save_session(sid, {"address": address_of(environ["sanic.request"])})
            except KeyError:  # gone already
                return False
            return True

        @sio.event
        async def disconnect(sid: str, *_: Any) -> None:
            waiting.pop(sid, None)

        @sio.event
        async def session_request(sid: str, data: Any = None, *_: Any) -> None:
            given = data.get("session_id") if isinstance(data, dict) else None
            try:
                conversation = identity.conversation_of(self.name, given)
                ticket = identity.issue(self.name, conversation)  # its time begins anew
            except identity.NotIssued:
                conversation, ticket = "", identity.issue(self.name)
            with suppress(KeyError):  # the visitor left already
                # Joined before its talk is read: nothing that is said meanwhile is missed, what comes twice is seen once.
                await _join(sio, sid, conversation or identity.conversation_of(self.name, ticket))
                turns = await self._history(sid, conversation) if conversation else []
                told = [reply["metadata"].get("language") for turn in turns or [] for reply in turn["replies"]]
                async with sio.session(sid) as session:
                    session["language"] = next((language for language in reversed(told) if language), "")
                await sio.emit("session_confirm", ticket, room=sid)
                await sio.emit("history", {"turns": turns}, room=sid)

        @sio.event
        async def user_uttered(sid: str, data: Any = None, *_: Any) -> None:
            if waiting.get(sid, 0) >= _IN_FLIGHT:
                await self._refuse(sid, Refused(429, "Please wait for the answers to your last messages."), data)
                return
            waiting[sid] = waiting.get(sid, 0) + 1
            try:
                session = await sio.get_session(sid)
                message = self._read(data, session.get("address"))
                with suppress(KeyError):  # this window is gone; another of the same patient may listen
                    await _join(sio, sid, message.conversation)
                language = await _answer(sio, message, reply_to, session.get("language") or settings().language)
                async with sio.session(sid) as session:
                    session["language"] = language
            except Refused as refused:
                await self._refuse(sid, refused, data)
            except KeyError:
                pass  # the visitor left before we answered
            finally:
                waiting[sid] = waiting.get(sid, 1) - 1
                if waiting[sid] <= 0:
                    del waiting[sid]

        @sio.event
        async def feedback(sid: str, data: Any = None, *_: Any) -> Dict[str, Any]:
            try:
                await rate_limits().address((await sio.get_session(sid)).get("address") or "-")
                judgement = self._judgement(data)
                answer = await database_of(self._app).run(lambda connection: judge(connection, judgement))
                metrics.count_feedback(judgement.value, Topic.of(answer))
                return {"ok": True}
            except (Refused, NoSuchAnswer) as error:
                return {"error": str(error)}
            except Limited:
                return {"error": "Too many calls. Please wait a minute."}
            except (DatabaseUnavailable, Unreadable, KeyError) as error:
                logger.error("Feedback was not stored: %s", type(error).__name__)
                return {"error": "This could not be stored. Please try again in a few minutes."}

    async def _refuse(self, sid: str, refused: Refused, data: Any) -> None:
        """Says to this window why nothing was answered, after the crisis reply where the words call for one."""
        fields = data if isinstance(data, dict) else {}
        given, words = fields.get("message_id"), fields.get("message")
        message_id = given if isinstance(given, str) and 0 < len(given) <= MAX_MESSAGE_ID else None
        try:
            conversation: Optional[str] = identity.conversation_of(self.name, fields.get("session_id"))
        except identity.NotIssued:
            conversation = None
        crisis = await self.aid.instead(words, conversation or sid, conversation)
        if crisis:
            shown = {"message_id": message_id or uuid.uuid4().hex, "number": 0, "at": time.time(), **_rendered(crisis)}
            await self._sio.emit("bot_uttered", shown, room=sid)
        why = (
            str(refused)
            if not isinstance(words, str) or first_aid.numbers() in str(refused)
            else f"{refused} {first_aid.numbers()}"
        )
        await self._sio.emit("refused", {"error": why, "message_id": message_id}, room=sid)

    async def _history(self, sid: str, conversation: str) -> Optional[List[Dict[str, Any]]]:
        """The latest turns of `conversation` as docs/widget.md has them; None when nobody can read them now."""
        try:
            await rate_limits().address((await self._sio.get_session(sid)).get("address") or "-")
            told = await database_of(self._app).read(lambda connection: transcript.latest(connection, conversation, _HISTORY))
        except (DatabaseUnavailable, Unreadable, Limited, KeyError) as error:
            logger.warning("A visitor's talk was not shown again: %s", type(error).__name__)
            return None
        return [_shown(exchange) for exchange in told]

    def _conversation(self, data: Any) -> str:
        if not isinstance(data, dict):
            raise Refused(400, "Send an object with 'session_id'.")
        try:
            return identity.conversation_of(self.name, data.get("session_id"))
        except identity.NotIssued:
            raise Refused(403, "'session_id' was not issued here, or has expired: send session_request first.") from None

    def _read(self, data: Any, address: Any) -> Message:
        conversation = self._conversation(data)
        given = data.get("message_id")
        message_id = uuid.uuid4().hex if given is None else id_of(given, "message_id")
        return Message(conversation, text_of(data.get("message")), self.name, address, message_id)

    def _judgement(self, data: Any) -> Judgement:
        conversation, number, value, reason = self._conversation(data), data.get("number"), data.get("value"), data.get("reason")
        if isinstance(number, bool) or not isinstance(number, int):
            raise Refused(400, "'number' is missing: send which answer to the message is meant, from 0.")
        if value not in ("up", "down", None):
            raise Refused(400, "'value' is 'up', 'down' or null.")
        if not isinstance(reason, (str, type(None))) or len(reason or "") > MAX_REASON:
            raise Refused(400, f"'reason' is a text of at most {MAX_REASON} characters, or null.")
        message_id = id_of(data.get("message_id"), "message_id")
        return Judgement(conversation, message_id, number, value, text_of(reason).strip() if reason else None)


async def _answer(sio: socketio.AsyncServer, message: Message, reply_to: ReplyTo, language: str) -> str:
    """One turn, told to every window of the conversation: a patient with two of them open sees the same talk in both.

    `language` is that of the talk so far, for what no turn could say; the answer is the one that it has now.
    """

    async def tell(event: str, words: Dict[str, Any]) -> None:
        await sio.emit(event, {"message_id": message.message_id, **words}, room=message.conversation)

    await tell("turn_start", {"text": button_title(message.text), "at": time.time()})
    found = await reply_to(message)
    replies = found.replies if found.stored else [in_language(reply, language) for reply in found.replies]
    for number, reply in enumerate(replies):
        await tell("bot_uttered", {"number": number, "at": time.time(), **_rendered(reply)})
    await tell("turn_end", {"outcome": found.outcome, "retry_after": found.retry_after})
    return next((reply.language for reply in reversed(replies) if reply.language), language)


def _shown(exchange: transcript.Exchange) -> Dict[str, Any]:
    """One entry of a history: the message, and a bot_uttered for each of its answers."""
    replies = [
        {"message_id": exchange.message_id, "number": number, "at": said.at, **_rendered(said.reply)}
        for number, said in enumerate(exchange.replies)
    ]
    return {"message_id": exchange.message_id, "text": exchange.text, "at": exchange.at, "replies": replies}


def _rendered(reply: Reply) -> Dict[str, Any]:
    """One bot_uttered: Rasa's Socket.IO form, with `metadata` that names the reply, and its sources in words."""
    shown = described(reply.sources, reply.language or "en")
    sources = [{"label": source.label, "claims": list(source.told)} for source in shown]
    metadata = reply.as_message()["metadata"]
    rendered = {"text": without_source_line(reply.text, shown), "metadata": metadata, "sources": sources}
    buttons = [{"content_type": "text", "title": button.title, "payload": button.payload} for button in reply.buttons]
    return {**rendered, "quick_replies": buttons} if buttons else rendered


def _not_about_junk(record: logging.LogRecord) -> bool:
    """The library logs a stack for each polling call whose body is no packets; anybody could fill the disk with them."""
    return "post request handler error" not in str(record.msg)


async def _join(sio: socketio.AsyncServer, sid: str, conversation: str) -> None:
    """A window hears one conversation; one that asked for more and more of them would fill the memory."""
    async with sio.session(sid) as session:
        before, session["conversation"] = session.get("conversation"), conversation
    if before and before != conversation:
        await sio.leave_room(sid, before)
    await sio.enter_room(sid, conversation)


def _may_come_from(origin: str, environ: Dict[str, Any]) -> bool:
    """Whether a page of `origin` may talk to us: our own host's pages and those of ALLOWED_ORIGINS."""
    host = environ.get("HTTP_X_FORWARDED_HOST") if settings().proxies else None
    try:
        return origin in settings().origins or urlsplit(origin).netloc == (host or environ.get("HTTP_HOST"))
    except ValueError:  # not an address at all
        return False
