"""WhatsApp: Meta's calls only, choices as buttons or a list within Meta's limits, and silence where silence belongs."""

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager

import pytest
from hypothesis import strategies as st

from infusion_guide.channels import messaging
from infusion_guide.channels.platforms import whatsapp
from infusion_guide.channels.rendering import Bubble, bubbles
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox
from infusion_guide.replies.book import line
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.storage.tables import events, opt_outs
from infusion_guide.storage.tables import outbox as outbox_table
from tests.platforms import BUTTONS, collected, rows, running
from tests.test_replies import REPLIES, WHOLE, told

SECRET, VERIFY, NUMBER, TOKEN = "a" * 32, "a word of ours", "106540352242922", "EAAB-token"
PERSON, USER = "16505551234", "US.13491208655302741918"


def whatsapp_settings(api):
    keys = {"whatsapp_token": TOKEN, "whatsapp_number_id": NUMBER, "whatsapp_app_secret": SECRET}
    return Settings(**keys, whatsapp_verify_token=VERIFY, meta_api=api)


def check(path, body):
    """Messages API: fields and lengths of text, reply buttons and lists (Meta's reference; the smaller where two are named)."""
    assert path == f"/{NUMBER}/messages"
    address = {"to", "recipient"} & set(body)
    assert len(address) == 1 and body["messaging_product"] == "whatsapp" and body["recipient_type"] == "individual"
    assert set(body) == {"messaging_product", "recipient_type", "type", body["type"], *address}
    if body["type"] == "text":
        assert set(body["text"]) == {"body", "preview_url"} and 1 <= len(body["text"]["body"]) <= 4096
        return
    shown = body["interactive"]
    assert set(shown) == {"type", "body", "action"} and 1 <= len(shown["body"]["text"]) <= 1024
    if shown["type"] == "button":
        choices, longest, longest_id = [each["reply"] for each in shown["action"]["buttons"]], 20, 256
        assert 1 <= len(choices) <= 3 and all(each["type"] == "reply" for each in shown["action"]["buttons"])
    else:
        assert shown["type"] == "list" and 1 <= len(shown["action"]["button"]) <= 20
        (section,) = shown["action"]["sections"]
        choices, longest, longest_id = section["rows"], 24, 200
        assert 1 <= len(section["title"]) <= 24 and 1 <= len(choices) <= 10
        assert all(1 <= len(row.get("description", "-")) <= 72 for row in choices)
    titles, ids = [each["title"] for each in choices], [each["id"] for each in choices]
    assert all(1 <= len(title) <= longest for title in titles) and len({*titles}) == len(titles)
    assert all(1 <= len(each) <= longest_id and each == each.strip() for each in ids) and len({*ids}) == len(ids)


def message(number, text=None, person=PERSON, kind="text", **more):
    """One message as Meta sends it (developers.facebook.com: messages webhook reference)."""
    content = {"text": {"body": text}} if kind == "text" else {}
    base = {"from": person, "id": f"wamid.{number}=", "timestamp": str(int(time.time())), "type": kind}
    return {**base, **content, **more}


def chosen(number, payload, kind="button_reply", **more):
    return message(number, kind="interactive", interactive={"type": kind, kind: {"id": payload, "title": "x"}}, **more)


