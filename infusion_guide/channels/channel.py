"""What a new channel is built on: it reads and verifies its platform's calls and renders answers, the rest is done here."""

from ipaddress import ip_address, ip_network
from typing import Any, Awaitable, Callable, Sequence

from sanic import Blueprint, Sanic, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.aid import Aid
from infusion_guide.channels.door import Answer, Door, OnNewMessage
from infusion_guide.channels.message import Message, Refused
from infusion_guide.clinic.settings import settings
from infusion_guide.server.application import protect
from infusion_guide.storage.database import Database, database

ReplyTo = Callable[[Message], Awaitable[Answer]]


class Channel:
    """A channel in one small file: `routes` adds its webhook; the handlers build a Message and render the Answer.

        class Pigeons(Channel):
            name = "pigeons"

            def routes(self, blueprint, reply_to):
                @blueprint.post("/webhook")
                async def receive(request):
                    verify(request)                                     # genuine, or 401
                    found = await reply_to(Message(identity.conversation_with("pigeons", request.json["ring"]), ...))
                    await send(found.replies)

    Whatever else comes in (limits, sizes, failures, crisis replies, security headers) is the same for all of them. What a
    channel itself refuses or leaves, it gives to `aid` first: a person in danger is never what is refused.
    """

    name: str
    aid: Aid = Aid()

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """Adds the channel's routes to `blueprint`; `reply_to(Message)` gives the Answer."""
        raise NotImplementedError

    def attach(self, app: Sanic) -> None:
        """What a channel needs of the whole application, such as a socket; nothing for most."""


def open_channels(app: Sanic, channels: Sequence[Channel], on_new_message: OnNewMessage) -> None:
    """Serves `channels`, each at /webhooks/<name>, in an application that is protected; messages go to `on_new_message`."""
    protect(app)
    aid = Aid(app)
    reply_to = Door(on_new_message, aid, lambda: app.ctx.ready).answer

    async def status(_: Request) -> HTTPResponse:
        return response.json({"status": "ok"})

    for channel in channels:
        blueprint = Blueprint(f"infusion_guide_{channel.name}")
        blueprint.add_route(status, "/", name="status")
        channel.aid = aid
        channel.routes(blueprint, reply_to)
        channel.attach(app)
        app.blueprint(blueprint, url_prefix=f"/webhooks/{channel.name}")


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
