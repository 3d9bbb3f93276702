"""What the messaging platforms share, and Telegram: genuine calls only, one answer each, in order, never twice."""

import asyncio
import dataclasses
import json
import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_guide.channels import messaging, platform
from infusion_guide.channels.platforms import telegram
from infusion_guide.channels.rendering import bubbles
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox
from infusion_guide.replies.reply import Reply
from infusion_guide.storage.tables import events, opt_outs
from infusion_guide.storage.tables import outbox as outbox_table
from tests.platforms import BUTTONS, rows, running
from tests.test_replies import REPLIES, WHOLE, told

SECRET = "s" * 32


def telegram_settings(api):
    return Settings(telegram_token="42:token", telegram_secret=SECRET, telegram_api=api)


def check(path, body):
    """Bot API: sendMessage and answerCallbackQuery, their lengths (core.telegram.org/bots/api)."""
    method = path.rsplit("/", 1)[1]
    assert method in ("sendMessage", "answerCallbackQuery"), method
    if method == "sendMessage":
        assert set(body) <= {"chat_id", "text", "reply_markup", "link_preview_options"} and 1 <= len(body["text"]) <= 4096
        for row in body.get("reply_markup", {}).get("inline_keyboard", []):
            assert len(row) == 1 and row[0]["text"] and 1 <= len(row[0]["callback_data"].encode()) <= 64


@asynccontextmanager
async def running_telegram(monkeypatch, folder):
    """`running`, with `send(update)` that signs as Telegram does, and `said()`."""
    async with running(telegram.Telegram(), telegram, telegram_settings, monkeypatch, folder, check) as bot:

        async def send(update, secret=SECRET):
            headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret is not None else {}
            status, _ = await bot.call("POST", "/webhook", json.dumps(update), {**headers, "Content-Type": "application/json"})
            return status

        bot.send, bot.said = send, lambda: [body["text"] for path, _, body in bot.platform.got if path.endswith("sendMessage")]
        yield bot
        assert not bot.platform.broken


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running_telegram(monkeypatch, tmp_path) as found:
        yield found


def update(number, text=None, chat=7, kind="private", **more):
    message = {"message_id": number, "chat": {"id": chat, "type": kind}, "from": {"id": chat, "is_bot": False}, **more}
    return {"update_id": number, "message": {**message, **({} if text is None else {"text": text})}}


def pressed(number, payload, chat=7):
    message = {"message_id": 1, "chat": {"id": chat, "type": "private"}}
    return {
        "update_id": number,
        "callback_query": {"id": f"q{number}", "from": {"id": chat}, "message": message, "data": payload},
    }


async def test_a_question_is_answered_with_buttons_one_to_a_row(bot):
    assert await bot.send(update(1, "does it help with cravings?")) == 200
    ((path, _, body),) = bot.platform.got
    assert path == "/bot42:token/sendMessage" and body["chat_id"] == 7 and body["text"].startswith("You said: does it")
    assert body["reply_markup"] == {"inline_keyboard": [[{"text": b["title"], "callback_data": b["payload"]}] for b in BUTTONS]}
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and "does it" not in entry.payload and "chat" not in entry.payload


async def test_a_pressed_button_is_its_payload_and_is_acknowledged(bot):
    await bot.send(update(1, "hello there"))
    await bot.send(pressed(2, "/faq/cravings"))
    assert bot.heard[-1] == "/faq/cravings"
    assert [path.rsplit("/", 1)[1] for path, _, _ in bot.platform.got] == ["sendMessage", "answerCallbackQuery", "sendMessage"]


async def test_the_words_of_a_button_choose_it(bot):
    await bot.send(update(1, "hello there"))
    await bot.send(update(2, "price"))
    assert bot.heard == ["hello there", "/uncovered/cost"]


@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], SECRET + "s", None])
async def test_a_forged_call_changes_nothing(bot, secret):
    assert await bot.send(update(1, "I am you"), secret=secret) == 403
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == []


