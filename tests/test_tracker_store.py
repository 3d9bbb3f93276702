"""Conversations are kept whole, once, and across restarts."""

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.storage.tracker_store import TrackerStore

DOMAIN = Domain.from_dict({"intents": ["faq"], "slots": {"careful": {"type": "bool", "mappings": [{"type": "custom"}]}}})


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "conversations.db")


def store(path):
    return TrackerStore(domain=DOMAIN, dialect="sqlite", db=path)


def types(tracker):
    return [event.type_name for event in tracker.events]


async def test_a_conversation_survives_a_restart(path):
    tracker = DialogueStateTracker.from_events("a", [ActionExecuted("action_listen")], slots=DOMAIN.slots)
    first = store(path)
    await first.save(tracker)
    tracker.update(UserUttered("hello \u0000 \U0001f600", parse_data={"intent": {"name": "faq"}}))
    tracker.update(SlotSet("careful", True))
    await first.save(tracker)
    await first.save(tracker)  # nothing new: nothing stored
    again = await store(path).retrieve("a")
    assert types(again) == ["action", "user", "slot"]
    assert again.get_slot("careful") is True and again.latest_message.text == "hello \u0000 \U0001f600"


async def test_turns_are_added_once(path):
    kept = store(path)
    for turn in range(5):
        tracker = await kept.retrieve("b") or DialogueStateTracker("b", DOMAIN.slots)
        tracker.update(UserUttered(f"turn {turn}"))
        await kept.save(tracker)
    assert [e.text for e in (await kept.retrieve("b")).events] == [f"turn {n}" for n in range(5)]


async def test_a_new_session_hides_the_old_one_but_keeps_it(path):
    kept = store(path)
    tracker = DialogueStateTracker.from_events(
        "c", [UserUttered("old"), SessionStarted(), UserUttered("new")], slots=DOMAIN.slots
    )
    await kept.save(tracker)
    latest = await kept.retrieve("c")
    assert types(latest) == ["session_started", "user"]
    latest.update(UserUttered("newer"))
    await kept.save(latest)
    assert len((await kept.retrieve_full_tracker("c")).events) == 4


async def test_nobody_is_none(path):
    assert await store(path).retrieve("nobody") is None


async def test_sqlite_is_set_up_for_a_server(path):
    with store(path).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
