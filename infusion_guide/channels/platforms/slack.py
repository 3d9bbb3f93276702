"""Slack (docs.slack.dev): direct messages; in channels only a hint to write in private."""

import hashlib
import hmac
import json
import re
from time import time
from typing import Any, Dict, List
from urllib.parse import parse_qs

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.message import Refused, id_of
from infusion_guide.channels.platform import Call, Platform, Question, Received, bearer, same
from infusion_guide.channels.platform_api import post
from infusion_guide.channels.rendering import Bubble, Limits
from infusion_guide.clinic import settings as table
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.delivery.outbox import NotDelivered

_OLDEST = 300  # seconds between the time of a call and ours
_PAYLOAD = 2000  # characters of a button's value
_SECTION = 3000  # characters of a section's text
_FALLBACK = 4000  # characters of the text for notifications and screen readers
_LONGEST_ESCAPE = len("&amp;")
# Messages that a person wrote; every other subtype is an edit, a deletion, a bot or a notice of Slack.
_WRITTEN = (None, "file_share", "me_message", "thread_broadcast")
# Errors that pass by themselves, or that a person mends (a token, a permission, the app's settings); others never do.
_LATER = re.compile(
    "rate_?limited|internal_error|fatal_error|service_unavailable|request_timeout|invalid_auth|not_authed|token_expired|"
    "token_revoked|account_inactive|missing_scope|not_allowed_token_type|access_denied|org_login_required|messages_tab_disabled"
)
_NAME = re.compile(r"[a-z_]{1,60}")
_REFERENCE = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


class Slack(Platform):
    """Block Kit: the text, and below it the buttons. An answer goes into the thread in which the patient wrote."""

    name, title = "slack", "Slack"
    needs = table.Slack
    limits = Limits(text=_SECTION, buttons=25, title=75)

    def question(self, chosen: Settings) -> Question:
        """See parent."""
        url, headers = f"{chosen.slack_api}/auth.test", bearer(chosen.slack_token)
        return Question("SLACK_TOKEN", url, lambda found: found.get("ok") is True, headers)

    def verify(self, request: Request) -> None:
        """Slack signs the body and the time; a call older than five minutes, or from the future, is none."""
        secret, at = settings().slack_signing_secret, request.headers.get("x-slack-request-timestamp") or ""
        signed = hmac.new(secret.encode(), f"v0:{at}:".encode("utf-8", "replace") + request.body, hashlib.sha256).hexdigest()
        fresh = re.fullmatch("[0-9]{1,12}", at) is not None and abs(time() - int(at)) <= _OLDEST
        if not secret or not fresh or not same(request.headers.get("x-slack-signature"), f"v0={signed}"):
            raise Refused(403, "This call is not Slack's.")

    def read(self, request: Request) -> List[Received]:
        """Direct messages, mentions in channels, pressed buttons; deletions and bots are no messages to us, edits aside."""
        call = _call(request)
        if call["type"] == "block_actions":
            return _pressed(call)
        if call["type"] != "event_callback":
            return []
        event = call["event"]
        if event["type"] == "app_mention":
            private = False
        elif event["type"] == "message" and event.get("channel_type") == "im":
            private = True
        else:
            return []
        if event.get("subtype") == "message_changed":
            return _edited(event, call["event_id"], private)
        ours = {each.get("user_id") for each in call.get("authorizations") or []}
        if event.get("subtype") not in _WRITTEN or event.get("bot_id") or event.get("edited") or event.get("user") in ours:
            return []
        return [_inbound(event["channel"], event["user"], event.get("thread_ts"), call["event_id"], event.get("text"), private)]

    def acknowledgement(self, request: Request) -> HTTPResponse:
        """Slack's question when the webhook is set up gets its answer; else nothing, it could be shown to the patient."""
        try:
            call = _call(request)
            asked = call["challenge"] if call["type"] == "url_verification" else ""
        except Exception:  # whatever its shape, the call was taken
            asked = ""
        return response.text(asked if isinstance(asked, str) and asked.isascii() else "")

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """See parent."""
        # What is escaped takes more room; where it does not fit, the text goes on in further sections.
        step = _SECTION if len(_escaped(bubble.text)) <= _SECTION else _SECTION // _LONGEST_ESCAPE
        parts = [bubble.text[at : at + step] for at in range(0, len(bubble.text), step)]
        blocks: List[Dict[str, Any]] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": _escaped(part)}} for part in parts if part.strip()
        ]
        buttons = [
            {
                "type": "button",
                "action_id": f"choice {number}",
                "text": {"type": "plain_text", "text": button.title, "emoji": False},
                "value": button.payload,
            }
            for number, button in enumerate(bubble.buttons)
            if len(button.payload) <= _PAYLOAD
        ]
        if buttons:
            blocks.append({"type": "actions", "elements": buttons})
        body = {"channel": address["channel"], "text": _escaped(bubble.text)[:_FALLBACK], "blocks": blocks}
        body.update(unfurl_links=False, unfurl_media=False)
        if address["thread"]:
            body["thread_ts"] = address["thread"]
        return [{"body": body}]

    async def send(self, call: Call) -> None:
        """See parent. Slack says what is wrong in an answer of status 200."""
        url, headers = f"{settings().slack_api}/chat.postMessage", bearer(settings().slack_token)
        found = await post("Slack", url, call["body"], headers=headers)
        if found.get("ok") is True:
            return
        error = found.get("error")
        if not isinstance(error, str) or not _NAME.fullmatch(error):
            raise NotDelivered("Slack answered something unknown.")
        raise NotDelivered(f"Slack answered {error}.", final=not _LATER.fullmatch(error))


PLATFORM = Slack()


def _call(request: Request) -> Any:
    """What Slack says: an event is JSON, a pressed button is JSON in a form."""
    if request.body.startswith(b"payload="):
        return json.loads(parse_qs(request.body.decode())["payload"][0])
    return request.json


def _edited(event: Dict[str, Any], event_id: Any, private: bool) -> List[Received]:
    """A message whose words a person changed; a link that Slack unfolded is an edit, too, of the same words."""
    said, before = event["message"], event.get("previous_message") or {}
    if said.get("bot_id") or said.get("subtype") not in _WRITTEN or said.get("text") == before.get("text"):
        return []
    return [_inbound(event["channel"], said["user"], said.get("thread_ts"), event_id, said.get("text"), private, aside=True)]


def _pressed(call: Dict[str, Any]) -> List[Received]:
    """The button of one of our messages."""
    chosen, channel = call["actions"][0], call["channel"]["id"]
    if chosen["type"] != "button":
        return []
    thread = (call.get("message") or {}).get("thread_ts")
    return [_inbound(channel, call["user"]["id"], thread, call["trigger_id"], chosen["value"], channel.startswith("D"))]


def _inbound(channel: Any, user: Any, thread: Any, message_id: Any, text: Any, private: bool, aside: bool = False) -> Received:
    address = {"channel": id_of(channel, "channel"), "thread": id_of(thread, "thread_ts") if thread else None}
    return Received(address, f"{channel} {id_of(user, 'user')}", id_of(message_id, "id"), _words(text or ""), private, aside)


def _words(text: str) -> str:
    """What the patient wrote: Slack escapes three characters and marks links, mentions and channels with <>."""
    text = _REFERENCE.sub(lambda found: found[2] or ("" if found[1][:1] in "@#!" else found[1]), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
