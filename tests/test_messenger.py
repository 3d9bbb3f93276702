"""Messenger: signed calls only, every message of a call answered once, within Meta's limits and its window of a day."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_guide.channels import messaging, meta
from infusion_guide.channels.platforms import messenger
from infusion_guide.channels.rendering import Bubble, bubbles
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox
from infusion_guide.delivery.outbox import NotDelivered
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.storage.tables import events, opt_outs
from infusion_guide.storage.tables import outbox as outbox_table
from tests.every_reply import assert_whole, every_reply
from tests.platforms import BUTTONS, rows, running

SECRET, VERIFY = "a" * 32, "a word of our own"
JSON = {"Content-Type": "application/json"}


def messenger_settings(api):
    names = {"messenger_token": "EAAG-secret", "messenger_app_secret": SECRET, "messenger_verify_token": VERIFY}
    return Settings(**names, meta_api=f"{api}/v23.0")


def check(path, body):
    """Send API: its fields and lengths (developers.facebook.com/docs/messenger-platform/send-messages)."""
    assert path == "/v23.0/me/messages"
    assert set(body) == {"recipient", "messaging_type", "message"} and body["messaging_type"] == "RESPONSE"
    assert set(body["recipient"]) == {"id"} and isinstance(body["recipient"]["id"], str)
    message = body["message"]
    assert set(message) <= {"text", "quick_replies"} and message["text"].strip() and len(message["text"]) <= 2000
    if "quick_replies" in message:
        assert 1 <= len(message["quick_replies"]) <= 13
    for reply in message.get("quick_replies", []):
        assert set(reply) == {"content_type", "title", "payload"} and reply["content_type"] == "text"
        assert 1 <= len(reply["title"]) <= 20 and 1 <= len(reply["payload"]) <= 1000


def signed(body, secret=SECRET):
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()}"}


@asynccontextmanager
async def running_messenger(monkeypatch, folder):
    """`running`, with `send(*events)` of one entry or `post(call)`, signed as Meta does, and `said()`."""
    async with running(messenger.Messenger(), messenger, messenger_settings, monkeypatch, folder, check) as bot:

        async def post(call, headers=None):
            body = json.dumps(call)
            status, bot.heard_back = await bot.call("POST", "/webhook", body, {**(headers or signed(body)), **JSON})
            return status

        async def send(*found, **how):
            return await post(page(*found), **how)

        bot.post, bot.send = post, send
        bot.said = lambda: [body["message"]["text"] for _, _, body in bot.platform.got]
        yield bot
        assert not bot.platform.broken


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running_messenger(monkeypatch, tmp_path) as found:
        yield found


def page(*found):
    return {"object": "page", "entry": [{"id": "P1", "time": 1, "messaging": list(found)}]}


def about(person="7", age=0.0, **what):
    """An event of `person`, `age` seconds old."""
    return {"sender": {"id": person}, "recipient": {"id": "P1"}, "timestamp": int((time.time() - age) * 1000), **what}


def message(number, text=None, person="7", age=0.0, **more):
    return about(person, age, message={"mid": f"m_{number}", **({} if text is None else {"text": text}), **more})


def tapped(number, title, payload, person="7"):
    return message(number, title, person, quick_reply={"payload": payload})


async def nothing_happened(bot):
    return bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == [] == await rows(bot, outbox_table)


async def test_a_question_is_answered_with_quick_replies(bot):
    assert await bot.send(message(1, "does it help with cravings?")) == 200
    ((path, headers, body),) = bot.platform.got
    assert path == "/v23.0/me/messages" and headers["Authorization"] == "Bearer EAAG-secret"
    assert body["recipient"] == {"id": "7"} and body["message"]["text"] == "You said: does it help with cravings?"
    assert body["message"]["quick_replies"] == [{"content_type": "text", **button} for button in BUTTONS]
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and "does it" not in entry.payload and '"7"' not in entry.payload


async def test_a_conversation_of_ten_turns(bot):
    for number, words in enumerate(["hello", "does it hurt?", "price", "is it safe?", "i want to kill myself"]):
        assert await bot.send(message(number, words)) == 200
    assert await bot.send(tapped(5, "Cravings", "/faq/cravings")) == 200
    assert await bot.send(message(6, attachments=[{"type": "image", "payload": {"url": "https://cdn/x.png"}}])) == 200
    assert await bot.send(message(7, "and one?"), message(8, "and two?"), message(9, "and three?")) == 200
    said = ["hello", "does it hurt?", "/uncovered/cost", "is it safe?", "i want to kill myself", "/faq/cravings", ""]
    assert bot.heard == [*said, "and one?", "and two?", "and three?"]
    assert bot.said() == [f"You said: {words}".strip() for words in bot.heard]
    assert len({entry.sender_id for entry in await rows(bot, outbox_table)}) == 1


async def test_all_messages_of_all_entries_are_answered(bot):
    call = {"object": "page", "entry": [*page(message(1, "one", "a"), message(2, "two", "b"))["entry"], {"id": "P1"}]}
    call["entry"] += page(message(3, "three", "a"), {"odd": True}, None, message(4, "four", "c"))["entry"]
    assert await bot.post(call) == 200
    assert sorted(bot.said()) == sorted(f"You said: {words}" for words in ("one", "two", "three", "four"))
    assert [body["message"]["text"][10:] for _, _, body in bot.platform.got if body["recipient"]["id"] == "a"] == ["one", "three"]


@pytest.mark.parametrize(
    "postback, heard",
    [
        ({"title": "Get started", "payload": "start"}, "hello"),
        ({"title": "Price", "payload": "/uncovered/cost"}, "/uncovered/cost"),
    ],
)
async def test_a_postback_is_its_payload(bot, postback, heard):
    for _ in range(2):
        await bot.send(about(postback={"mid": "m_1", **postback}))
    old = about(postback=postback)  # before 2021 they had no id
    await bot.send(old)
    await bot.send(old)
    assert bot.heard == [heard, heard] and len(bot.said()) == 2


@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], SECRET + "a"])
async def test_a_forged_call_changes_nothing(bot, secret):
    body = json.dumps(page(message(1, "I am you")))
    assert await bot.send(message(1, "I am you"), headers=signed(body, secret)) == 403
    assert await nothing_happened(bot)


async def test_headers_of_any_shape_are_refused(bot):
    body = json.dumps(page(message(1, "I am you")))
    right = signed(body)["X-Hub-Signature-256"]
    sha1 = hmac.new(SECRET.encode(), body.encode(), "sha1").hexdigest()
    for given_ in ("", "sha256=", right[7:], right.upper(), right + "0", f"sha1={sha1}", "foo=bar", "\u00e9", "sha256=\u00e9"):
        status, _ = await bot.call("POST", "/webhook", body, {"X-Hub-Signature-256": given_, **JSON})
        assert status == 403, given_
    for given_ in ({"X-Hub-Signature": f"sha1={sha1}"}, {"X-Hub-Signature": right}, {}):
        status, _ = await bot.call("POST", "/webhook", body, {**given_, **JSON})
        assert status == 403, given_
    assert await nothing_happened(bot)


async def test_a_changed_body_is_refused(bot):
    assert await bot.send(message(1, "changed"), headers=signed(json.dumps(page(message(1, "original"))))) == 403
    assert await nothing_happened(bot)


async def test_a_stale_call_changes_nothing(bot):
    """The signature holds no time, so the message's own, which is signed, is looked at: later, no answer is delivered."""
    assert await bot.send(message(1, "hello", age=24 * 3600 + 60)) == 200
    assert await nothing_happened(bot)
    assert await bot.send(message(2, "hello", age=23 * 3600)) == 200 and len(bot.said()) == 1