async def test_a_call_that_comes_again_is_answered_once(bot):
    for _ in range(3):
        assert await bot.send(update(1, "hello there")) == 200
    assert len(bot.said()) == 1 and bot.heard == ["hello there"]


async def test_a_burst_is_answered_in_order_and_each_once(bot):
    assert await asyncio.gather(*(bot.send(update(n, f"message {n}", chat=n % 3)) for n in range(12))) == [200] * 12
    assert sorted(bot.said()) == sorted(f"You said: message {n}" for n in range(12))
    for chat in range(3):
        said = [body["text"] for _, _, body in bot.platform.got if body["chat_id"] == chat]
        assert len(said) == 4


@pytest.mark.parametrize("kind", ["photo", "voice", "sticker", "location", "document"])
async def test_what_has_no_words_is_answered_kindly_and_never_fetched(bot, kind):
    assert await bot.send(update(1, **{kind: {"file_id": "abc"}})) == 200
    assert bot.heard == [""] and len(bot.platform.got) == 1


async def test_a_picture_with_words_is_its_words(bot):
    await bot.send(update(1, photo=[{"file_id": "abc"}], caption="what is this?"))
    assert bot.heard == ["what is this?"]


@pytest.mark.parametrize(
    "odd",
    [
        {"update_id": 1, "edited_message": {"text": "x"}},
        {"update_id": 1, "channel_post": {"text": "x"}},
        {"update_id": 1, "my_chat_member": {}},
        {"update_id": 1, "message_reaction": {}},
        {"update_id": 1, "message": {}},
        {"update_id": 1, "message": {"chat": {"id": "\ud800", "type": "private"}, "text": "hi"}},
        {"update_id": "x", "message": {"chat": {"id": 1, "type": "private"}, "text": "hi"}},
        {"update_id": 1, "message": {"chat": {"id": 1, "type": "private"}, "text": {"a": 1}}},
        [],
        None,
        "x",
        {},
    ],
)
async def test_what_is_no_message_is_taken_and_left(bot, odd):
    assert await bot.send(odd) == 200
    assert bot.heard == [] and bot.platform.got == []


async def test_in_a_group_nothing_about_health_is_said(bot):
    assert await bot.send(update(1, "does it help with cravings?", chat=-5, kind="group")) == 200
    assert bot.platform.got == []
    mention = [{"type": "mention", "offset": 0, "length": 4}]
    assert await bot.send(update(2, "@bot does it help?", chat=-5, kind="supergroup", entities=mention)) == 200
    assert bot.heard == [] and len(bot.said()) == 1 and "private chat" in bot.said()[0]
    await bot.send(update(3, "@bot hello?", chat=-5, kind="supergroup", entities=mention))
    assert len(bot.said()) == 1  # once a minute


async def test_stop_is_honoured_until_start_but_a_crisis_is_answered(bot):
    await bot.send(update(1, "Stop."))
    assert "START" in bot.said()[-1] and len(await rows(bot, opt_outs)) == 1
    await bot.send(update(2, "does it help with cravings?"))
    assert bot.heard == [] and len(bot.said()) == 1
    await bot.send(update(3, "i want to kill myself"))
    assert bot.heard == ["i want to kill myself"] and len(bot.said()) == 2
    await bot.send(update(4, "/start"))
    assert await rows(bot, opt_outs) == []
    await bot.send(update(5, "does it help with cravings?"))
    assert bot.heard[-1] == "does it help with cravings?"


async def test_a_start_that_comes_again_does_not_undo_a_stop(bot):
    await bot.send(update(1, "start"))
    await bot.send(update(2, "stop"))
    await bot.send(update(1, "start"))
    assert len(await rows(bot, opt_outs)) == 1 and bot.heard == ["hello"]


async def test_the_first_start_is_a_greeting(bot):
    await bot.send(update(1, "/start abc"))
    assert bot.heard == ["hello"]


