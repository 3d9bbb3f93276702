"""WhatsApp (developers.facebook.com/docs/whatsapp/cloud-api): Meta's Cloud API, one person at a time."""

import json
import textwrap
import time
from typing import Any, Dict, List, Optional, Sequence

from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels import meta
from infusion_guide.channels.message import id_of
from infusion_guide.channels.platform import Call, Platform, Question, Received, Report, bearer
from infusion_guide.channels.rendering import Bubble, Limits, cut
from infusion_guide.clinic import settings as table
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.replies.book import line
from infusion_guide.replies.reply import Button

_BODY = 1024  # characters of a text that has buttons
_ID = 200  # of a button's payload
_BUTTONS, _BUTTON = 3, 20  # reply buttons below a text, and characters of one
_ROWS, _ROW, _MORE = 10, 24, 72  # of a list: its rows, characters of one, and of the smaller line below it
_WORDLESS = frozenset({"image", "audio", "video", "document", "sticker", "location", "contacts", "order", "unsupported"})
# What passes: too many calls (of the number, to this person, of the account), Meta's own trouble, an unpaid bill.
_LATER = frozenset({80007, 130429, 131000, 131016, 131042, 131056, 133004})
_NEVER = frozenset({131026, 131047, 131051})  # cannot be delivered; outside of the window; a kind that is not supported


class WhatsApp(Platform):
    """Up to three short choices are buttons below the text; more, or longer ones, a list that a button opens."""

    name, title = "whatsapp", "WhatsApp"
    needs = table.WhatsApp
    limits = Limits(text=4096, buttons=_ROWS, title=_MORE)

    def question(self, chosen: Settings) -> Question:
        """See parent."""
        url, headers = f"{chosen.meta_api}/{chosen.whatsapp_number_id}", bearer(chosen.whatsapp_token)
        return Question("WHATSAPP_TOKEN or WHATSAPP_NUMBER_ID", url, lambda found: "id" in found, headers)

    def verify(self, request: Request) -> None:
        """See parent."""
        meta.verify_signature(request, settings().whatsapp_app_secret)

    def handshake(self, request: Request) -> Optional[HTTPResponse]:
        """See parent."""
        return meta.handshake(request, settings().whatsapp_verify_token)

    def read(self, request: Request) -> List[Received]:
        """All messages to our number; reports on our own messages and calls for other numbers are none."""
        messages = [message for value in _ours(request) for message in value.get("messages") or []]
        return [found for found in map(_received, messages) if found]

    def reports(self, request: Request) -> List[Report]:
        """`statuses` that say "failed"."""
        statuses = [status for value in _ours(request) for status in value.get("statuses") or []]
        return [
            Report(id_of(s["recipient_id"], "to"), id_of(s["id"], "id", meta.LONGEST_ID), f"error {int(s['errors'][0]['code'])}")
            for s in statuses
            if s["status"] == "failed"
        ]

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """See parent."""
        buttons = [button for button in bubble.buttons if len(button.payload) <= _ID]
        if not buttons:
            return [_call(address, text={"body": bubble.text, "preview_url": False})]
        *before, last = cut(bubble.text, _BODY)
        calls = [_call(address, text={"body": part, "preview_url": False}) for part in before]
        return [*calls, _call(address, interactive={"body": {"text": last}, **_choices(buttons, bubble.language)})]

    async def send(self, call: Call) -> None:
        """See parent."""
        url = f"{settings().meta_api}/{settings().whatsapp_number_id}/messages"
        await meta.post_graph("WhatsApp", url, settings().whatsapp_token, call["body"], later=_LATER, never=_NEVER)


PLATFORM = WhatsApp()


def _ours(request: Request) -> List[Dict[str, Any]]:
    """What a call says of our number."""
    if request.json["object"] != "whatsapp_business_account":
        return []
    changes = [change for entry in request.json["entry"] for change in entry["changes"] if change["field"] == "messages"]
    return [c["value"] for c in changes if c["value"]["metadata"]["phone_number_id"] == settings().whatsapp_number_id]


def _call(address: Dict[str, str], **content: Any) -> Call:
    (kind,) = content
    body = {"messaging_product": "whatsapp", "recipient_type": "individual", **address, "type": kind, **content}
    return {"body": body}


def _choices(buttons: Sequence[Button], language: str) -> Dict[str, Any]:
    """Reply buttons where they fit, else a list; what is too long for a row goes on in the line below it."""
    if len(buttons) <= _BUTTONS and all(len(button.title) <= _BUTTON for button in buttons):
        replies = [{"type": "reply", "reply": {"id": button.payload, "title": button.title}} for button in buttons]
        return {"type": "button", "action": {"buttons": replies}}
    rows = []
    for button in buttons:
        title = textwrap.wrap(button.title, _ROW)[0]
        more = button.title[len(title) :].strip()
        rows.append({"id": button.payload, "title": title, **({"description": more} if more else {})})
    choose = line("utter_choose_from_list", language=language or "en")
    return {"type": "list", "action": {"button": choose, "sections": [{"title": choose, "rows": rows}]}}


def _received(message: Any) -> Optional[Received]:
    """One message of a call; None for anything else, so that it does not keep the others from being answered."""
    try:
        # In a group we are silent, an answer to an old message may not be delivered, a form or an edit is not ours to answer.
        late = time.time() - int(message["timestamp"]) > meta.WINDOW
        aside = late or "group_id" in message or message["type"] == "edit" or _is_form(message)
        text = _text(message)
        if text is None:
            return None
        # Who has a username shows no number, only an id that Meta made for this business; others have both.
        phone, user = message.get("from"), message.get("from_user_id")
        person = id_of(user or phone, "from")
        address = {"to": id_of(phone, "from")} if phone else {"recipient": person}
        return Received(address, person, id_of(message["id"], "id", meta.LONGEST_ID), text + "", aside=aside)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None


def _is_form(message: Dict[str, Any]) -> bool:
    return message["type"] == "interactive" and message["interactive"].get("type") == "nfm_reply"


def _text(message: Dict[str, Any]) -> Optional[str]:
    """The words or the payload, "" for what has none; None for what is no message (a reaction, a changed number)."""
    kind = message["type"]
    content = message.get(kind)
    if kind == "text":
        return content["body"]  # type: ignore[index]
    if kind == "button":  # of a template that the clinic sent: its payload is not one of ours
        return content["text"]  # type: ignore[index]
    if kind == "edit":
        return content["message"]["text"]["body"]  # type: ignore[index]
    if _is_form(message):  # a Flow that the clinic sent: what was filled in
        form = content["nfm_reply"]  # type: ignore[index]
        given = json.loads(form["response_json"])
        return " ".join([form.get("body") or "", *(each for each in given.values() if isinstance(each, str))])
    if kind == "interactive":
        return content[content["type"]]["id"]  # type: ignore[index]
    if kind not in _WORDLESS:
        return None
    return (content.get("caption") or "") if isinstance(content, dict) else ""