async def test_a_call_that_comes_again_is_answered_once(bot):
    call = page(message(1, "hello there"), message(2, attachments=[{"type": "image"}]))
    assert await bot.post(call) == 200
    kept = await rows(bot, events)
    for _ in range(3):
        assert await bot.post(call) == 200
    assert len(bot.said()) == 2 and len(bot.heard) == 2 and await rows(bot, events) == kept


async def test_the_webhook_is_shown_to_be_ours_only_with_the_word(bot):
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444<"}
    assert await bot.call("GET", f"/webhook?{urlencode(asked)}") == (200, b"1158201444<")
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}, {"hub.mode": ""}):
        status, body = await bot.call("GET", f"/webhook?{urlencode({**asked, **wrong})}")
        assert status == 404 and b"1158201444" not in body
    assert (await bot.call("GET", "/webhook"))[0] == 404


def test_without_a_word_of_ours_there_is_no_handshake():
    asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert meta.handshake(SimpleNamespace(args=asked), "") is None
    found = meta.handshake(SimpleNamespace(args={**asked, "hub.verify_token": "w"}), "w")
    assert found.content_type.startswith("text/plain") and found.body == b"1"


async def test_a_burst_of_several_people_is_answered_each_once(bot):
    calls = [bot.send(message(n, f"message {n}", person=str(n % 3))) for n in range(12)]
    assert await asyncio.gather(*calls) == [200] * 12
    assert sorted(bot.said()) == sorted(f"You said: message {n}" for n in range(12))
    for person in range(3):
        assert sum(body["recipient"]["id"] == str(person) for _, _, body in bot.platform.got) == 4


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file", "location", "fallback", "template", "reel"])
async def test_what_has_no_words_is_answered_kindly_and_never_fetched(bot, kind):
    sticker = {"sticker_id": 369239263222822} if kind == "image" else {}
    attachment = {"type": kind, "payload": {"url": "https://cdn.example/x", **sticker}}
    assert await bot.send(message(1, attachments=[attachment], **sticker)) == 200
    assert bot.heard == [""] and len(bot.platform.got) == 1


