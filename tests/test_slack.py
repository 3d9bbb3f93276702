"""Slack: signed calls only, direct messages and buttons answered once, in their thread; channels get a hint, no more."""

import asyncio
import json
import random
import time
from contextlib import asynccontextmanager
from itertools import product
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier

from infusion_guide.channels import messaging
from infusion_guide.channels.message import Refused
from infusion_guide.channels.platforms import slack
from infusion_guide.channels.rendering import Bubble
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox
from infusion_guide.replies.reply import Button
from infusion_guide.storage.tables import events, opt_outs
from infusion_guide.storage.tables import outbox as outbox_table
from tests.every_reply import assert_whole, every_reply
from tests.platforms import BUTTONS, rows, running

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
JSON, FORM = {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": "application/x-www-form-urlencoded"}


def slack_settings(api):
    return Settings(slack_token="xoxb-secret", slack_signing_secret=SECRET, slack_api=api)


def check(path, body):
    """chat.postMessage and Block Kit (docs.slack.dev): the official SDK's models know the lengths and numbers."""
    assert path == "/chat.postMessage"
    assert set(body) <= {"channel", "text", "blocks", "thread_ts", "unfurl_links", "unfurl_media"} and body["channel"]
    assert body["unfurl_links"] is False and body["unfurl_media"] is False
    assert 1 <= len(body["text"]) <= 4000 and 1 <= len(body["blocks"]) <= 50
    ids = []
    for block in body["blocks"]:
        assert block["type"] in ("section", "actions")
        Block.parse(block).validate_json()
        if block["type"] == "section":
            text = block["text"]["text"]
            assert block["text"]["type"] == "mrkdwn" and 1 <= len(text) <= 3000 and "<" not in text and ">" not in text
            continue
        assert 1 <= len(block["elements"]) <= 25
        for element in block["elements"]:
            assert set(element) == {"type", "action_id", "text", "value"} and element["type"] == "button"
            assert element["text"]["type"] == "plain_text" and 1 <= len(element["text"]["text"]) <= 75
            assert 1 <= len(element["value"]) <= 2000 and len(element["action_id"]) <= 255
            ids.append(element["action_id"])
    assert len(ids) == len(set(ids))


def signed(body, secret=SECRET, ahead=0):
    at = str(int(time.time() + ahead))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}


def form(call):
    return urlencode({"payload": json.dumps(call)})


@asynccontextmanager
async def running_slack(monkeypatch, folder):
    """`running`, with `send(call)` (an event, or a pressed button in its form) signed as Slack does, and `said()`."""
    async with running(slack.Slack(), slack, slack_settings, monkeypatch, folder, check) as bot:

        async def send(call, headers=None, **how):
            pressed = isinstance(call, dict) and call.get("type") == "block_actions"
            body = form(call) if pressed else json.dumps(call)
            given_ = signed(body, **how) if headers is None else headers
            status, bot.heard_back = await bot.call("POST", "/webhook", body, {**given_, **(FORM if pressed else JSON)})
            return status

        bot.send, bot.said = send, lambda: [body["text"] for _, _, body in bot.platform.got]
        yield bot
        assert not bot.platform.broken


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running_slack(monkeypatch, tmp_path) as found:
        yield found


def event(number, text="hello", user="U1", channel="D1", **more):
    said = {"type": "message", "channel": channel, "user": user, "text": text, "ts": f"17000.{number}", "channel_type": "im"}
    return {
        "type": "event_callback",
        "event_id": f"Ev{number}",
        "team_id": "T1",
        "authorizations": [{"user_id": "UBOT", "is_bot": True}],
        "event": {**said, **more},
    }


def pressed(number, payload, user="U1", channel="D1", **message):
    return {
        "type": "block_actions",
        "trigger_id": f"{number}.474920.8088930838d88f008e0",
        "user": {"id": user},
        "channel": {"id": channel, "name": "directmessage"},
        "message": {"ts": "16000.1", **message},
        "actions": [{"type": "button", "action_id": "choice 0", "value": payload}],
    }


def mention(number, text="<@UBOT> does it help?", **more):
    found = event(number, text, channel="C1", **more)
    found["event"]["type"] = "app_mention"
    del found["event"]["channel_type"]
    return found


