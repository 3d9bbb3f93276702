"""Text messages: Twilio's calls only, one message for one answer, plain punctuation, and the carrier's words left to it."""

import asyncio
import base64
import json
import re
import statistics
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from multidict import MultiDict

from infusion_guide.channels import messaging
from infusion_guide.channels.platform import Received
from infusion_guide.channels.platforms import sms
from infusion_guide.channels.rendering import Bubble
from infusion_guide.channels.sms_segments import _BARE, is_gsm7, longest, plain, segments
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.delivery import outbox
from infusion_guide.replies.book import line
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.storage.tables import events, opt_outs
from infusion_guide.storage.tables import outbox as outbox_table
from tests.platforms import collected, rows, running
from tests.test_replies import REPLIES, WHOLE, told

ACCOUNT, TOKEN, OURS = "AC" + "a" * 32, "t" * 32, "+15550001111"
PUBLIC, PATH = "https://bot.example.org", "/webhooks/sms/webhook"
NOTHING = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
LIST = "\nOr answer with a number:\n1. Cravings\n2. Price"
SETTINGS = Settings(twilio_account=ACCOUNT, twilio_token=TOKEN, twilio_sender=OURS, public_url=PUBLIC)


def sms_settings(api, sender=OURS):
    return Settings(twilio_account=ACCOUNT, twilio_token=TOKEN, twilio_sender=sender, public_url=PUBLIC, twilio_api=api)


def check(path, body):
    """Message resource: its address, fields and length (twilio.com/docs/messaging/api/message-resource)."""
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert set(body) in ({"To", "Body", "From"}, {"To", "Body", "MessagingServiceSid"})
    assert body["To"].startswith("+") and 1 <= len(body["Body"]) <= 1600


def message(number, text=None, person="+15552223333", **more):
    """The parameters of Twilio's call for a message, as documented (twilio.com/docs/messaging/guides/webhook-request)."""
    sid = f"SM{number:032x}"
    given = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": ACCOUNT, "From": person, "To": OURS}
    place = {"FromCity": "", "FromState": "", "FromCountry": "US", "SmsStatus": "received"}  # blank ones are signed too
    return {**given, **place, "Body": text or "", "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01", **more}


def signed(given, url=PUBLIC + PATH, token=TOKEN):
    return sms.signature(token, url, MultiDict(given))


@asynccontextmanager
async def running_sms(monkeypatch, folder, sender=OURS, **more):
    """`running`, with `send(parameters)` that signs as Twilio does, and `said()`."""
    made = lambda api: sms_settings(api, sender)  # noqa: E731
    async with running(sms.Sms(), sms, made, monkeypatch, folder, check, **more) as bot:

        async def call(given, signature=None, query=""):
            signature = signed(given, PUBLIC + PATH + query) if signature is None else signature
            headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
            return await bot.call("POST", "/webhook" + query, urlencode(list(given.items())), headers)

        async def send(given, signature=None, query=""):
            status, body = await call(given, signature, query)
            assert status != 200 or body == NOTHING
            return status

        bot.send, bot.said = send, lambda: [body["Body"] for _, _, body in bot.platform.got]
        yield bot
        assert not bot.platform.broken


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running_sms(monkeypatch, tmp_path) as found:
        yield found


async def test_ten_turns(bot):
    """A question, a number, a button's words, a picture, a crisis, a burst of three, a long text and thanks."""
    await bot.send(message(1, "does it help with cravings?"))
    await bot.send(message(2, "2"))
    await bot.send(message(3, "cravings"))
    await bot.send(message(4, NumMedia="1", MediaUrl0="https://api.twilio.com/x", MediaContentType0="image/jpeg"))
    await bot.send(message(5, "i want to kill myself"))
    await bot.send(message(6, "how long"))
    await bot.send(message(7, "does it take"))
    await bot.send(message(8, "each time?"))
    long = "I have a long question. " * 66
    await bot.send(message(9, long))
    await bot.send(message(10, "thanks"))
    heard = ["does it help with cravings?", "/uncovered/cost", "/faq/cravings", "", "i want to kill myself", "how long"]
    assert bot.heard == [*heard, "does it take", "each time?", long.strip(), "thanks"]
    assert len(bot.said()) == 10 + 1  # the echo of the long text needs two
    assert bot.said()[0] == "You said: does it help with cravings?" + LIST
    assert bot.said()[4] == "You said: i want to kill myself" + LIST
    assert all(entry.done and not entry.failed and "+1555" not in entry.payload for entry in await rows(bot, outbox_table))


