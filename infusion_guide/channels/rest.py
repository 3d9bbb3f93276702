"""REST: POST /webhooks/rest/webhook with {"sender": ..., "message": ...}, answered with the list of replies."""

from typing import Any, Awaitable, Callable

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.exceptions import InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.door import Refused, hand_over, sender_of, text_of


class RestChannel(InputChannel):
    """Rasa's REST protocol with checked input: 4xx for what is no message, 503 and honest words for a failure.

    `metadata` and `input_channel` of the caller are ignored: nobody outside may set them.
    """

    @classmethod
    def name(cls) -> str:
        """See parent."""
        return "rest"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """See parent."""
        routes = Blueprint("infusion_guide_rest", __name__)

        @routes.route("/", methods=["GET"])
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            try:
                try:
                    body = request.json
                except InvalidUsage:
                    raise Refused(400, "The body is not JSON.") from None
                if not isinstance(body, dict):
                    raise Refused(400, "The body must be a JSON object with 'sender' and 'message'.")
                sender, text = sender_of(body.get("sender")), text_of(body.get("message"))
            except Refused as refused:
                return response.json({"error": str(refused)}, status=refused.status)
            output = CollectingOutputChannel()
            answered = await hand_over(on_new_message, text, output, sender, self.name())
            return response.json(output.messages, status=200 if answered else 503)

        return routes