async def nothing_happened(bot):
    return bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == [] == await rows(bot, outbox_table)


async def test_a_question_is_answered_with_its_buttons(bot):
    assert await bot.send(event(1, "does it help with cravings?")) == 200 and bot.heard_back == b""
    ((path, headers, body),) = bot.platform.got
    assert path == "/chat.postMessage" and headers["Authorization"] == "Bearer xoxb-secret"
    assert body["channel"] == "D1" and "thread_ts" not in body and body["text"] == "You said: does it help with cravings?"
    section, actions = body["blocks"]
    assert section["text"]["text"] == body["text"]
    shown = [{"title": each["text"]["text"], "payload": each["value"]} for each in actions["elements"]]
    assert shown == BUTTONS
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and "does it" not in entry.payload and "D1" not in entry.payload


async def test_a_conversation_of_ten_turns(bot):
    said = ["hello", "does it hurt?", "price", "what about my mother's tablets & tea?", "i want to kill myself"]
    for number, words in enumerate(said):
        assert await bot.send(event(number, words)) == 200
    assert await bot.send(pressed(5, "/faq/cravings")) == 200
    assert await bot.send(event(6, "", subtype="file_share", files=[{"id": "F1", "mimetype": "image/png"}])) == 200
    burst = [event(number, f"and {number}?") for number in (7, 8, 9)]
    assert await asyncio.gather(*(bot.send(each) for each in burst)) == [200] * 3
    assert bot.heard[:7] == [*said[:2], "/uncovered/cost", *said[3:], "/faq/cravings", ""]
    burst_heard = set(bot.heard[7:])  # without a lock, a turn that another one overtook is worked out again
    assert burst_heard == {"and 7?", "and 8?", "and 9?"}
    assert bot.said()[:7] == [f"You said: {words}".replace("&", "&amp;").strip() for words in bot.heard[:7]]
    assert sorted(bot.said()[7:]) == [f"You said: and {number}?" for number in (7, 8, 9)]
    assert len({entry.sender_id for entry in await rows(bot, outbox_table)}) == 1


async def test_a_pressed_button_is_its_payload_in_the_same_conversation(bot):
    await bot.send(event(1, "hello there"))
    assert await bot.send(pressed(2, "/faq/cravings")) == 200 and bot.heard_back == b""
    assert bot.heard[-1] == "/faq/cravings"
    assert len({row.sender_id for row in await rows(bot, events)}) == 1


async def test_an_answer_stays_in_its_thread(bot):
    await bot.send(event(1, "one", thread_ts="16999.5"))
    await bot.send(pressed(2, "/faq/cravings", thread_ts="16999.5"))
    await bot.send(event(3, "three"))
    assert [body.get("thread_ts") for _, _, body in bot.platform.got] == ["16999.5", "16999.5", None]
    assert len({row.sender_id for row in await rows(bot, events)}) == 1


@pytest.mark.parametrize("call", [event(1, "I am you"), pressed(1, "/faq/cravings"), mention(1)])
@pytest.mark.parametrize("how", [{"secret": SECRET[:-1]}, {"secret": "x"}, {"ahead": -310}, {"ahead": 400}])
async def test_a_forged_or_stale_call_changes_nothing(bot, call, how):
    assert await bot.send(call, **how) == 403
    assert await nothing_happened(bot)


async def test_headers_of_any_shape_are_refused(bot):
    now = str(int(time.time()))
    for at, signature in product(
        [now, "", "x", "9" * 400, "-1", "\u00b2", None], ["", "v0=", "v0=\u00e9", "v1=" + "0" * 64, None]
    ):
        given_ = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}
        assert await bot.send(event(1), headers={key: value for key, value in given_.items() if value is not None}) == 403
    assert await nothing_happened(bot)


async def test_a_changed_body_is_refused(bot):
    assert await bot.send(event(1, "changed"), headers=signed(json.dumps(event(1, "original")))) == 403
    assert await nothing_happened(bot)


def test_slacks_published_example_is_genuine(monkeypatch):
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&"
        "user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c"
    )
    given_ = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    monkeypatch.setattr(slack, "settings", lambda: slack_settings("https://slack.com/api"))
    monkeypatch.setattr(slack, "time", lambda: 1531420618 + 299)
    slack.Slack().verify(SimpleNamespace(headers=given_, body=body.encode()))
    monkeypatch.setattr(slack, "time", lambda: 1531420618 + 301)
    with pytest.raises(Refused):
        slack.Slack().verify(SimpleNamespace(headers=given_, body=body.encode()))


