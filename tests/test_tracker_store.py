"""Conversations are kept whole, once, across restarts, at the same cost however long; a failure is never an empty talk."""

import asyncio

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.tracker_store import WINDOW, TrackerStore
from infusion_guide.replies.reply import Reply
from infusion_guide.storage.database import Database, DatabaseUnavailable, migrate
from infusion_guide.storage.tables import events, outbox, turns
from infusion_guide.storage.turn import AlreadyAnswered, Effect, StaleTurn, Turn, current_turn

DOMAIN = Domain.from_dict(
    {"intents": ["faq"], "slots": {"careful": {"type": "bool", "mappings": [{"type": "custom"}]}}, "forms": {"f": None}}
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The same promises on both databases."""
    found = (
        f"sqlite:///{tmp_path}/conversations.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    )
    migrate(found)
    return found


def store(url):
    kept = TrackerStore(DOMAIN)
    kept.database = Database(url)
    return kept


def begun(sender="a"):
    return DialogueStateTracker.from_events(sender, [ActionExecuted("action_listen")], slots=DOMAIN.slots)


def turn_of(tracker, text, said="hello"):
    """One turn's events."""
    tracker.update(UserUttered(text, parse_data={"intent": {"name": "faq"}}))
    tracker.update(ActionExecuted("utter_faq"))
    tracker.update(BotUttered(said, metadata={"utter_action": "utter_faq/what_is"}))
    tracker.update(ActionExecuted("action_listen"))


def types(tracker):
    return [event.type_name for event in tracker.events]


async def test_a_conversation_survives_a_restart(url):
    tracker, first = begun(), store(url)
    await first.save(tracker)
    tracker.update(UserUttered("hello \u0000 \U0001f600", parse_data={"intent": {"name": "faq"}}))
    tracker.update(SlotSet("careful", True))
    await first.save(tracker)
    await first.save(tracker)  # nothing new: nothing stored
    again = await store(url).retrieve("a")
    assert types(again) == ["action", "user", "slot"]
    assert again.get_slot("careful") is True and again.latest_message.text == "hello \u0000 \U0001f600"
    assert await first.retrieve("b") is None
    assert await first.keys() == ["a"]


async def test_of_two_turns_worked_out_at_once_one_is_stored(url):
    here, there = store(url), store(url)
    await here.save(begun())
    one, two = await here.retrieve("a"), await there.retrieve("a")
    turn_of(one, "first")
    turn_of(two, "second")
    await here.save(one)
    with pytest.raises(StaleTurn):
        await there.save(two)
    assert [e.text for e in (await here.retrieve("a")).events if isinstance(e, UserUttered)] == ["first"]
    with pytest.raises(StaleTurn):  # two workers that both saw no conversation
        await there.save(begun())


async def test_what_a_turn_said_and_caused_is_stored_with_it_or_not_at_all(url):
    kept = store(url)
    turn = Turn("m1", [Reply("", "hello")], [Effect("crisis", "a m1", {"reference": "a"})])
    current_turn.set(turn)
    tracker = begun()
    turn_of(tracker, "hi")
    await kept.save(tracker)
    assert turn.stored
    with pytest.raises(AlreadyAnswered) as answered:
        await kept.retrieve("a")
    assert answered.value.replies == [Reply("", "hello")]
    current_turn.set(Turn("m2", [], [Effect("crisis", "a m1", {})]))  # the same effect again: once is enough
    again = await kept.retrieve("a")
    turn_of(again, "again")
    await kept.save(again)
    there = store(url)  # another message under an id that is stored: nothing of it is stored
    current_turn.set(None)
    read = await there.retrieve("a")
    current_turn.set(Turn("m2"))
    turn_of(read, "third")
    with pytest.raises(Exception, match="UNIQUE|unique"):
        await there.save(read)
    current_turn.set(None)
    rows = [await kept.database.run(lambda c, t=t: len(c.execute(t.select()).fetchall())) for t in (events, turns, outbox)]
    assert rows == [9, 2, 1]


async def test_a_long_conversation_is_read_from_its_end_with_its_state(url):
    kept, tracker = store(url), begun()
    tracker.update(SessionStarted())
    tracker.update(SlotSet("careful", True))
    tracker.update(ActiveLoop("f"))
    for number in range(60):
        turn_of(tracker, f"message {number}")
    await kept.save(tracker)
    read = await kept.retrieve("a")
    assert len(read.events) <= WINDOW + 5
    assert read.get_slot("careful") is True and read.active_loop_name == "f"
    assert read.latest_message.text == "message 59" and read.latest_action_name == "action_listen"
    turn_of(read, "message 60")
    await kept.save(read)
    whole = await kept.retrieve_full_tracker("a")
    assert [e.text for e in whole.events if isinstance(e, UserUttered)] == [f"message {n}" for n in range(61)]
    assert types(whole).count("session_started") == 1  # what leads a window in is never stored


@pytest.mark.parametrize("length", [2, 30])
async def test_a_new_session_hides_the_old_one(url, length):
    kept, tracker = store(url), begun()
    for number in range(length):
        turn_of(tracker, f"old {number}")
    tracker.update(SessionStarted())
    tracker.update(ActionExecuted("action_listen"))
    turn_of(tracker, "new")
    await kept.save(tracker)
    assert [e.text for e in (await kept.retrieve("a")).events if isinstance(e, UserUttered)] == ["new"]


async def test_a_stopped_database_is_an_error_and_comes_back(fresh_postgres):
    migrate(fresh_postgres.url)
    kept = store(fresh_postgres.url)
    await kept.save(begun())
    fresh_postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        await kept.retrieve("a")
    fresh_postgres.start()
    assert types(await kept.retrieve("a")) == ["action"]


async def test_a_frozen_database_is_an_error_within_its_time(fresh_postgres):
    migrate(fresh_postgres.url)
    kept = store(fresh_postgres.url)
    await kept.save(begun())
    fresh_postgres.freeze()
    try:
        with pytest.raises(DatabaseUnavailable):
            await asyncio.wait_for(kept.retrieve("a"), 3)
    finally:
        fresh_postgres.thaw()
    for _ in range(20):  # threads that were stuck are free again
        try:
            assert types(await kept.retrieve("a")) == ["action"]
            break
        except DatabaseUnavailable:
            await asyncio.sleep(0.3)
    else:
        raise AssertionError("the store did not recover")