async def test_answers_go_to_the_sender_from_our_number_with_our_credentials(bot):
    await bot.send(message(1, "hello there"))
    ((_, headers, body),) = bot.platform.got
    assert body["To"] == "+15552223333" and body["From"] == OURS
    assert headers["Authorization"] == "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()


async def test_a_messaging_service_sends_in_place_of_a_number(monkeypatch, tmp_path):
    async with running_sms(monkeypatch, tmp_path, sender="MG" + "b" * 32) as bot:
        await bot.send(message(1, "hello there"))
        assert bot.platform.got[0][2]["MessagingServiceSid"] == "MG" + "b" * 32


FORGED = {
    "no signature": (message(1, "I am you"), ""),
    "a guess": (message(1, "I am you"), "x" * 28),
    "not ASCII": (message(1, "I am you"), "\u00e9" * 28),
    "another token": (message(1, "I am you"), signed(message(1, "I am you"), token="u" * 32)),
    "another address": (message(1, "I am you"), signed(message(1, "I am you"), url="https://evil.example" + PATH)),
    "other words": (message(1, "I am you"), signed(message(1, "I am me"))),
    "one more parameter": (message(1, "I am you", OptOutType="START"), signed(message(1, "I am you"))),
    "a blank parameter less": ({k: v for k, v in message(1, "x").items() if k != "FromCity"}, signed(message(1, "x"))),
    "another account": (message(1, "x", AccountSid="AC" + "b" * 32), None),
    "no account": ({"From": "+15552223333", "MessageSid": "SM1", "Body": "x"}, None),
}


@pytest.mark.parametrize("forged", sorted(FORGED))
async def test_a_forged_call_changes_nothing(bot, forged):
    given, signature = FORGED[forged]
    if forged == "a blank parameter less":
        given.pop("FromState")
    if forged == "not ASCII":
        headers = {"X-Twilio-Signature": "\u00e9" * 28, "Content-Type": "application/x-www-form-urlencoded"}
        assert (await bot.call("POST", "/webhook", urlencode(given), headers))[0] in (400, 403)
    else:
        assert await bot.send(given, signature) == 403
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == [] and await rows(bot, opt_outs) == []


async def test_a_query_in_the_address_is_signed_too(bot):
    assert await bot.send(message(1, "one"), query="?clinic=a%20b") == 200
    assert await bot.send(message(2, "two"), signed(message(2, "two")), query="?clinic=a%20b") == 403
    assert bot.heard == ["one"]


@pytest.mark.parametrize(
    "given, signature",
    [  # the first is Twilio's published example, the second what its own package answers
        (
            [
                ("CallSid", "CA1234567890ABCDE"),
                ("Caller", "+12349013030"),
                ("Digits", "1234"),
                ("From", "+12349013030"),
                ("To", "+18005551212"),
            ],
            "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
        ),
        ([("To", "+18005551212"), ("Extra", "b"), ("Extra", "a"), ("Extra", "a"), ("Body", "")], "kgzHLZn9Dw/TivATDRJVrctc3GE="),
    ],
)
def test_calls_are_signed_as_twilio_does(given, signature):
    assert sms.signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", MultiDict(given)) == signature


async def test_a_parameter_may_come_twice(bot):
    given = MultiDict([*message(1, "hello there").items(), ("Extra", "b"), ("Extra", "a")])
    assert await bot.send(given) == 200 and bot.heard == ["hello there"]


async def test_words_with_umlauts_plus_signs_and_emoji_are_verified(bot):
    assert await bot.send(message(1, "caf\u00e9 & 1+1=2 \U0001f642 %41")) == 200
    assert bot.heard == ["caf\u00e9 & 1+1=2 \U0001f642 %41"]


async def test_a_call_that_comes_again_is_answered_once(bot):
    assert await asyncio.gather(*(bot.send(message(1, "hello there")) for _ in range(3))) == [200] * 3
    failed_over = message(1, "hello there", ErrorCode="11200", ErrorUrl=PUBLIC + PATH)  # to the fallback address
    assert await bot.send(failed_over) == 200
    assert len(bot.said()) == 1 and bot.heard[0] == "hello there" and len({*bot.heard}) == 1


async def test_a_burst_is_answered_each_once(bot):
    calls = (bot.send(message(n, f"message {n}", person=f"+1555222000{n % 3}")) for n in range(12))
    assert await asyncio.gather(*calls) == [200] * 12
    assert sorted(bot.said()) == sorted(f"You said: message {n}" + LIST for n in range(12))


