"""Findings 2, 6, 7, 8, 10: silence after STOP, in groups, on late and edited messages; nginx limited providers; nobody was told.

Without a model here: sentences of the patterns. test_every_path.py asks the trained guard.
"""

import asyncio
import json
import re
import time
from urllib.parse import urlsplit

import pytest
from sanic import Sanic

from infusion_guide.channels.platforms import messenger, slack, telegram, whatsapp
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.delivery import notices, outbox
from infusion_guide.storage.tables import outbox as table
from tests.platforms import rows
from tests.test_messaging import running_telegram, update

CRISIS = "i want to kill myself"
MENTION = [{"type": "mention", "offset": 0, "length": 4}]


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    monkeypatch.setattr(outbox, "settings", lambda: Settings(notice_webhook="https://staff.example"))
    async with running_telegram(monkeypatch, tmp_path) as found:
        yield found


async def notices_come(bot, expected):
    """Whether so many are stored, soon: nobody waits for them."""
    for _ in range(100):
        found = [row for row in await rows(bot, table) if row.kind == "notice"]
        if len(found) >= expected:
            break
        await asyncio.sleep(0.02)
    return len(found) == expected


async def test_finding_2_after_stop_the_guard_is_asked(bot, monkeypatch):
    await bot.send(update(1, "stop"))
    await bot.send(update(2, "does it help with cravings?"))
    assert bot.heard == []
    await bot.send(update(3, CRISIS))
    assert bot.heard == [CRISIS]


async def test_finding_10_in_a_group_danger_is_answered_whoever_was_addressed(bot):
    await bot.send(update(1, CRISIS, chat=-5, kind="group"))
    assert len(bot.said()) == 1 and "988" in bot.said()[0]
    await bot.send(update(2, "@bot hello", chat=-6, kind="group", entities=MENTION))
    await bot.send(update(3, f"@bot {CRISIS}", chat=-6, kind="group", entities=MENTION))
    assert len(bot.said()) == 3, "a second mention within the minute"
    await bot.send(update(4, "see you on friday", chat=-5, kind="group"))
    assert len(bot.said()) == 3 and bot.heard == []
    assert await notices_come(bot, 2)  # of two conversations


async def test_finding_10_an_edit_into_a_crisis_is_answered_another_is_left(bot):
    edited = update(1, CRISIS)
    assert await bot.send({"update_id": 2, "edited_message": edited["message"]}) == 200
    assert bot.heard == [CRISIS] and len(bot.said()) == 1
    await bot.send({"update_id": 3, "edited_message": update(1, "hello there")["message"]})
    assert bot.heard == [CRISIS]


async def test_finding_8_while_the_assistant_starts_danger_is_answered_and_others_come_again(bot, monkeypatch):
    (app,) = (app for app in Sanic._app_registry.values() if app.name == f"telegram_{urlsplit(bot.url).port}")
    app.ctx.ready = False
    assert await bot.send(update(1, "hello")) == 503 and bot.said() == []
    assert await bot.send(update(2, CRISIS)) == 200
    assert "988" in bot.said()[0] and bot.heard == [] and await notices_come(bot, 1)
    app.ctx.ready = True
    assert await bot.send(update(1, "hello")) == 200 and bot.heard == ["hello"]


async def test_finding_8_a_text_longer_than_is_read(bot):
    await bot.send(update(1, f"{'well ' * 2100}. {CRISIS}. {'well ' * 10}"))
    assert "988" in bot.said()[0]


async def test_finding_6_staff_hear_once_an_hour_and_past_the_database_when_it_is_away(bot, monkeypatch):
    got = []

    async def take(entry):
        got.append((entry["key"], entry.payload))

    monkeypatch.setitem(outbox.HANDLERS, outbox.WEBHOOK, take)

    async def away(work):
        raise RuntimeError("no database")

    monkeypatch.setattr(bot.store.database, "run", away)
    for number in range(3):
        await bot.send(update(number, CRISIS, chat=-5, kind="group"))
    end = time.monotonic() + 5
    while not got and time.monotonic() < end:
        await asyncio.sleep(0.01)
    ((_, payload),) = got
    assert payload["kind"] == "crisis" and payload["stored"] is False and CRISIS not in json.dumps(payload)