async def test_a_shared_link_with_words_is_its_words(bot):
    await bot.send(message(1, "is this true?", attachments=[{"type": "fallback", "payload": {"url": "https://x"}}]))
    assert bot.heard == ["is this true?"]


ODD = [
    page(message(1, "x", is_echo=True, app_id=1)),
    page(message(1, "x", is_deleted=True)),
    page(about(delivery={"mids": ["m_1"], "watermark": 1})),
    page(about(read={"watermark": 1})),
    page(about(reaction={"reaction": "love", "emoji": "\u2764", "action": "react", "mid": "m_1"})),
    page(about(message_edit={"mid": "m_1", "text": "x"})),
    page(about(optin={"ref": "x"})),
    page(about(referral={"ref": "x"})),
    page(about(postback={"mid": "m_1"})),
    page(about(postback="x")),
    page(about("", message={"mid": "m_1", "text": "x"})),
    page(about("\ud800", message={"mid": "m_1", "text": "x"})),
    page(about({"a": 1}, message={"mid": "m_1", "text": "x"})),
    page(about(message={"mid": 5, "text": "x"})),
    page(about(message={"mid": "m" * 301, "text": "x"})),
    page(about(message={"mid": "m_1", "text": {"a": 1}})),
    page(about(message={"mid": "m_1", "text": 5})),
    page(about(message={"mid": "m_1", "text": "x", "quick_reply": {"payload": 5}})),
    page(about(message={"mid": "m_1", "text": "x", "quick_reply": "y"})),
    page(about(message=None)),
    page({**message(1, "x"), "timestamp": "now"}),
    page({**message(1, "x"), "timestamp": 10**400}),
    page({**message(1, "x"), "sender": None}),
    page({"message": {"mid": "m_1", "text": "x"}}),
    {"object": "page", "entry": [{"id": "P1", "standby": [message(1, "x")]}]},
    {"object": "page", "entry": [{"id": "P1", "changes": [{"field": "feed", "value": {}}]}]},
    {"object": "page", "entry": [{"messaging": {"a": 1}}]},
    {"object": "page", "entry": [None]},
    {"object": "page", "entry": {"a": 1}},
    {"object": "page"},
    {**page(message(1, "x")), "object": "instagram"},
    {**page(message(1, "x")), "object": "whatsapp_business_account"},
    [],
    None,
    "x",
    5,
    {},
]


async def test_what_is_no_message_is_taken_and_left(bot):
    for odd in ODD:
        assert await bot.post(odd) == 200, odd
        assert await nothing_happened(bot), odd