async def test_a_call_of_thousands_of_parameters_is_not_worked_out(bot):
    """Signing costs the square of their number; Twilio sends some 25."""
    assert await bot.send(message(1, "x", **{f"a{number}": "" for number in range(300)})) == 403


@pytest.mark.parametrize(
    "odd",
    [
        {**message(1, "x"), "MessageStatus": "delivered", "SmsStatus": "delivered"},
        {**message(1), "MessageStatus": "undelivered", "ErrorCode": "30003"},
        message(1, "your code is 1234", person="72975"),
        message(1, "x", person="whatsapp:+15552223333"),
        message(1, "x", person="+1\x00"),
        message(1, "x", person=""),
        {"AccountSid": ACCOUNT, "MessageSid": "SM1", "Body": "x"},
        {"AccountSid": ACCOUNT, "From": "+15552223333", "Body": "x"},
        {"AccountSid": ACCOUNT, "From": "+15552223333", "MessageSid": "\x00", "Body": "x"},
        {"AccountSid": ACCOUNT},
    ],
)
async def test_what_is_no_message_is_taken_and_left(bot, odd):
    assert await bot.send(odd) == 200
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, events) == []


@pytest.mark.parametrize("word", ["STOP", "stopall", "Unsubscribe", "end", "QUIT ", "cancel", "optout", "revoke", "stop."])
async def test_the_carriers_words_to_stop_are_remembered_and_met_with_silence(bot, word):
    assert await bot.send(message(1, word)) == 200
    await bot.send(message(2, "does it help?"))
    assert bot.heard == [] and bot.platform.got == [] and len(await rows(bot, opt_outs)) == 1
    await bot.send(message(3, "i want to kill myself"))
    assert bot.heard == ["i want to kill myself"]


@pytest.mark.parametrize("word", ["HELP", "info", "START", "unstop"])
async def test_the_carriers_other_words_are_met_with_silence(bot, word):
    assert await bot.send(message(1, word)) == 200
    assert bot.heard == [] and bot.platform.got == [] and await rows(bot, opt_outs) == []


@pytest.mark.parametrize("words", ["help!", "Help me", "info?", "the end", "quit!", "I quit", "cancel my visit", "yes", "Yes."])
async def test_what_the_carrier_does_not_answer_is_answered(bot, words):
    await bot.send(message(1, words))
    assert bot.heard == [words] and len(bot.said()) == 1 and await rows(bot, opt_outs) == []


@pytest.mark.parametrize("word", ["START", "unstop", "YES"])
async def test_an_opt_out_ends_with_the_carriers_words(bot, word):
    await bot.send(message(1, "STOP"))
    await bot.send(message(2, word))
    assert await rows(bot, opt_outs) == [] and bot.platform.got == []
    await bot.send(message(3, "does it help?"))
    assert bot.heard == ["does it help?"]


async def test_advanced_opt_out_says_what_was_meant(bot):
    await bot.send(message(1, "ALTO", OptOutType="STOP"))
    assert len(await rows(bot, opt_outs)) == 1
    await bot.send(message(2, "SI", OptOutType="START"))
    assert await rows(bot, opt_outs) == []
    await bot.send(message(3, "AYUDA", OptOutType="HELP"))
    assert bot.heard == [] and bot.platform.got == []