def test_a_notice_of_what_no_conversation_holds_says_so(monkeypatch):
    chosen = Settings(notice_webhook="https://staff.example", notice_email="a@clinic.example", smtp_host="mail.clinic.example")
    for each in (outbox, notices):
        monkeypatch.setattr(each, "settings", lambda: chosen)
    _, mail = outbox.unstored_crisis_notice(None, "192.0.2.1")
    assert "192.0.2.1" not in mail.key and notices.link(mail.payload).endswith("/staff")
    entry = outbox.Entry(kind="mail", key=mail.key, payload=outbox.seal(mail.payload), at=time.time())
    words = notices.message(entry).get_content()
    assert "not kept" in words and "called nobody" in words.replace("\n", " ")


class Call:
    def __init__(self, body):
        self.json, self.body, self.query_string = body, json.dumps(body).encode(), ""


def test_finding_10_late_messages_forms_and_edits_are_read_aside(monkeypatch):
    monkeypatch.setattr(whatsapp, "settings", lambda: Settings(**WHATSAPP))
    late = str(int(time.time()) - 90_000)
    for more, words in (
        ({"timestamp": late, "type": "text", "text": {"body": CRISIS}}, CRISIS),
        ({"timestamp": str(int(time.time())), "type": "interactive", "interactive": FLOW}, f"Sent {CRISIS}"),
        ({"timestamp": str(int(time.time())), "type": "text", "text": {"body": CRISIS}, "group_id": "g"}, CRISIS),
    ):
        message = {"from": "15555550100", "id": "wamid.1", **more}
        value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
        body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
        (found,) = whatsapp.WhatsApp().read(Call(body))
        assert found.aside and found.text == words
    event = {
        "sender": {"id": "7"},
        "timestamp": int(time.time() * 1000),
        "message_edit": {"mid": "m", "text": CRISIS, "num_edit": 1},
    }
    (found,) = messenger.Messenger().read(Call({"object": "page", "entry": [{"messaging": [event]}]}))
    assert found.aside and found.text == CRISIS
    changed = {"type": "message", "subtype": "message_changed", "channel": "D7", "channel_type": "im"}
    changed |= {"message": {"user": "U7", "text": CRISIS}, "previous_message": {"text": "hello"}}
    call = {"type": "event_callback", "event_id": "Ev1", "event": changed}
    (found,) = slack.Slack().read(Call(call))
    assert found.aside and found.text == CRISIS
    changed["previous_message"]["text"] = CRISIS  # a link that was unfolded
    assert slack.Slack().read(Call(call)) == []
    assert "edited_message" in telegram._UPDATES


WHATSAPP = {"whatsapp_token": "t", "whatsapp_number_id": "1", "whatsapp_app_secret": "s", "whatsapp_verify_token": "v"}
FLOW = {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": json.dumps({"a": CRISIS, "flow": 1})}}


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/webhooks/telegram/webhook", False),
        ("/webhooks/sms/webhook", False),
        ("/webhooks/pigeons/webhook", False),
        ("/webhooks/rest/webhook", True),
        ("/webhooks/web/erase", True),
        ("/webhooks/rest/conversation", True),
        ("/socket.io/", True),
        ("/staff", True),
    ],
)
def test_finding_7_nginx_counts_no_provider(path, counted):
    template = (ROOT / "deploy" / "nginx" / "nginx.conf.template").read_text(encoding="utf-8")
    uncounted = re.search(r'map \$uri \$counted_address \{\s*"~([^"]+)" "";\s*default \$binary_remote_addr;', template)[1]
    assert bool(re.search(uncounted, path)) is not counted
    assert template.count("$counted_address zone=") == 2 and "limit_req_zone $binary" not in template