def call_of(*messages, number_id=NUMBER, **more):
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number_id, "display_phone_number": "1555"}}
    change = {"field": "messages", "value": {**value, "messages": list(messages), **more}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def signed(data, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


@asynccontextmanager
async def running_whatsapp(monkeypatch, folder, **more):
    """`running`, with `send(call)` that signs as Meta does, `receive(*messages)`, and `said()`."""
    async with running(whatsapp.WhatsApp(), whatsapp, whatsapp_settings, monkeypatch, folder, check, **more) as bot:

        async def send(body, signature=None):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            signature = signed(data) if signature is None else signature
            return (await bot.call("POST", "/webhook", data, {"X-Hub-Signature-256": signature}))[0]

        async def receive(*messages):
            return await send(call_of(*messages))

        def said():
            return [
                body["text"]["body"] if "text" in body else body["interactive"]["body"]["text"] for _, _, body in bot.platform.got
            ]

        bot.send, bot.receive, bot.said = send, receive, said
        yield bot
        assert not bot.platform.broken


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running_whatsapp(monkeypatch, tmp_path) as found:
        yield found


async def test_ten_turns(bot):
    """A question, a button, a list's row, words of a button, a picture, a crisis, a burst of three in one call, thanks."""
    await bot.receive(message(1, "does it help with cravings?"))
    await bot.receive(chosen(2, "/uncovered/cost"))
    await bot.receive(chosen(3, "/faq/cravings", kind="list_reply"))
    await bot.receive(message(4, "price"))
    await bot.receive(message(5, kind="image", image={"id": "1", "mime_type": "image/jpeg", "sha256": "x"}))
    await bot.receive(message(6, "i want to kill myself"))
    await bot.receive(message(7, "how long"), message(8, "does it take"), message(9, "each time?"))
    await bot.receive(message(10, "thanks"))
    heard = ["does it help with cravings?", "/uncovered/cost", "/faq/cravings", "/uncovered/cost", "", "i want to kill myself"]
    assert bot.heard == [*heard, "how long", "does it take", "each time?", "thanks"]
    assert bot.said() == [f"You said: {text}".strip() for text in bot.heard]
    for entry in await rows(bot, outbox_table):
        assert entry.done and not entry.failed and PERSON not in entry.payload


async def test_an_answer_has_buttons_and_our_token(bot):
    await bot.receive(message(1, "hello there"))
    ((_, headers, body),) = bot.platform.got
    replies = [{"type": "reply", "reply": {"id": b["payload"], "title": b["title"]}} for b in BUTTONS]
    assert body["to"] == PERSON and body["interactive"]["type"] == "button"
    assert body["interactive"]["action"] == {"buttons": replies}
    assert headers["Authorization"] == f"Bearer {TOKEN}"


async def test_more_or_longer_choices_are_a_list(monkeypatch, tmp_path):
    titles = ["Cravings", "Price", "Safety", "How the clinic handles your payments"]
    buttons = [{"title": title, "payload": f"/faq/{number}"} for number, title in enumerate(titles)]
    async with running_whatsapp(monkeypatch, tmp_path, buttons=buttons) as bot:
        await bot.receive(message(1, "hello there"))
        shown = bot.platform.got[0][2]["interactive"]
        (section,) = shown["action"]["sections"]
        assert shown["type"] == "list" and [row["id"] for row in section["rows"]] == ["/faq/0", "/faq/1", "/faq/2", "/faq/3"]
        assert section["rows"][0] == {"id": "/faq/0", "title": "Cravings"}
        assert f"{section['rows'][3]['title']} {section['rows'][3]['description']}" == titles[3]
        await bot.receive(message(2, titles[3]))
        assert bot.heard[-1] == "/faq/3"


async def test_what_a_list_cannot_hold_is_chosen_by_number(monkeypatch, tmp_path):
    buttons = [{"title": f"Topic {number}", "payload": f"/faq/{number}"} for number in range(12)]
    async with running_whatsapp(monkeypatch, tmp_path, buttons=buttons) as bot:
        await bot.receive(message(1, "hello there"))
        assert bot.said()[0].endswith("Or answer with a number:\n1. Topic 10\n2. Topic 11")
        await bot.receive(message(2, "2"))
        assert bot.heard[-1] == "/faq/11"


def test_a_long_text_comes_before_its_buttons():
    text = "\n".join(["A line of the answer, which is rather long for a phone. " * 3] * 10)
    calls = whatsapp.WhatsApp().calls({"to": PERSON}, Bubble(text, (Button("Price", "/uncovered/cost"),)))
    assert [call["body"]["type"] for call in calls] == ["text", "interactive"]
    for call in calls:
        check(f"/{NUMBER}/messages", call["body"])


@pytest.mark.parametrize("signature", ["", "x", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, signed(b"other words")])
async def test_a_forged_call_changes_nothing(bot, signature):
    assert await bot.send(call_of(message(1, "I am you")), signature) == 403
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == []


async def test_a_signature_of_another_app_or_of_sha1_is_refused(bot):
    data = json.dumps(call_of(message(1, "STOP"))).encode()
    assert await bot.send(data, signed(data, "b" * 32)) == 403
    assert (await bot.call("POST", "/webhook", data, {}))[0] == 403
    old = "sha1=" + hmac.new(SECRET.encode(), data, hashlib.sha1).hexdigest()
    assert (await bot.call("POST", "/webhook", data, {"X-Hub-Signature": old}))[0] == 403
    assert await rows(bot, opt_outs) == []


async def test_a_stale_call_changes_nothing(bot):
    """Meta sends a call again for days; after 24 hours it would not take the answer."""
    assert await bot.receive({**message(1, "one"), "timestamp": str(int(time.time()) - 25 * 3600)}) == 200
    assert bot.heard == [] and await rows(bot, events) == []
    assert await bot.receive({**message(2, "two"), "timestamp": str(int(time.time()) - 23 * 3600)}) == 200
    assert bot.heard == ["two"]


async def test_a_call_that_comes_again_is_answered_once(bot):
    repeated = call_of(message(1, "hello there"))
    assert await asyncio.gather(*(bot.send(repeated) for _ in range(3))) == [200] * 3
    assert await bot.send(repeated) == 200
    assert bot.said() == ["You said: hello there"]


async def test_a_burst_of_several_people_is_answered_each_once_and_in_order(bot):
    burst = [message(n, f"message {n}", person=f"1650555123{n % 3}") for n in range(12)]
    assert await bot.receive(*burst) == 200
    for person in range(3):
        said = [b["interactive"]["body"]["text"] for _, _, b in bot.platform.got if b["to"] == f"1650555123{person}"]
        assert said == [f"You said: message {n}" for n in range(12) if n % 3 == person]


async def test_the_handshake_is_answered_to_who_knows_the_word(bot):
    asked = "/webhook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    assert await bot.call("GET", asked + VERIFY.replace(" ", "%20")) == (200, b"1158201444")
    assert (await bot.call("GET", asked + "guess"))[0] in (403, 404)
    assert (await bot.call("GET", "/webhook"))[0] in (403, 404)


WORDLESS = {
    "image": {"id": "1"},
    "audio": {"id": "1", "voice": True},
    "video": {"id": "1"},
    "document": {"id": "1", "filename": "x.pdf"},
    "sticker": {"id": "1"},
    "location": {"latitude": 1.0, "longitude": 2.0},
    "contacts": [{"name": {"formatted_name": "x"}}],
    "unsupported": {},
}


@pytest.mark.parametrize("kind", sorted(WORDLESS))
async def test_what_has_no_words_is_answered_kindly_and_never_fetched(bot, kind):
    assert await bot.receive(message(1, kind=kind, **{kind: WORDLESS[kind]})) == 200
    assert bot.heard == [""] and len(bot.platform.got) == 1


async def test_a_caption_and_the_words_on_a_templates_button_are_words(bot):
    await bot.receive(message(1, kind="image", image={"id": "1", "caption": "what is this?"}))
    await bot.receive(message(2, kind="button", button={"payload": "/crisis/suicide", "text": "My visit"}))
    assert bot.heard == ["what is this?", "My visit"]


async def test_a_forwarded_or_quoted_message_is_its_words(bot):
    await bot.receive(message(1, "read this", context={"forwarded": True, "frequently_forwarded": True}))
    await bot.receive(message(2, "and this?", context={"from": "1555", "id": "wamid.0="}))
    assert bot.heard == ["read this", "and this?"]


async def test_who_has_a_username_is_answered_without_a_number(bot):
    hidden = {key: value for key, value in message(1, "hello there").items() if key != "from"}
    await bot.receive({**hidden, "from_user_id": USER})
    assert bot.platform.got[0][2]["recipient"] == USER and "to" not in bot.platform.got[0][2]
    await bot.receive(message(2, "price", from_user_id=USER))  # the same person, with the number again
    assert bot.heard == ["hello there", "/uncovered/cost"] and bot.platform.got[1][2]["to"] == PERSON


ODD = {
    "a reaction": call_of(message(1, kind="reaction", reaction={"message_id": "wamid.0=", "emoji": "x"})),
    "a changed number": call_of(message(1, kind="system", system={"type": "user_changed_number", "body": "x"})),
    "a new kind": call_of(message(1, kind="hologram", hologram={"body": "x"})),
    "a filled form": call_of(message(1, kind="interactive", interactive={"type": "nfm_reply", "nfm_reply": {"body": "x"}})),
    "a group": call_of(message(1, "does it help?", group_id="Y2FwaV9ncm91cDox")),
    "a status": call_of(statuses=[{"id": "wamid.0=", "status": "failed", "errors": [{"code": 131047}]}]),
    "a number that is not ours": call_of(message(1, "x"), number_id="1"),
    "another object": {**call_of(message(1, "x")), "object": "page"},
    "another field": {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "account_update", "value": {}}]}]},
    "no entries": {"object": "whatsapp_business_account"},
    "a dictionary for words": call_of(message(1, {"a": 1})),
    "a number for a person": call_of(message(1, "x", person=5)),
    "half a letter for a person": call_of(message(1, "x", person="\ud800")),
    "a NUL for an id": call_of({**message(1, "x"), "id": "\x00"}),
    "no id": call_of({k: v for k, v in message(1, "x").items() if k != "id"}),
    "no time": call_of({k: v for k, v in message(1, "x").items() if k != "timestamp"}),
    "no person": call_of({k: v for k, v in message(1, "x").items() if k != "from"}),
    "nothing": {},
    "a list": [],
    "null": None,
    "no JSON": b"\xff\x00{",
    "empty": b"",
}


