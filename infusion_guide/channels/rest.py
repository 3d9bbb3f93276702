"""REST for programs: POST /webhooks/rest/webhook with {"message": ..., "sender": ...}, answered with the list of replies.

In production the channel is off unless REST_TOKEN is set. Then a caller sends "Authorization: Bearer <REST_TOKEN>",
asks POST /webhooks/rest/conversation for a sender of its own, and may send only such a sender. On a developer's own
machine, without a token, the caller names the conversation.
"""

import hmac
from typing import Optional

from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.channel import Channel, ReplyTo, address_of, json_of
from infusion_guide.channels.message import Message, Refused, id_of, text_of
from infusion_guide.channels.rate_limits import Limited, rate_limits
from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import settings


class RestChannel(Channel):
    """Rasa's REST protocol with checked input: 4xx for what is no message, 429 and 503 with honest words.

    `metadata` and `input_channel` of the caller are ignored: nobody outside may set them. `message_id` is optional: a
    message that is sent again with the same one is answered with the same replies and stored once.
    """

    name = "rest"

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """See parent."""

        @blueprint.post("/conversation")
        async def conversation(request: Request) -> HTTPResponse:
            try:
                _admit(request)
                await rate_limits().address(address_of(request))
            except (Refused, Limited) as refused:
                return _refusal(refused)
            return response.json({"sender": identity.issue(self.name)})

        @blueprint.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            try:
                _admit(request)
            except Refused as refused:
                return _refusal(refused)
            try:
                message = self._read(request)
            except Refused as refused:
                return await self._aided(request, refused) or _refusal(refused)
            found = await reply_to(message)
            headers = {"Retry-After": str(found.retry_after)} if found.retry_after else None
            replies = [{"recipient_id": request.json["sender"], **reply.as_message()} for reply in found.replies]
            return response.json(replies, status=found.status, headers=headers)

    async def _aided(self, request: Request, refused: Refused) -> Optional[HTTPResponse]:
        """The crisis reply to words that are no message, whatever is wrong with them; None where nobody is in danger."""
        try:
            body = json_of(request)
        except Refused:
            return None
        if not isinstance(body, dict):
            return None
        address, sender = address_of(request), body.get("sender")
        crisis = await self.aid.instead(body.get("message"), address, None)
        named = {"recipient_id": sender} if isinstance(sender, str) else {}
        return response.json([{**named, **crisis.as_message()}], status=refused.status) if crisis else None

    def _read(self, request: Request) -> Message:
        body = json_of(request)
        if not isinstance(body, dict):
            raise Refused(400, "The body must be a JSON object with 'sender' and 'message'.")
        sender = id_of(body.get("sender"), "sender")
        if settings().rest_token:
            try:
                sender = identity.conversation_of(self.name, sender)
            except identity.NotIssued:
                raise Refused(403, "'sender' was not issued here: POST /webhooks/rest/conversation gives one.") from None
        else:
            sender = f"{self.name}:{sender}"
        text = text_of(body.get("message"))
        given: Optional[str] = body.get("message_id")
        message_id = None if given is None else id_of(given, "message_id")
        return Message(sender, text, self.name, address_of(request), message_id)


def _admit(request: Request) -> None:
    """Lets a caller in, or raises Refused."""
    token = settings().rest_token
    if token and not hmac.compare_digest((request.token or "").encode("utf-8", "replace"), token.encode()):
        raise Refused(401, "Send 'Authorization: Bearer <REST_TOKEN>'.")
    if settings().production and not token:
        raise Refused(404, "The REST channel is off: REST_TOKEN is not set.")


def _refusal(refused: Exception) -> HTTPResponse:
    if isinstance(refused, Limited):
        return response.json({"error": "Too many calls."}, status=429, headers={"Retry-After": str(refused.seconds)})
    return response.json({"error": str(refused)}, status=getattr(refused, "status", 400))
