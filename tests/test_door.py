"""Every message is checked, counted, answered once, and never met with silence, whatever is broken behind the door."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.channels import door
from infusion_guide.channels.door import Answer, answer
from infusion_guide.channels.message import Message, Refused, id_of, text_of
from infusion_guide.channels.rate_limits import Limited
from infusion_guide.engine.actions import TurnAborted
from infusion_guide.replies.reply import Button, Reply
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.turn import AlreadyAnswered, StaleTurn, current_turn

HELLO = {"text": "Hello.", "utter_action": "utter_chitchat/greet", "sources": [], "buttons": [{"title": "A", "payload": "/a"}]}


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    class Free:
        async def visitor(self, conversation, address):
            pass

    monkeypatch.setattr(door, "rate_limits", lambda: Free())
    monkeypatch.setattr(door, "_PAUSE", 0.01)


def rasa(*outcomes):
    """Rasa's handler: each call says HELLO and then raises the next of `outcomes`, or stores the turn (None)."""
    calls = []

    async def handle(message):
        calls.append(message)
        outcome = outcomes[min(len(calls), len(outcomes)) - 1]
        await message.output_channel.send_response(message.sender_id, dict(HELLO))
        if outcome is not None:
            raise outcome
        current_turn.get().stored = True

    handle.calls = calls
    return handle


def names(found):
    return [reply.name for reply in found.replies]


def sent(text="hello", **more):
    return Message("web:a", text, "web", **more)


async def test_an_answer_is_what_was_stored():
    handle = rasa(None)
    found = await answer(handle, sent(message_id="m1"))
    assert found == Answer([Reply("utter_chitchat/greet", "Hello.", (Button("A", "/a"),))])
    (message,) = handle.calls
    assert message.message_id.startswith("m1 ")
    assert (message.sender_id, message.input_channel, message.metadata) == ("web:a", "web", None)


async def test_rasa_is_told_that_a_message_came_through_another_company():
    handle = rasa(None)
    await answer(handle, sent(messaging=True))
    assert handle.calls[0].metadata == {"messaging": True}


@pytest.mark.parametrize("failure", [StaleTurn(), DatabaseUnavailable()])
async def test_what_was_not_stored_is_worked_out_again_and_said_once(failure):
    handle = rasa(failure, failure, None)
    found = await answer(handle, sent())
    assert found.outcome == "answered" and len(found.replies) == 1
    assert len({message.message_id for message in handle.calls}) == 1  # the same message, however often


async def test_a_message_that_was_answered_gets_its_answer_again():
    found = await answer(rasa(AlreadyAnswered([Reply("", "before")])), sent())
    assert found.outcome == "answered" and found.replies == [Reply("", "before")]


@pytest.mark.parametrize(
    "failure",
    [RuntimeError("secret words"), TurnAborted(), DatabaseUnavailable(), StaleTurn(), MemoryError(), TimeoutError()],
)
async def test_whatever_breaks_is_said_honestly_and_a_crisis_is_answered(failure, caplog):
    found = await answer(rasa(failure), sent())
    assert (found.status, names(found)) == (503, ["utter_technical_problem"])
    found = await answer(rasa(failure), sent("i want to kill myself"))
    assert (found.status, names(found)) == (503, ["utter_crisis/suicide"])
    assert "kill myself" not in caplog.text


async def test_a_rasa_without_a_model_is_a_failure_not_silence():
    async def ignores(_):
        return None

    assert names(await answer(ignores, sent())) == ["utter_technical_problem"]


async def test_a_turn_that_hangs_ends_in_time(monkeypatch):
    monkeypatch.setattr(door, "SECONDS", 0.2)

    async def hangs(_):
        await asyncio.sleep(60)

    started = time.monotonic()
    assert (await answer(hangs, sent("i took too many pills"))).outcome == "failed"
    assert time.monotonic() - started < 2


async def test_over_the_limit_words_are_friendly_and_a_crisis_is_answered(monkeypatch):
    class Full:
        async def visitor(self, conversation, address):
            raise Limited("visitor", 30)

    monkeypatch.setattr(door, "rate_limits", lambda: Full())
    handle = rasa(None)
    found = await answer(handle, sent())
    assert (found.status, found.retry_after, names(found)) == (429, 30, ["utter_too_many_messages"])
    found = await answer(handle, sent("i want to die"))
    assert (found.status, names(found)) == (200, ["utter_crisis/suicide"])
    for _ in range(200):  # however many there were: no budget that others can spend
        assert names(await answer(handle, sent("i want to die"))) == ["utter_crisis/suicide"]
    assert handle.calls == []


async def test_one_id_for_two_messages_means_two_messages():
    handle = rasa(None)
    for text in ("hello", "i want to die", "hello"):
        await answer(handle, sent(text, message_id="1"))
    first, second, third = (message.message_id for message in handle.calls)
    assert first == third != second


@given(st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.lists(st.text())))
def test_any_value_is_a_text_or_is_refused(value):
    try:
        text = text_of(value)
    except Refused as refused:
        assert refused.status in (400, 413) and str(refused)
    else:
        text.encode("utf-8")
        assert "\x00" not in text


@given(st.one_of(st.text(), st.none(), st.integers(), st.text("ab", min_size=151)))
def test_any_value_is_an_id_or_is_refused(value):
    try:
        given_id = id_of(value, "sender")
    except Refused as refused:
        assert refused.status == 400 and "sender" in str(refused)
    else:
        assert 0 < len(given_id) <= 150 and given_id.isprintable() or " " in given_id or not given_id.isascii()
        given_id.encode("utf-8")


def unstorable(*replies):
    """Rasa's handler: the turn is worked out with `replies`, and cannot be stored."""

    async def handle(message):
        for name in replies:
            await message.output_channel.send_response(message.sender_id, {**HELLO, "utter_action": name})
        current_turn.get().worked_out = True
        raise DatabaseUnavailable

    return handle


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        (["utter_faq/cravings"], ["utter_faq/cravings", "utter_unstored"]),
        (["utter_crisis/overdose"], ["utter_crisis/overdose", "utter_unstored"]),
        (["utter_callback_sent"], ["utter_technical_problem"]),  # nothing was taken down
        (["utter_ask_callback_name"], ["utter_technical_problem"]),  # the form would not be there
        (["utter_faq/cravings", "utter_ask_callback_name"], ["utter_technical_problem"]),
        ([], ["utter_technical_problem"]),
    ],
)
async def test_what_was_worked_out_is_said_and_that_it_was_not_stored(replies, said):
    found = await answer(unstorable(*replies), sent("something quiet"))
    assert (found.status, names(found), found.stored) == (503, said, False)
    assert not any(reply.buttons for reply in found.replies)  # nothing is there to obey them


async def test_half_a_turn_is_not_said_unless_it_is_a_crisis_reply():
    async def half(message):
        await message.output_channel.send_response(message.sender_id, {**HELLO, "utter_action": message.text})
        raise TurnAborted

    assert names(await answer(half, sent("utter_faq/cravings"))) == ["utter_technical_problem"]
    assert names(await answer(half, sent("utter_crisis/suicide"))) == ["utter_crisis/suicide", "utter_unstored"]