@pytest.mark.parametrize("odd", sorted(ODD))
async def test_what_is_no_message_is_taken_and_left(bot, odd):
    assert await bot.send(ODD[odd]) == 200
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == []


async def test_an_odd_message_does_not_keep_the_others_from_being_answered(bot):
    await bot.receive(message(1, "one"), {"type": "text"}, None, message(2, kind="reaction", reaction={}), message(3, "two"))
    assert bot.heard == ["one", "two"]


async def test_stop_is_honoured_until_start_and_help_is_answered(bot):
    await bot.receive(message(1, "help"))
    assert bot.heard == ["help"]
    await bot.receive(message(2, "STOP"))
    assert "START" in bot.said()[-1] and len(await rows(bot, opt_outs)) == 1
    await bot.receive(message(3, "does it help?"))
    assert bot.heard == ["help"] and len(bot.said()) == 2
    await bot.receive(message(4, "i want to kill myself"))
    assert bot.heard[-1] == "i want to kill myself"
    await bot.receive(message(5, "start"))
    assert await rows(bot, opt_outs) == []


@pytest.mark.parametrize("status, code", [(400, 131026), (400, 131047), (400, 131051), (500, 131026), (400, 100)])
async def test_what_meta_never_takes_is_recorded_and_not_tried_again(bot, status, code):
    bot.platform.answers = [(status, {"error": {"code": code, "message": PERSON}}, {})]
    await bot.receive(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and str(code) in entry.failed and PERSON not in entry.failed and "one" not in entry.payload
    await bot.receive(message(2, "two"))
    assert bot.said() == ["You said: two"]


@pytest.mark.parametrize(
    "status, code", [(429, 130429), (400, 131056), (400, 80007), (400, 4), (503, 2), (401, 190), (400, 131042)]
)
async def test_what_passes_is_tried_again(bot, status, code):
    bot.platform.answers = [(status, {"error": {"code": code, "message": "x"}}, {"Retry-After": "20"})]
    await bot.receive(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert not entry.done and 15 < entry.due - entry.at < 60


async def test_a_platform_that_fails_gets_it_later_and_in_order(bot, monkeypatch):
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.01)
    bot.platform.answers = [(500, {}, {})]
    await bot.receive(message(1, "one"))
    await bot.receive(message(2, "two"))
    for _ in range(20):
        await outbox.deliver_due(bot.store.database)
        await asyncio.sleep(0.02)
    assert bot.said() == ["You said: one", "You said: two"]


async def test_a_turn_that_failed_is_told_at_once(bot, monkeypatch):
    monkeypatch.setattr("infusion_guide.channels.door.SECONDS", 0.5)
    await bot.receive(message(1, "break"))
    assert "988" in bot.said()[0]


async def test_tokens_and_numbers_are_in_no_log(bot, caplog):
    bot.platform.answers = [(401, {"error": {"code": 190, "message": TOKEN}}, {})]
    await bot.receive(message(1, "one"))
    await bot.send(call_of(message(2, "two")), "x")
    assert TOKEN not in caplog.text and PERSON not in caplog.text and SECRET not in caplog.text


async def test_without_its_settings_it_is_off(monkeypatch, tmp_path):
    async with running_whatsapp(monkeypatch, tmp_path) as bot:
        monkeypatch.setattr(messaging, "settings", lambda: Settings())
        assert await bot.receive(message(1, "hello")) == 404 and bot.heard == []
        assert (await bot.call("GET", "/webhook?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"))[0] == 404


def every_reply():
    """Every reply in both languages, in each of its variations."""
    for name in WHOLE:
        for language in ("en", "es"):
            for turn in range(len(REPLIES[name])):
                yield name, told(name, turn, language=language)


def test_every_reply_is_within_metas_limits_and_shows_no_payload():
    channel, notice = whatsapp.WhatsApp(), line("utter_messaging_notice")
    for name, reply in every_reply():
        for text in (reply["text"], f"{notice}\n{reply['text']}"):
            found = bubbles([Reply.of_message({**reply, "text": text})], channel.limits)
            calls = [call["body"] for bubble in found for call in channel.calls({"to": PERSON}, bubble)]
            shown, payloads = [], []
            for body in calls:
                check(f"/{NUMBER}/messages", body)
                if "text" in body:
                    shown.append(body["text"]["body"])
                    continue
                action = body["interactive"]["action"]
                choices = [b["reply"] for b in action.get("buttons", [])] + [
                    r for s in action.get("sections", []) for r in s["rows"]
                ]
                payloads += [choice["id"] for choice in choices]
                shown += [
                    body["interactive"]["body"]["text"],
                    *(f"{c['title']} {c.get('description', '')}".strip() for c in choices),
                ]
            buttons = reply.get("buttons", [])
            assert payloads == [button["payload"] for button in buttons], name
            assert not any(payload in words for payload in payloads for words in shown), name
            assert [words for words in shown if words in [b["title"] for b in buttons]] == [b["title"] for b in buttons], name
            assert "".join("".join(shown).split()).startswith("".join(text.split())), name
            assert len(calls) == 1, name


# ---- Whatever comes ----

WORDS = ["id", "from", "type", "text", "body", "image", "caption", "interactive", "button_reply", "timestamp", "group_id"]
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {
        "from": st.sampled_from([PERSON, "", "\x00"]) | SHAPES,
        "id": st.text(max_size=400) | SHAPES,
        "timestamp": st.just(str(int(time.time()))) | SHAPES,
        "type": st.sampled_from(["text", "image", "interactive", "button", "reaction", "contacts"]) | SHAPES,
    },
    optional={
        "text": st.fixed_dictionaries({"body": st.text(max_size=50) | SHAPES}) | SHAPES,
        "interactive": SHAPES,
        "image": SHAPES,
    },
)


