"""Facebook Messenger (developers.facebook.com/docs/messenger-platform): what people write to the clinic's page."""

import time
from typing import Any, Dict, List, Optional

from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels import meta
from infusion_guide.channels.message import id_of
from infusion_guide.channels.platform import Call, Platform, Question, Received, bearer
from infusion_guide.channels.rendering import Bubble, Limits
from infusion_guide.clinic import settings as table
from infusion_guide.clinic.settings import Settings, settings

_PAYLOAD = 1000  # characters of a quick reply's payload
_NEVER = frozenset({10, 551})  # outside of that window; this person cannot be written to


class Messenger(Platform):
    """Buttons are quick replies, which stand below the last text until the patient writes or taps one."""

    name, title = "messenger", "Messenger"
    needs = table.Messenger
    limits = Limits(text=2000, buttons=13, title=20)

    def question(self, chosen: Settings) -> Question:
        """See parent."""
        url, headers = f"{chosen.meta_api}/me", bearer(chosen.messenger_token)
        return Question("MESSENGER_TOKEN", url, lambda found: "id" in found, headers)

    def verify(self, request: Request) -> None:
        """See parent."""
        meta.verify_signature(request, settings().messenger_app_secret)

    def handshake(self, request: Request) -> Optional[HTTPResponse]:
        """See parent."""
        return meta.handshake(request, settings().messenger_verify_token)

    def read(self, request: Request) -> List[Received]:
        """Messages and pressed buttons of all entries; echoes, receipts, reactions and `standby` are none to us, edits aside."""
        if request.json["object"] != "page":
            return []
        events = [event for entry in request.json["entry"] for event in entry.get("messaging") or []]
        return [found for found in map(_received, events) if found]

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """See parent."""
        message: Dict[str, Any] = {"text": bubble.text}
        replies = [
            {"content_type": "text", "title": button.title, "payload": button.payload}
            for button in bubble.buttons
            if len(button.payload) <= _PAYLOAD
        ]
        if replies:
            message["quick_replies"] = replies
        return [{"body": {"recipient": {"id": address["person"]}, "messaging_type": "RESPONSE", "message": message}}]

    async def send(self, call: Call) -> None:
        """See parent."""
        url = f"{settings().meta_api}/me/messages"
        await meta.post_graph("Messenger", url, settings().messenger_token, call["body"], never=_NEVER)


PLATFORM = Messenger()


def _received(event: Any) -> Optional[Received]:
    """One event of a call as a message; None for anything else, so that it does not keep the others from being answered."""
    try:
        person, at = id_of(event["sender"]["id"], "sender"), event["timestamp"]
        late = time.time() - at / 1000 > meta.WINDOW  # an old call; its answer may not be delivered
        if "message_edit" in event:
            said = event["message_edit"]
            text, late = said["text"], True
        elif "postback" in event:
            said = event["postback"]
            text = said.get("payload") or said["title"]
        else:
            said = event["message"]
            if said.get("is_echo") or said.get("is_deleted"):
                return None
            text = (said.get("quick_reply") or {}).get("payload") or said.get("text") or ""
        message_id = id_of(said.get("mid") or f"postback {at}", "mid", meta.LONGEST_ID)
        if "message_edit" in event:
            message_id = id_of(f"edit {said.get('num_edit')} {message_id}", "mid", meta.LONGEST_ID)
        return Received({"person": person}, person, message_id, text + "", aside=late)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