@pytest.mark.parametrize("code", [21610, 21211, 21614])
async def test_who_cannot_be_reached_is_recorded_and_not_tried_again(bot, code):
    bot.platform.answers = [(400, {"code": code, "message": "+15552223333", "status": 400}, {})]
    await bot.send(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert entry.done and entry.failed == f"Twilio answered 400, error {code}." and "one" not in entry.payload
    await bot.send(message(2, "two"))
    assert bot.said() == ["You said: two" + LIST]


@pytest.mark.parametrize(
    "answer, least",
    [
        ((429, {"code": 20429}, {"Retry-After": "30"}), 25),
        ((429, {}, {"Retry-After": "30"}), 25),
        ((400, {"code": 21611}, {}), 1),
        ((400, {"code": 21606}, {}), 1),
        ((503, {}, {}), 1),
        ((401, {"code": 20003}, {}), 1),
    ],
)
async def test_what_passes_is_tried_again_later(bot, answer, least, monkeypatch):
    bot.platform.answers = [answer]
    await bot.send(message(1, "one"))
    (entry,) = await rows(bot, outbox_table)
    assert not entry.done and least < entry.due - entry.at < 60


async def test_a_platform_that_fails_gets_it_later_and_in_order(bot, monkeypatch):
    monkeypatch.setattr(outbox, "_FIRST_WAIT", 0.01)
    bot.platform.answers = [(500, {}, {})]
    await bot.send(message(1, "one"))
    await bot.send(message(2, "two"))
    for _ in range(20):
        await outbox.deliver_due(bot.store.database)
        await asyncio.sleep(0.02)
    assert bot.said() == ["You said: one" + LIST, "You said: two" + LIST]


async def test_a_turn_that_failed_is_told_at_once(bot, monkeypatch):
    monkeypatch.setattr("infusion_guide.channels.door.SECONDS", 0.5)
    await bot.send(message(1, "break"))
    assert "988" in bot.said()[0]


async def test_the_token_is_in_no_log(bot, caplog):
    bot.platform.answers = [(401, {"code": 20003, "message": TOKEN}, {})]
    await bot.send(message(1, "one"))
    await bot.send(message(2, "two"), "x")
    assert TOKEN not in caplog.text and "+15552223333" not in caplog.text


async def test_without_its_settings_it_is_off(monkeypatch, tmp_path):
    async with running_sms(monkeypatch, tmp_path) as bot:
        monkeypatch.setattr(messaging, "settings", lambda: Settings())
        assert await bot.send(message(1, "hello")) == 404 and bot.heard == []
        assert (await bot.call("GET", "/webhook"))[0] == 404


# ---- Answers ----


def effects(replies, monkeypatch):
    monkeypatch.setattr(sms, "settings", lambda: SETTINGS)
    received = Received("+15552223333", "+15552223333", "SM1", "x")
    found = messaging.MessagingChannel(sms.Sms())._effects("sms:1", received, replies)
    return [effect.payload["call"] for effect in found]


def every_reply():
    """Every reply in both languages, in each of its variations, as the first one of a conversation and as a later one."""
    for name in WHOLE:
        for language in ("en", "es"):
            for turn in range(len(REPLIES[name])):
                yield name, language, told(name, turn, language=language)


def test_every_reply_is_one_message_without_a_payload(monkeypatch):
    counted = {"en": [], "es": []}
    for name, language, reply in every_reply():
        notice = line("utter_messaging_notice", language=language)
        for text in (reply["text"], f"{notice}\n{reply['text']}"):
            calls = effects([Reply.of_message({**reply, "text": text})], monkeypatch)
            # In Spanish a few first answers need the room of their buttons as well: accents take more of it.
            assert len(calls) == 1 or (len(calls) == 2 and language == "es" and text != reply["text"]), name
            assert all(len(call["Body"]) <= 1600 and segments(call["Body"]) <= 10 for call in calls), name
            body, titles = "\n".join(call["Body"] for call in calls), [button["title"] for button in reply.get("buttons", [])]
            assert not any(button["payload"] in body for button in reply.get("buttons", [])), name
            assert all(
                f"{number}. {plain(title)}".translate(_BARE) in body.translate(_BARE) for number, title in enumerate(titles, 1)
            ), name
            spanish = language == "es" and any(v["metadata"].get("language") == "es" for v in REPLIES[name])
            spanish = spanish or name == "utter_language_spanish"
            assert spanish or is_gsm7(body), [c for c in body if not is_gsm7(c)]
            counted["es" if spanish else "en"].append((segments(body), name))
    for language, found in counted.items():
        sizes = [size for size, _ in found]
        print(f"SMS segments ({language}): median {statistics.median(sizes)}, largest {max(found)}, of {len(found)} messages")
    assert statistics.median(size for size, _ in counted["en"]) <= 6


def test_the_answers_of_one_turn_are_one_message(monkeypatch):
    replies = [Reply("", "One."), Reply("", "Two.", (Button("What\u2019s new", "/faq/cravings"),))]
    (call,) = effects(replies, monkeypatch)
    assert call == {"To": "+15552223333", "Body": "One.\nTwo.\nOr answer with a number:\n1. What's new"}
    assert effects([], monkeypatch) == []


@examples(max_examples=60, deadline=None, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4000))
def test_no_text_is_too_long_for_twilio(text):
    calls = sms.Sms().calls("+1", Bubble(text))
    assert all(0 < len(call["Body"].encode("utf-16-le")) // 2 <= 1600 for call in calls)


# ---- Segments (the numbers of twilio.com/docs/glossary/what-sms-character-limit) ----


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("\u20ac" * 80, 1),
        ("\u20ac" * 81, 2),
        ("\u20ac" * 77 + "a" * 152, 3),  # the sign of two places does not fit into the last place of a segment
        ("\u00f3" * 70, 1),
        ("\u00f3" * 71, 2),
        ("\u00f3" * 134, 2),
        ("\u00f3" * 135, 3),
        ("\U0001f642" * 35, 1),
        ("\U0001f642" * 36, 2),
        ("\U0001f642" * 67, 3),  # 33 to a segment, a pair is not divided
    ],
)
def test_segments_are_counted_as_the_carrier_does(text, expected):
    assert segments(text) == expected