async def test_a_platform_that_fails_gets_it_later_and_in_order(bot, monkeypatch):
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.01)
    bot.platform.answers = [(500, {}, {})]
    await bot.send(update(1, "one"))
    assert bot.said() == []
    await bot.send(update(2, "two"))
    for _ in range(20):
        await outbox.deliver_due(bot.store.database)
        await asyncio.sleep(0.02)
    assert bot.said() == ["You said: one", "You said: two"]


async def test_too_many_requests_waits_as_long_as_the_platform_says(bot):
    bot.platform.answers = [(429, {"ok": False, "parameters": {"retry_after": 30}}, {})]
    await bot.send(update(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert not entry.done and 25 < entry.due - entry.at < 40


async def test_an_answer_that_is_refused_for_good_is_recorded_for_staff(bot):
    bot.platform.answers = [(400, {"ok": False, "description": "chat not found"}, {})]
    await bot.send(update(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and entry.failed == "Telegram answered 400." and "one" not in entry.payload
    await bot.send(update(2, "two"))
    assert bot.said() == ["You said: two"]


async def test_a_turn_that_failed_is_told_at_once_and_a_crisis_is_answered(bot, monkeypatch):
    monkeypatch.setattr("infusion_guide.channels.door.SECONDS", 0.5)
    await bot.send(update(1, "break"))
    assert "988" in bot.said()[0]


async def test_without_its_settings_it_is_off(monkeypatch, tmp_path):
    async with running_telegram(monkeypatch, tmp_path) as bot:
        monkeypatch.setattr(messaging, "settings", lambda: Settings())
        assert await bot.send(update(1, "hello")) == 404 and bot.heard == []


@pytest.mark.parametrize("name, turn", [(name, turn) for name in WHOLE for turn in range(len(REPLIES[name]))])
def test_every_reply_fits_and_shows_no_payload(name, turn):
    for notice in (False, True):
        for bubble in bubbles([Reply.of_message(told(name, turn, notice=notice))], telegram.Telegram.limits):
            (call,) = telegram.Telegram().calls({"chat": 1}, bubble)
            check(f"/bot/{call['method']}", call["body"])
            assert not re.search(r"(^|\s)/[a-z_]+", call["body"]["text"]), call["body"]["text"]
            assert all(button.title[0] != "/" for button in bubble.buttons)


async def test_telegram_is_told_our_address_and_secret(bot, monkeypatch):
    made = dataclasses.replace(telegram.settings(), public_url="https://bot.example.org")
    monkeypatch.setattr(telegram, "settings", lambda: made)
    monkeypatch.setattr(bot.platform, "_check", None)
    assert "https://bot.example.org/webhooks/telegram/webhook" in await telegram.register()
    ((path, _, body),) = bot.platform.got
    assert path.endswith("/setWebhook") and body["secret_token"] == SECRET and "/webhooks/telegram/" in body["url"]


async def test_neither_token_nor_address_is_in_an_error_or_the_log(bot, caplog):
    bot.platform.answers = [(500, {}, {}), (401, {}, {})]
    await bot.send(update(1, "one", chat=987654321))
    await bot.send(update(2, "two", chat=987654321))
    with pytest.raises(outbox.NotDelivered) as raised:
        await telegram.post("Telegram", "http://127.0.0.1:1/bot42:token/sendMessage", {"text": "secret words"})
    for text in (caplog.text, str(raised.value)):
        assert "42:token" not in text and "987654321" not in text and "secret words" not in text


def test_an_empty_secret_is_never_the_same():
    assert not platform.same("", "") and not platform.same(None, "") and platform.same("a", "a")


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    update_=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["update_id", "message", "chat", "id", "type", "text", "from", "callback_query", "data", "entities"]
                ),
                x,
            )
        ),
    )
)
def test_no_shape_of_a_genuine_call_raises(update_):
    request = SimpleNamespace(json=update_)
    assert isinstance(messaging.MessagingChannel(telegram.Telegram())._by_person(request), list)
