"""One turn at a time in a conversation, in order, across workers, and quickly free after a crash."""

import asyncio
import time

import pytest

from infusion_guide.clinic.settings import Settings
from infusion_guide.engine import lock_store
from infusion_guide.engine.lock_store import EXPIRES, ConversationLocks


def locks(monkeypatch, url=""):
    chosen = Settings(redis_url=url)
    monkeypatch.setattr(lock_store, "settings", lambda: chosen)
    return ConversationLocks()


async def overlapping(workers, rounds=12, seconds=0.01):
    """The most turns of one conversation that were under way at once, and the order in which turns ended."""
    inside, most, ended = 0, 0, []

    async def turn(number):
        nonlocal inside, most
        async with workers[number % len(workers)].lock("a"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(seconds)
            inside -= 1
            ended.append(number)

    await asyncio.gather(*(turn(n) for n in range(rounds)))
    return most, ended


async def test_in_one_process_turns_keep_their_order_without_polling(monkeypatch):
    started = time.monotonic()
    assert await overlapping([locks(monkeypatch)]) == (1, list(range(12)))
    assert time.monotonic() - started < 1  # Rasa's own lock would look once a second


async def test_across_workers_one_at_a_time(monkeypatch, fresh_redis):
    most, ended = await overlapping([locks(monkeypatch, fresh_redis.url) for _ in range(3)])
    assert most == 1 and sorted(ended) == list(range(12))


async def test_other_conversations_do_not_wait(monkeypatch):
    store = locks(monkeypatch)
    async with store.lock("a"):
        await asyncio.wait_for(store.lock("b").__aenter__(), 1)


async def test_the_lock_of_a_killed_worker_is_soon_free_and_a_long_turn_keeps_its_own(monkeypatch, fresh_redis):
    dead, alive = locks(monkeypatch, fresh_redis.url), locks(monkeypatch, fresh_redis.url)
    await dead._take("a")  # killed: never given back, never renewed
    started = time.monotonic()
    async with alive.lock("a"):
        waited = time.monotonic() - started
        assert EXPIRES - 1 < waited < EXPIRES + 0.5
        await asyncio.sleep(EXPIRES + 0.5)  # longer than the lock lives without renewal
        assert await alive._redis.get("conversation:a")
    assert await alive._redis.get("conversation:a") is None


async def test_an_error_inside_frees_the_lock(monkeypatch, fresh_redis):
    store = locks(monkeypatch, fresh_redis.url)
    with pytest.raises(ValueError):
        async with store.lock("a"):
            raise ValueError
    async with store.lock("a"):
        pass


@pytest.mark.parametrize("fault", ["stop", "freeze"])
async def test_without_redis_the_talk_goes_on(monkeypatch, fresh_redis, fault):
    store = locks(monkeypatch, fresh_redis.url)
    assert await store.answers()
    getattr(fresh_redis, fault)()
    try:
        started = time.monotonic()
        async with store.lock("a"):
            assert time.monotonic() - started < 3.5
        assert not await store.answers()
    finally:
        fresh_redis.thaw()
        fresh_redis.start()