def test_typographic_punctuation_becomes_plain_and_letters_stay():
    assert plain("\u201cIt\u2019s fine\u201d \u2013 1\u00a0day\u2026") == '"It\'s fine" - 1 day...'
    assert plain("\u00bfC\u00f3mo est\u00e1s?") == "\u00bfC\u00f3mo est\u00e1s?" and not is_gsm7("\u00f3")
    assert is_gsm7(plain("caf\u0065\u0301")) and longest("a") == 1530 and longest("\u00f3") == 670
    assert plain("call 1-800-662-4357 or 988") == "call 1-800-662-4357 or 988"


# ---- Whatever comes ----

KEYS = ["MessageSid", "From", "Body", "NumMedia", "MessageStatus", "OptOutType", "To", "AccountSid", "\x00"]
SHAPES = st.lists(st.tuples(st.sampled_from(KEYS), st.text(max_size=40) | st.sampled_from(["+15552223333", "SM1"])), max_size=12)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    """Runs a list of (body, signature or None: sign it) against one application; their statuses."""

    def run(calls):
        async def all_of_them():
            with pytest.MonkeyPatch.context() as monkeypatch:
                async with running_sms(monkeypatch, tmp_path_factory.mktemp("sms")) as bot:
                    found = []
                    for body, signature in calls:
                        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
                        found.append((await bot.call("POST", "/webhook", body, headers))[0])
                    return found, bot.heard

        return asyncio.run(all_of_them())

    return run


def test_no_shape_of_a_genuine_call_is_an_error(fuzzed):
    calls = []
    for pairs in collected(SHAPES, 150):
        pairs = [(key, value) for key, value in pairs if key != "AccountSid"] + [("AccountSid", ACCOUNT)]
        pairs = [(key, value.encode("utf-8", "ignore").decode()) for key, value in pairs]
        calls.append((urlencode(pairs), signed(MultiDict(pairs))))
    statuses, _ = fuzzed(calls)
    assert set(statuses) == {200}


def test_no_bytes_without_a_signature_get_anywhere(fuzzed):
    bodies = collected(st.binary(max_size=300), 100)
    bodies += [
        b"a=" * 30_000,
        b"&".join(b"a=%d" % n for n in range(5000)),
        b"x" * 63_000,
        b"%FF=%",
        b"{}",
        json.dumps({}).encode(),
    ]
    statuses, heard = fuzzed([(body, "x" * 28) for body in bodies])
    assert set(statuses) == {403} and heard == []
    assert set(fuzzed([(b"x" * 70_000, "x")])[0]) == {413}


# ---- What the clinic configures ----


def test_the_texts_to_configure_hold_911_and_988_and_the_manual_names_every_word():
    manual = (ROOT / "docs" / "messaging" / "sms.md").read_text(encoding="utf-8")
    texts = re.findall(r"```text\n(.+)\n```", manual)
    assert len(texts) == 3
    for text in texts:
        assert "911" in text and "988" in text and is_gsm7(text) and segments(text) <= 2
    assert all(word.upper() in manual for word in sms.Sms.carrier_words)
    english = [variation["text"] for variations in REPLIES.values() for variation in variations]
    prompts = re.compile(r"\b(text|reply|send|write|answer) (HELP|INFO|STOP|END|QUIT|CANCEL)\b")
    assert not [text for text in english if prompts.search(text)]


async def test_an_answer_that_did_not_arrive_is_recorded_for_staff_once(bot):
    await bot.send(message(1, "hello"))
    report = {"AccountSid": ACCOUNT, "MessageSid": "SMout", "MessageStatus": "undelivered", "ErrorCode": "30003"}
    for _ in range(2):
        assert await bot.send({**report, "From": "+15550000000", "To": message(1)["From"]}) == 200
    delivered, failed = await rows(bot, outbox_table)
    assert not delivered.failed and failed.failed == "sms reports: error 30003" and failed.done
    assert failed.sender_id == delivered.sender_id and bot.heard == ["hello"]