async def test_stop_is_honoured_until_start_but_a_crisis_is_answered(bot):
    await bot.send(message(1, "Stop."))
    assert "START" in bot.said()[-1] and len(await rows(bot, opt_outs)) == 1
    await bot.send(message(2, "does it help with cravings?"))
    assert bot.heard == [] and len(bot.said()) == 1
    await bot.send(message(3, "i want to kill myself"))
    assert bot.heard == ["i want to kill myself"] and len(bot.said()) == 2
    await bot.send(message(4, "start"))
    await bot.send(message(5, "does it help with cravings?"))
    assert bot.heard[-1] == "does it help with cravings?" and await rows(bot, opt_outs) == []


async def test_a_crisis_is_answered_when_nothing_can_be_stored(bot, monkeypatch):
    async def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(bot.store, "save", broken)
    assert await bot.send(message(1, "i want to kill myself")) == 200
    assert len(bot.said()) == 1 and "988" in bot.said()[0]


def refusal(code, status=400):
    words = {"message": "(#1) 7 EAAG-secret", "type": "OAuthException", "code": code, "error_subcode": 2018278}
    return (status, {"error": words}, {})


LATER = [refusal(code) for code in (1, 2, 4, 32, 613, 1200, 190)]


@pytest.mark.parametrize("answer", [*LATER, refusal(100, 500), (429, {}, {}), (403, {}, {}), (503, {"error": []}, {})])
async def test_what_passes_is_tried_again_in_order(bot, monkeypatch, answer, caplog):
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.01)
    bot.platform.answers = [answer]
    await bot.send(message(1, "one"))
    assert not (await rows(bot, outbox_table))[0].done
    await bot.send(message(2, "two"))
    for _ in range(50):
        await outbox.deliver_due(bot.store.database)
        if all(entry.done for entry in await rows(bot, outbox_table)):
            break
        await asyncio.sleep(0.02)
    assert bot.said() == ["You said: one", "You said: two"]
    assert "EAAG" not in caplog.text and "You said" not in caplog.text