async def statuses(bot, calls):
    return {await bot.send(body, signature) for body, signature in calls}


async def test_no_shape_of_a_genuine_call_is_an_error(bot):
    bodies = [call_of(each) for each in collected(ALMOST, 100)] + collected(SHAPES, 50)
    bodies += [call_of(*each) for each in collected(st.lists(SHAPES, max_size=3), 30)]
    bodies += [{"object": "whatsapp_business_account", "entry": each} for each in collected(SHAPES, 20)]
    assert await statuses(bot, [(body, None) for body in bodies]) == {200}


async def test_no_bytes_are_an_error(bot):
    bodies = collected(st.binary(max_size=300), 60) + [b"[" * 60_000, b'{"a":' * 10_000, b"x" * 63_000]
    assert await statuses(bot, [(body, None) for body in bodies]) == {200}
    assert await statuses(bot, [(body, "sha256=" + "0" * 64) for body in bodies]) == {403}
    assert await statuses(bot, [(b"x" * 70_000, None)]) == {413} and bot.heard == []


async def test_an_answer_that_did_not_arrive_is_recorded_for_staff_once(bot):
    await bot.receive(message(1, "hello"))
    failed = {"id": "wamid.out=", "status": "failed", "recipient_id": PERSON, "errors": [{"code": 131026, "title": "x"}]}
    for _ in range(2):
        assert await bot.send(call_of(statuses=[failed, {**failed, "id": "wamid.2=", "status": "read"}])) == 200
    delivered, recorded = await rows(bot, outbox_table)
    assert not delivered.failed and recorded.failed == "whatsapp reports: error 131026" and recorded.done
    assert recorded.sender_id == delivered.sender_id and bot.heard == ["hello"]
