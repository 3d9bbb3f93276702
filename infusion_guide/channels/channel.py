"""What a new channel is built on: it reads and verifies its platform's calls and renders answers, the rest is done here."""

from ipaddress import ip_address, ip_network
from typing import Any, Awaitable, Callable, Dict, Optional

from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, Sanic, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.door import Answer, Incoming, OnNewMessage, Refused, answer
from infusion_guide.clinic.settings import settings
from infusion_guide.server.application import protect
from infusion_guide.storage.database import Database, database

ReplyTo = Callable[[Incoming], Awaitable[Answer]]


class Channel(InputChannel):
    """A channel in one small file: `routes` adds the platform's webhook; its handlers build Incoming and render Answer.

        class Pigeons(Channel):
            @classmethod
            def name(cls): return "pigeons"

            def routes(self, blueprint, reply_to):
                @blueprint.post("/webhook")
                async def receive(request):
                    verify(request)                                     # genuine, or 401
                    found = await reply_to(Incoming(identity.conversation_with("pigeons", request.json["ring"]), ...))
                    await send(found.replies)

    Whatever else comes in (limits, sizes, failures, crisis replies, security headers) is the same for all of them.
    """

    def __init__(self, credentials: Optional[Dict[str, Any]] = None) -> None:
        self.credentials = credentials or {}

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "Channel":
        """See parent."""
        return cls(credentials)

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """See parent."""
        blueprint = _Protected(f"infusion_guide_{self.name()}", self)

        async def reply_to(incoming: Incoming) -> Answer:
            return await answer(on_new_message, incoming)

        @blueprint.get("/")
        async def status(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        self.routes(blueprint, reply_to)
        return blueprint

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """Adds the channel's routes to `blueprint`; `reply_to(Incoming)` gives the Answer."""
        raise NotImplementedError

    def attach(self, app: Sanic) -> None:
        """What a channel needs of the whole application, such as a socket; nothing for most."""


class _Protected(Blueprint):
    """Protects the whole application when the first channel is attached to it."""

    def __init__(self, name: str, channel: Channel) -> None:
        super().__init__(name)
        self.ctx.channel = channel

    def register(self, app: Sanic, options: Dict[str, Any]) -> None:
        """See parent."""
        protect(app)
        self.ctx.channel.attach(app)
        super().register(app, options)


def json_of(request: Request) -> Any:
    """What the body says, whatever its shape. Raises Refused where it is not JSON."""
    try:
        return request.json
    except InvalidUsage:
        raise Refused(400, "The body is not JSON.") from None


def database_of(app: Sanic) -> Database:
    """The database that the assistant of `app` keeps its conversations in."""
    agent = getattr(app.ctx, "agent", None)
    return agent.tracker_store.database if agent else database()


def address_of(request: Request) -> str:
    """The visitor's internet address: of the connection, or as PROXIES trusted reverse proxies reported it."""
    given = ((request.remote_addr if settings().proxies else "") or request.ip).strip("[]")
    try:
        address = ip_address(given)
    except ValueError:
        return given
    if address.version == 4:
        return given
    # Whoever has one address of IPv6 has a network of them.
    return str(address.ipv4_mapped or ip_network(f"{given}/64", strict=False))