async def test_too_many_messages_waits_as_long_as_meta_says(bot):
    bot.platform.answers = [(429, {"error": {"code": 613}}, {"Retry-After": "30"})]
    await bot.send(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert not entry.done and 25 < entry.due - entry.at < 40


@pytest.mark.parametrize("code, status", [(10, 403), (10, 400), (551, 400), (551, 500), (100, 400)])
async def test_an_answer_that_is_refused_for_good_is_recorded_for_staff(bot, code, status):
    bot.platform.answers = [refusal(code, status)]
    await bot.send(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and entry.failed == f"Messenger answered {status}, error {code}." and "one" not in entry.payload
    await bot.send(message(2, "two"))
    assert bot.said() == ["You said: two"]


async def test_no_address_holds_the_token(monkeypatch):
    called = []

    async def post(*given_, **more):
        called.append((given_, more))
        return {}

    monkeypatch.setattr(meta, "post", post)
    monkeypatch.setattr(messenger, "settings", lambda: messenger_settings("https://graph.facebook.com"))
    await messenger.Messenger().send({"body": {}})
    (((platform, url, _), more),) = called
    assert platform == "Messenger" and url == "https://graph.facebook.com/v23.0/me/messages"
    assert more == {"headers": {"Authorization": "Bearer EAAG-secret"}}


@pytest.mark.parametrize("later, never, final", [((), (), True), ((5,), (), False), ((5,), (5,), True)])
async def test_a_platform_adds_its_own_codes(monkeypatch, later, never, final):
    async def post(*_, **__):
        raise meta.PlatformRefused("X", 400, {"error": {"code": 5}}, 7.0, True)

    monkeypatch.setattr(meta, "post", post)
    with pytest.raises(NotDelivered) as refused:
        await meta.post_graph("X", "https://x", "t", {}, later=frozenset(later), never=frozenset(never))
    assert refused.value.final is final and refused.value.retry_after == 7.0


async def test_without_its_settings_it_is_off(bot, monkeypatch):
    monkeypatch.setattr(messaging, "settings", lambda: Settings())
    assert await bot.send(message(1, "hello")) == 404 and await nothing_happened(bot)
    assert (await bot.call("GET", "/webhook?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"))[0] == 404


def test_the_most_buttons_fit():
    buttons = (*(Button("t" * 20, "/" + "p" * 999) for _ in range(12)), Button("too long", "/" + "p" * 1000))
    (call,) = messenger.Messenger().calls({"person": "7"}, Bubble("x" * 2000, buttons))
    check("/v23.0/me/messages", call["body"])
    assert len(call["body"]["message"]["quick_replies"]) == 12


def test_more_buttons_and_longer_ones_stand_in_the_list():
    channel = messenger.Messenger()
    offered = tuple(Button(f"{number}".rjust(20 + number % 2, "t"), f"/faq/{number}") for number in range(28))
    (bubble,) = bubbles([Reply("", "Which one?", offered)], channel.limits)
    (call,) = channel.calls({"person": "7"}, bubble)
    check("/v23.0/me/messages", call["body"])
    text = call["body"]["message"]["text"]
    assert len(call["body"]["message"]["quick_replies"]) == 13 and "/faq" not in text
    assert sum(line.endswith(f" {each.title}") for line in text.splitlines() for each in offered) == 15


def test_a_time_beyond_all_numbers_keeps_no_other_message_from_being_answered():
    odd = {**message(1, "x"), "timestamp": 10**400}
    found = messenger.Messenger().read(SimpleNamespace(json=page(odd, message(2, "y"))))
    assert [each.text for each in found] == ["y"]


async def test_random_calls_never_break_it(bot, caplog):
    chance = random.Random(6)
    whole = json.dumps(page(message(1, "x"))).encode()
    for _ in range(300):
        start = chance.choice([b"", b'{"object": "page", "entry": [', whole[: chance.randrange(len(whole))], b"[" * 20_000])
        body = start + chance.randbytes(chance.choice([0, 1, 20, 3000]))
        right = {"X-Hub-Signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"}
        headers = chance.choice([right, right, {"X-Hub-Signature-256": "sha256=" + "0" * 64}, {}])
        kind = chance.choice([JSON, {"Content-Type": "multipart/form-data"}, {"Content-Type": "\u00e9"}, {}])
        status, _ = await bot.call("POST", "/webhook", body, {**headers, **kind})
        assert status == (200 if headers is right else 403), body
    status, _ = await bot.call("POST", "/webhook", b"x" * 70_000, JSON)
    assert status in (403, 413) and await nothing_happened(bot)
    assert not any(record.exc_info for record in caplog.records)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["7", "m_1"])
NAMES = ["sender", "id", "timestamp", "message", "mid", "text", "quick_reply", "payload", "postback", "attachments", "is_echo"]
SHAPES = st.recursive(VALUES, lambda x: st.lists(x) | st.dictionaries(st.sampled_from(NAMES), x), max_leaves=12)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, event_=st.dictionaries(st.sampled_from(NAMES), SHAPES), said=st.dictionaries(st.sampled_from(NAMES), SHAPES))
def test_no_shape_of_a_genuine_call_raises(shape, event_, said):
    channel = messaging.MessagingChannel(messenger.Messenger())
    good = message(1, "good")
    odd = {**message(2, "odd"), "message": {"mid": "m_2", "text": "x", **said}, **event_}
    for call in (page(good, odd, shape), {"object": "page", "entry": shape}, shape):
        for messages in channel._by_person(SimpleNamespace(json=call)):
            for each in messages:
                assert each.person.encode() and each.message_id.encode() and isinstance(each.text, str)
                assert json.dumps(each.address)
    found = [each.text for messages in channel._by_person(SimpleNamespace(json=page(shape, odd, good))) for each in messages]
    assert "good" in found


def test_every_reply_fits_and_shows_no_payload():
    def seen(call):
        said = call["body"]["message"]
        return [said["text"], *(reply["title"] for reply in said.get("quick_replies", []))]

    replies, channel = every_reply(), messenger.Messenger()
    assert len(replies) > 300 and any("automated helper" in reply.text for reply in replies)
    for first, second in zip(replies, replies[1:] + replies[:1]):
        for turn in ([first], [first, second]):
            for call in assert_whole(channel, turn, {"person": "7"}, seen):
                check("/v23.0/me/messages", call["body"])