@pytest.mark.parametrize("call", [event(1, "hello there"), pressed(1, "/faq/cravings")])
async def test_a_call_that_comes_again_is_answered_once(bot, call):
    assert await bot.send(call) == 200
    kept = await rows(bot, events)
    for _ in range(3):
        assert await bot.send(call) == 200
    assert len(bot.said()) == 1 and len(bot.heard) == 1 and await rows(bot, events) == kept


async def test_the_challenge_is_answered_only_when_it_is_signed(bot):
    asked = {"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}
    assert await bot.send(asked) == 200 and bot.heard_back.decode() == asked["challenge"]
    assert await bot.send(asked, secret="other") == 403 and asked["challenge"] not in bot.heard_back.decode()


async def test_a_burst_of_several_people_is_answered_each_once(bot):
    calls = [event(n, f"message {n}", user=f"U{n % 3}", channel=f"D{n % 3}") for n in range(12)]
    assert await asyncio.gather(*map(bot.send, calls)) == [200] * 12
    assert sorted(bot.said()) == sorted(f"You said: message {n}" for n in range(12))
    for person in range(3):
        assert sum(body["channel"] == f"D{person}" for _, _, body in bot.platform.got) == 4


async def test_a_picture_with_words_is_its_words(bot):
    await bot.send(event(1, "what is this?", subtype="file_share", files=[{"id": "F1", "url_private": "https://files"}]))
    assert bot.heard == ["what is this?"]


@pytest.mark.parametrize(
    "sent, heard",
    [
        ("is 2 &lt; 3 &amp;amp; so on?", "is 2 < 3 &amp; so on?"),
        ("<@UBOT> does it help?", "does it help?"),
        ("see <https://example.org/a|this page> or <https://example.org>", "see this page or https://example.org"),
        ("call <tel:5551234567|555-123-4567> in <#C1|general> <!here>", "call 555-123-4567 in general"),
    ],
)
async def test_slacks_marks_are_taken_out_of_the_words(bot, sent, heard):
    await bot.send(event(1, sent))
    assert bot.heard == [heard]


def test_no_mark_of_slack_can_be_written_by_us():
    (call,) = slack.Slack().calls({"channel": "D1", "thread": None}, Bubble("<!channel> & <@U1>"))
    assert call["body"]["text"] == call["body"]["blocks"][0]["text"]["text"] == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


@pytest.mark.parametrize("text", ["x" * 3000, "&" * 3000, "<" * 2999 + "x", "& " * 1500, "\u00e9\U0001f600" * 1500], ids="abcde")
def test_the_longest_texts_and_most_buttons_fit(text):
    buttons = tuple(Button("t" * 75, "/" + "p" * 1999) for _ in range(25)) + (Button("too long", "/" + "p" * 2000),)
    for call in slack.Slack().calls({"channel": "D1", "thread": "1.1"}, Bubble(text, buttons[:24] + buttons[25:])):
        check("/chat.postMessage", call["body"])
        shown = "".join(block["text"]["text"] for block in call["body"]["blocks"] if block["type"] == "section")
        assert shown.replace("&lt;", "<").replace("&amp;", "&") == text
        assert len(call["body"]["blocks"][-1]["elements"]) == 24


ODD = [
    event(1, bot_id="B1"),
    event(1, user="UBOT"),
    event(1, subtype="bot_message"),
    event(1, subtype="message_changed", message={"text": "x"}, previous_message={}),
    event(1, subtype="message_deleted"),
    event(1, subtype="channel_join"),
    event(1, edited={"user": "U1"}),
    event(1, user=None),
    event(1, text={"a": 1}),
    event(1, text=7),
    event(1, user="U\ud800"),
    event(1, user={"id": 1}),
    event(1, channel=["D1"]),
    event(1, channel="\x00"),
    event(1, channel_type="mpim"),
    event(1, channel_type="channel", channel="C1"),
    event(1, thread_ts=5),
    event(1, subtype=["file_share"]),
    event(1, type="reaction_added"),
    {**event(1), "event_id": None},
    {**event(1), "event_id": "x" * 151},
    {**event(1), "event": []},
    {**event(1), "authorizations": 5},
    {**event(1), "type": "app_rate_limited"},
    {"type": "url_verification", "challenge": {"a": 1}},
    {"type": "url_verification", "challenge": "\ud800"},
    {"type": "event_callback"},
    {**pressed(1, "/faq/cravings"), "actions": []},
    {**pressed(1, "/faq/cravings"), "actions": [{"type": "static_select", "value": "x"}]},
    {**pressed(1, "/faq/cravings"), "trigger_id": 5},
    {**pressed(1, "/faq/cravings"), "channel": {}},
    pressed(1, 5),
    [],
    None,
    "x",
    5,
    {},
]


async def test_what_is_no_message_is_taken_and_left(bot):
    for odd in ODD:
        assert await bot.send(odd) == 200 and bot.heard_back == b""
        assert await nothing_happened(bot), odd


async def test_in_a_channel_nothing_about_health_is_said(bot):
    assert await bot.send(event(1, "does it help?", channel="C1", channel_type="channel")) == 200
    assert bot.platform.got == []
    assert await bot.send(mention(2, thread_ts="15000.1")) == 200
    assert await nothing_happened(bot) is False and bot.heard == [] and await rows(bot, events) == []
    ((_, _, body),) = bot.platform.got
    assert "private chat" in body["text"] and body["thread_ts"] == "15000.1" and len(body["blocks"]) == 1
    await bot.send(mention(3))
    await bot.send(mention(2, thread_ts="15000.1"))
    assert len(bot.said()) == 1  # once a minute
    await bot.send(pressed(4, "/faq/cravings", channel="C1"))
    assert bot.heard == []


async def test_stop_is_honoured_until_start_but_a_crisis_is_answered(bot):
    await bot.send(event(1, "Stop."))
    assert "START" in bot.said()[-1] and len(await rows(bot, opt_outs)) == 1
    await bot.send(event(2, "does it help with cravings?"))
    assert bot.heard == [] and len(bot.said()) == 1
    await bot.send(event(3, "i want to kill myself"))
    assert bot.heard == ["i want to kill myself"] and len(bot.said()) == 2
    await bot.send(event(4, "start"))
    await bot.send(event(5, "does it help with cravings?"))
    assert bot.heard[-1] == "does it help with cravings?" and await rows(bot, opt_outs) == []


async def test_a_crisis_is_answered_when_nothing_can_be_stored(bot, monkeypatch):
    async def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(bot.store, "save", broken)
    assert await bot.send(event(1, "i want to kill myself", thread_ts="16999.5")) == 200
    ((_, _, body),) = bot.platform.got
    assert "988" in body["text"] and body["thread_ts"] == "16999.5"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"ok": False, "error": "ratelimited"}, {}),
        (200, {"ok": False, "error": "invalid_auth"}, {}),
        (200, {"ok": False, "error": "internal_error"}, {}),
        (200, {"ok": False, "error": "Bearer xoxb-secret"}, {}),
        (200, {"ok": False}, {}),
        (200, ["ok"], {}),
        (500, {}, {}),
        (302, {}, {"Location": "http://127.0.0.1:1/"}),
    ],
)
async def test_what_passes_is_tried_again_in_order(bot, monkeypatch, answer, caplog):
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.01)
    bot.platform.answers = [answer]
    await bot.send(event(1, "one"))
    assert not (await rows(bot, outbox_table))[0].done
    await bot.send(event(2, "two"))
    for _ in range(50):
        await outbox.deliver_due(bot.store.database)
        if all(entry.done for entry in await rows(bot, outbox_table)):
            break
        await asyncio.sleep(0.02)
    assert bot.said()[-2:] == ["You said: one", "You said: two"]
    assert "xoxb" not in caplog.text and "You said" not in caplog.text


