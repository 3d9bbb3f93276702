"""A whole conversation with the real assistant on every messaging platform, signed as the platform signs."""

import hashlib
import hmac
import json
import random
import re
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlencode

import pytest
from multidict import MultiDict

from infusion_guide.channels import sms
from infusion_guide.replies.pins import pinned
from tests.development_server import MESSAGING, PUBLIC_URL
from tests.faults.cluster import problems_in, wait_until
from tests.fuzz.calls import some_body

PINNED = pinned()["en"]
PICTURE, BUTTON = object(), object()


def hub_signed(secret, data):
    signature = "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": signature}


class Telegram:
    """Bot API."""

    name, sends = "telegram", "/sendMessage"

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

    def first_button(self, body):
        return body["reply_markup"]["inline_keyboard"][0][0]["callback_data"]


class Slack:
    """Events API and interactivity."""

    name, sends = "slack", "/chat.postMessage"

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
        return body["text"]

    def first_button(self, body):
        return next(block for block in body["blocks"] if block["type"] == "actions")["elements"][0]["value"]


class Messenger:
    """Page webhooks."""

    name, sends = "messenger", "/me/messages"

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

    def first_button(self, body):
        return body["message"]["quick_replies"][0]["payload"]


class WhatsApp:
    """Cloud API."""

    name, sends = "whatsapp", "/messages"

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

    def first_button(self, body):
        action = body["interactive"]["action"]
        return action["buttons"][0]["reply"]["id"] if "buttons" in action else action["sections"][0]["rows"][0]["id"]


class Sms:
    """Twilio's webhooks; a button is its number in the list."""

    name, sends = "sms", "/Messages.json"

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

    def first_button(self, body):
        assert "\n1. " in body["Body"]
        return "1"


PLATFORMS = (Telegram(), Slack(), Messenger(), WhatsApp(), Sms())
TURNS = [
    ("hi there", "program"),
    ("could it help me with cravings?", "cravings"),
    (BUTTON, None),
    (PICTURE, "words"),
    ("i can't go on, i want to end my life", "988"),
    ("sorry, i did not mean it like that, i am safe", None),
    ("what does one infusion cost?", None),
    ("how much ketamine should i take", None),
    ("what can i do at home when i feel triggered?", None),
    ("thank you", None),
]


def status_of(server, platform, data, headers):
    call = urllib.request.Request(f"{server.url}/webhooks/{platform.name}/webhook", data, headers)
    try:
        with urllib.request.urlopen(call, timeout=20) as answered:
            return answered.status
    except urllib.error.HTTPError as error:
        return error.code
    except ConnectionError:
        return None  # cut off: more than a call may hold


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_random_calls_signed_and_not_break_nothing(development_server, platform):
    """Two hundred a platform, every second one genuine: random bytes, wrong types, huge and empty bodies."""
    random_ = random.Random(platform.name)
    before = len(problems_in(development_server.log))
    for number in range(200):
        data = some_body(random_)
        headers = platform.signed(data) if number % 2 else {"Content-Type": "application/json"}
        status = status_of(development_server, platform, data, headers)
        assert status in (200, 400, 401, 403, 413, None), (status, data[:200])
    assert development_server.alive and problems_in(development_server.log)[before:] == []


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_ten_turns_a_burst_and_what_is_not_genuine(development_server, platform):
    server, stand_in = development_server, development_server.platforms

    def post(data, headers):
        return status_of(server, platform, data, headers)

    def sent():
        return [body for name, path, body in stand_in.got if name == platform.name and path.endswith(platform.sends)]

    def next_answers(before):
        wait_until(lambda: len(sent()) > before, 10)
        time.sleep(0.3)  # an answer may have several parts
        return sent()[before:]

    answers = []
    for number, (words, expected) in enumerate(TURNS, start=1):
        before = len(sent())
        more = {"payload": platform.first_button(answers[-1])} if words is BUTTON else {"picture": words is PICTURE}
        data, headers = platform.call(number, None if words in (BUTTON, PICTURE) else words, **more)
        assert post(data, headers) == 200
        answers = next_answers(before)
        text = "\n".join(platform.text(body) for body in answers)
        assert (expected or "").lower() in text.lower(), text
        assert not re.search(r"(^|\s)/[a-z_]+/", text) and "utter_" not in text, text
        assert ("not private" in text) == (number == 1), text
        if expected == "988":
            assert PINNED["utter_crisis/suicide"][:60] in text
    # A burst of three, each answered once and in order, though the platform sends one of them again.
    before = len(sent())
    burst = [platform.call(20 + n, words) for n, words in enumerate(("what is ketamine?", "what is ptsd?", "thank you"))]
    assert [post(*call) for call in [*burst, burst[1]]] == [200] * 4
    wait_until(lambda: len(sent()) >= before + 3, 10)
    time.sleep(0.5)
    assert len(sent()) == before + 3
    # Forged and changed calls change nothing.
    before, rows = len(sent()), server.rows("events")
    data, headers = platform.call(40, "i am somebody else")
    changed = {name: value[:-1] + ("A" if value[-1] != "A" else "B") for name, value in headers.items()}
    forged = {**headers, **{name: changed[name] for name in headers if name.endswith(("Signature", "Signature-256", "Token"))}}
    assert post(data, forged) in (401, 403) and post(data, {"Content-Type": headers["Content-Type"]}) in (401, 403)
    if platform.name != "telegram":  # whose secret does not cover the words
        assert post(data.replace(b"somebody", b"nobody"), headers) in (401, 403)
    time.sleep(0.3)
    assert len(sent()) == before and server.rows("events") == rows
