"""How each messaging platform calls us, signed as it signs, and how its users see what we send.

`address`: where an answer to `call` goes; `good`: what the platform says to the doctor when it takes our settings.
"""

import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl, urlencode

from multidict import MultiDict

from infusion_guide.channels.platforms import sms
from tests.development_server import MESSAGING, PUBLIC_URL


def hub_signed(secret, data):
    signature = "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": signature}


class Telegram:
    """Bot API."""

    name, sends = "telegram", "/sendMessage"
    address, good = {"chat": 7}, {"ok": True}

    def call(self, number, words, payload=None, picture=False):
        chat = {"id": 7, "type": "private"}
        if payload:
            query = {"id": f"q{number}", "from": {"id": 7}, "message": {"chat": chat}, "data": payload}
            update = {"update_id": number, "callback_query": query}
        else:
            said = {"photo": [{"file_id": "x"}]} if picture else {"text": words}
            update = {"update_id": number, "message": {"chat": chat, "from": {"id": 7}, **said}}
        data = json.dumps(update).encode()
        return data, self.signed(data)

    def signed(self, data):
        return {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": MESSAGING["telegram_secret"]}

    def text(self, body):
        return body["text"]

    def titles(self, body):
        return [button["text"] for row in body.get("reply_markup", {}).get("inline_keyboard", []) for button in row]

    def first_button(self, body):
        return body["reply_markup"]["inline_keyboard"][0][0]["callback_data"]


class Slack:
    """Events API and interactivity."""

    name, sends = "slack", "/chat.postMessage"
    address, good = {"channel": "D7", "thread": None}, {"ok": True}

    def call(self, number, words, payload=None, picture=False):
        if payload:
            action = {"type": "button", "action_id": "a", "value": payload, "action_ts": f"{number}.1"}
            pressed = {
                "type": "block_actions",
                "user": {"id": "U7"},
                "channel": {"id": "D7"},
                "container": {"channel_id": "D7", "message_ts": "1.1"},
                "message": {"ts": "1.1"},
                "trigger_id": f"t{number}",
                "actions": [action],
            }
            data, kind = urlencode({"payload": json.dumps(pressed)}).encode(), "application/x-www-form-urlencoded"
        else:
            event = {"type": "message", "channel_type": "im", "channel": "D7", "user": "U7", "ts": f"{number}.1"}
            event.update({"subtype": "file_share", "files": [{"id": "F"}], "text": ""} if picture else {"text": words})
            body = {"type": "event_callback", "event_id": f"Ev{number}", "team_id": "T1", "event": event}
            data, kind = json.dumps(body).encode(), "application/json"
        return data, {**self.signed(data), "Content-Type": kind}

    def signed(self, data):
        stamp = str(int(time.time()))
        base = b"v0:" + stamp.encode() + b":" + data
        signature = "v0=" + hmac.new(MESSAGING["slack_signing_secret"].encode(), base, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}

    def text(self, body):
        words = "".join(block["text"]["text"] for block in body["blocks"] if block["type"] == "section")
        return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def titles(self, body):
        return [each["text"]["text"] for block in body["blocks"] for each in block.get("elements", [])]

    def first_button(self, body):
        return next(block for block in body["blocks"] if block["type"] == "actions")["elements"][0]["value"]


class Messenger:
    """Page webhooks."""

    name, sends = "messenger", "/me/messages"
    address, good = {"person": "7"}, {"id": "1"}

    def call(self, number, words, payload=None, picture=False):
        message = {"mid": f"m{number}", "text": words or ""}
        if picture:
            message = {"mid": f"m{number}", "attachments": [{"type": "image", "payload": {"url": "https://x.example/i"}}]}
        if payload:
            message = {"mid": f"m{number}", "text": "pressed", "quick_reply": {"payload": payload}}
        talk = {"sender": {"id": "7"}, "recipient": {"id": "1"}, "timestamp": int(time.time() * 1000), "message": message}
        body = {"object": "page", "entry": [{"id": "1", "time": number, "messaging": [talk]}]}
        data = json.dumps(body).encode()
        return data, self.signed(data)

    def signed(self, data):
        return hub_signed(MESSAGING["messenger_app_secret"], data)

    def text(self, body):
        return body["message"]["text"]

    def titles(self, body):
        return [reply["title"] for reply in body["message"].get("quick_replies", [])]

    def first_button(self, body):
        return body["message"]["quick_replies"][0]["payload"]


class WhatsApp:
    """Cloud API."""

    name, sends = "whatsapp", "/messages"
    address, good = {"to": "15555550100"}, {"id": "10077"}

    def call(self, number, words, payload=None, picture=False):
        message = {"from": "15555550100", "id": f"wamid.{number}", "timestamp": str(int(time.time()))}
        if picture:
            message.update(type="image", image={"id": "x", "mime_type": "image/jpeg"})
        elif payload:
            pressed = {"type": "button_reply", "button_reply": {"id": payload, "title": "pressed"}}
            message.update(type="interactive", interactive=pressed)
        else:
            message.update(type="text", text={"body": words})
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"phone_number_id": MESSAGING["whatsapp_number_id"]},
            "contacts": [{"wa_id": "15555550100", "profile": {"name": "A"}}],
            "messages": [message],
        }
        body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
        data = json.dumps(body).encode()
        return data, self.signed(data)

    def signed(self, data):
        return hub_signed(MESSAGING["whatsapp_app_secret"], data)

    def text(self, body):
        return body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"]

    def titles(self, body):
        action = body.get("interactive", {}).get("action", {})
        replies = [button["reply"]["title"] for button in action.get("buttons", [])]
        rows = [row for section in action.get("sections", []) for row in section["rows"]]
        return replies + [f"{row['title']} {row.get('description', '')}".strip() for row in rows]

    def first_button(self, body):
        action = body["interactive"]["action"]
        return action["buttons"][0]["reply"]["id"] if "buttons" in action else action["sections"][0]["rows"][0]["id"]


class Sms:
    """Twilio's webhooks; a button is its number in the list."""

    name, sends = "sms", "/Messages.json"
    address, good = "+15555550100", {"status": "active"}

    def call(self, number, words, payload=None, picture=False):
        form = {
            "MessageSid": f"SM{number:032d}",
            "AccountSid": MESSAGING["twilio_account"],
            "From": "+15555550100",
            "To": MESSAGING["twilio_sender"],
            "Body": "" if picture else (payload or words),
            "NumMedia": "1" if picture else "0",
        }
        if picture:
            form.update(MediaUrl0="https://x.example/i", MediaContentType0="image/jpeg")
        data = urlencode(form).encode()
        return data, self.signed(data)

    def signed(self, data):
        form = MultiDict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
        signature = sms.signature(MESSAGING["twilio_token"], f"{PUBLIC_URL}/webhooks/sms/webhook", form)
        return {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}

    def text(self, body):
        return body["Body"]

    def titles(self, body):
        return []

    def first_button(self, body):
        assert "\n1. " in body["Body"]
        return "1"


CALLERS = {caller.name: caller for caller in (Telegram(), Slack(), Messenger(), WhatsApp(), Sms())}


def forge(headers):
    """`headers` with a changed signature."""
    changed = {name: value[:-1] + ("A" if value[-1] != "A" else "B") for name, value in headers.items()}
    return {**headers, **{name: changed[name] for name in headers if name.endswith(("Signature", "Signature-256", "Token"))}}
