"""Telegram (core.telegram.org/bots/api): private chats; in groups only a hint to write in private.

`python -m infusion_guide.channels.platforms.telegram` tells Telegram our address and secret (docs/messaging/telegram.md).
"""

import asyncio
import sys
from typing import Any, Dict, List

from sanic.request import Request

from infusion_guide.channels.message import Refused
from infusion_guide.channels.platform import Call, Platform, Question, Received, same
from infusion_guide.channels.platform_api import PlatformRefused, post
from infusion_guide.channels.rendering import Bubble, Limits
from infusion_guide.clinic import settings as table
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.delivery.outbox import NotDelivered

_PAYLOAD = 64  # bytes of callback_data
_UPDATES = ["message", "edited_message", "callback_query"]


class Telegram(Platform):
    """Buttons are an inline keyboard, one to a row, so that they can be read on a phone."""

    name, title = "telegram", "Telegram"
    needs = table.Telegram
    limits = Limits(text=4096, buttons=10, title=60)

    def question(self, chosen: Settings) -> Question:
        """See parent."""
        url = f"{chosen.telegram_api}/bot{chosen.telegram_token}/getMe"
        return Question("TELEGRAM_TOKEN", url, lambda found: found.get("ok") is True)

    def verify(self, request: Request) -> None:
        """The secret that was given to setWebhook (secret_token) comes back in a header."""
        if not same(request.headers.get("x-telegram-bot-api-secret-token"), settings().telegram_secret):
            raise Refused(403, "This call is not Telegram's.")

    def read(self, request: Request) -> List[Received]:
        """Messages and pressed buttons; channel posts, reactions and members are no messages to us, edits are read aside."""
        update = request.json
        pressed = update.get("callback_query")
        if pressed:
            chat, sender, text = pressed["message"]["chat"], pressed["from"], pressed.get("data") or ""
            address = {"chat": int(chat["id"]), "pressed": str(pressed["id"])}
        elif "message" in update or "edited_message" in update:
            message = update.get("message") or update["edited_message"]
            chat, sender, text = message["chat"], message.get("from") or {}, message.get("text") or message.get("caption") or ""
            address = {"chat": int(chat["id"])}
        else:
            return []
        private = chat["type"] == "private"
        if sender.get("is_bot"):
            return []
        aside = "edited_message" in update or (not private and not _is_addressed(update))
        text = "/start" if text.startswith("/start ") else text  # a link with a parameter
        return [Received(address, str(address["chat"]), f"update {int(update['update_id'])}", text, private, aside)]

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """See parent."""
        body: Dict[str, Any] = {"chat_id": address["chat"], "text": bubble.text, "link_preview_options": {"is_disabled": True}}
        rows = [[{"text": b.title, "callback_data": b.payload}] for b in bubble.buttons if len(b.payload.encode()) <= _PAYLOAD]
        if rows:
            body["reply_markup"] = {"inline_keyboard": rows}
        return [{"method": "sendMessage", "body": body}]

    def before(self, address: Any) -> List[Call]:
        """A pressed button shows a little clock until it is acknowledged."""
        if "pressed" not in address:
            return []
        return [{"method": "answerCallbackQuery", "body": {"callback_query_id": address["pressed"]}}]

    async def send(self, call: Call) -> None:
        """See parent."""
        url = f"{settings().telegram_api}/bot{settings().telegram_token}/{call['method']}"
        try:
            await post("Telegram", url, call["body"])
        except PlatformRefused as refused:
            if call["method"] == "answerCallbackQuery" and refused.final:
                return  # too late to stop the little clock on the button; the answer itself still counts
            told = (refused.answer.get("parameters") or {}).get("retry_after")
            if isinstance(told, int):
                raise NotDelivered(str(refused), float(told)) from None
            raise


PLATFORM = Telegram()


def _is_addressed(update: Dict[str, Any]) -> bool:
    """Whether a message in a group is meant for us: a command, a mention, or an answer to one of our messages."""
    message = update.get("message") or {}
    kinds = {entity.get("type") for entity in message.get("entities") or []}
    answered = (message.get("reply_to_message") or {}).get("from") or {}
    return bool(kinds & {"bot_command", "mention"}) or bool(answered.get("is_bot"))


async def register() -> str:
    """Tells Telegram where to send messages (PUBLIC_URL) and with which secret; what was done, in words.

    Raises:
        NotDelivered: Telegram did not take it.
    """
    chosen = settings()
    where = f"{chosen.public_url}/webhooks/telegram/webhook"
    wanted = {"url": where, "secret_token": chosen.telegram_secret, "allowed_updates": _UPDATES}
    await post("Telegram", f"{chosen.telegram_api}/bot{chosen.telegram_token}/setWebhook", wanted)
    return f"Telegram now sends messages to {where}."


def main() -> int:
    """Runs the command line; see the module's first lines."""
    if not (settings().telegram_token and settings().public_url):
        print("Fill in TELEGRAM_TOKEN, TELEGRAM_SECRET and PUBLIC_URL in .env first.", file=sys.stderr)
        return 2
    try:
        print(asyncio.run(register()))
        return 0
    except NotDelivered as error:
        print(f"{error} Is TELEGRAM_TOKEN right? `make doctor` tells.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