async def test_too_many_messages_waits_as_long_as_slack_says(bot):
    bot.platform.answers = [(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})]
    await bot.send(event(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert not entry.done and 25 < entry.due - entry.at < 40


@pytest.mark.parametrize("error", ["channel_not_found", "user_not_found", "is_archived", "msg_too_long", "invalid_blocks"])
async def test_an_answer_that_is_refused_for_good_is_recorded_for_staff(bot, error):
    bot.platform.answers = [(200, {"ok": False, "error": error}, {})]
    await bot.send(event(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and entry.failed == f"Slack answered {error}." and "one" not in entry.payload
    await bot.send(event(2, "two"))
    assert bot.said()[-1] == "You said: two"


async def test_without_its_settings_it_is_off(bot, monkeypatch):
    monkeypatch.setattr(messaging, "settings", lambda: Settings())
    assert await bot.send(event(1)) == 404 and await nothing_happened(bot)


async def test_random_calls_never_break_it(bot, caplog):
    chance = random.Random(5)
    for number in range(300):
        start = chance.choice([b"", b"payload=", b"payload=%7B", b'{"type":', json.dumps(event(number)).encode()[:200]])
        body = start + chance.randbytes(chance.choice([0, 1, 20, 3000]))
        text = body.decode("latin-1")
        try:
            right = signed(body)
        except UnicodeDecodeError:  # Slack sends UTF-8 only
            body = text.encode()
            right = signed(body)
        headers = chance.choice([right, right, {**right, "X-Slack-Signature": "v0=" + "0" * 64}, {}])
        kind = chance.choice([JSON, FORM, {"Content-Type": "multipart/form-data"}, {"Content-Type": "\u00e9"}])
        status, _ = await bot.call("POST", "/webhook", body, {**headers, **kind})
        assert status == (200 if headers is right else 403), body
    assert await nothing_happened(bot) and not any(record.exc_info for record in caplog.records)


async def test_raw_bytes_and_large_bodies_never_break_it(bot):
    for body in (b"\xff\xfe", b"\x00" * 100, b"{" * 60_000, b"[" * 60_000, b"x" * 70_000, b""):
        status, _ = await bot.call("POST", "/webhook", body, {**signed("x"), **JSON})
        assert status in (403, 413)
    for body in (b"{" * 60_000, b"[" * 60_000, b"payload=" + b"%5B" * 15_000, b""):
        status, _ = await bot.call("POST", "/webhook", body, {**signed(body), **JSON})
        assert status == 200
    status, _ = await bot.call("GET", "/webhook")
    assert status == 404 and await nothing_happened(bot)


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["D1", "U1", "im", "message", "button"])
)
NAMES = ["type", "event", "event_id", "user", "channel", "channel_type", "text", "thread_ts", "subtype", "authorizations"]
NAMES += ["user_id", "actions", "value", "message", "id", "trigger_id"]
SHAPES = st.recursive(VALUES, lambda x: st.lists(x) | st.dictionaries(st.sampled_from(NAMES), x), max_leaves=12)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["event_callback", "block_actions", "url_verification"]) | VALUES,
    shape=SHAPES,
    event_=st.dictionaries(st.sampled_from(NAMES), SHAPES),
    in_form=st.booleans(),
)
def test_no_shape_of_a_genuine_call_raises(kind, shape, event_, in_form):
    whole = {**event(1), **(shape if isinstance(shape, dict) else {}), "type": kind, "challenge": shape}
    whole["event"] = {**event(1)["event"], **event_}
    for call in (whole, shape, {**pressed(1, "x"), **event_}):
        body = (form(call) if in_form else json.dumps(call)).encode()
        request = SimpleNamespace(body=body, json=call)
        channel = messaging.MessagingChannel(slack.Slack())
        for messages in channel._by_person(request):
            for message in messages:
                assert message.person.encode() and message.message_id.encode() and isinstance(message.text, str)
                assert json.dumps(message.address)
        assert channel.platform.acknowledgement(request).status == 200


def test_every_reply_fits_and_shows_no_payload():
    def seen(call):
        for block in call["body"]["blocks"]:
            yield block["text"]["text"].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">") if "text" in block else ""
            yield from (element["text"]["text"] for element in block.get("elements", []))

    replies, channel = every_reply(), slack.Slack()
    assert len(replies) > 300 and any("automated helper" in reply.text for reply in replies)
    for first, second in zip(replies, replies[1:] + replies[:1]):
        for turn in ([first], [first, second]):
            for call in assert_whole(channel, turn, {"channel": "D1", "thread": None}, seen):
                check("/chat.postMessage", call["body"])
                assert not any(button.payload in call["body"]["text"] for reply in turn for button in reply.buttons)
