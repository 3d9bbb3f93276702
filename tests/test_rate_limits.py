"""How much may come in; Redis shares the count between workers and may be gone."""

import asyncio

import pytest

from infusion_guide.channels import rate_limits as module
from infusion_guide.channels.rate_limits import Limited, RateLimits
from infusion_guide.clinic.settings import Settings


def counting(monkeypatch, **changes):
    chosen = Settings(production=True, secret_key="k" * 32, **changes)
    monkeypatch.setattr(module, "settings", lambda: chosen)
    return RateLimits()


async def test_a_visitor_has_so_many_messages_a_minute_and_is_told_when_to_go_on(monkeypatch):
    counted = counting(monkeypatch, visitor_messages_per_minute=3)
    for _ in range(3):
        await counted.visitor("web:a", None)
    with pytest.raises(Limited) as limited:
        await counted.visitor("web:a", None)
    assert limited.value.who == "visitor" and 1 <= limited.value.seconds <= 61
    await counted.visitor("web:b", None)  # others are not concerned


async def test_addresses_and_everybody_are_counted_too(monkeypatch):
    counted = counting(monkeypatch, address_messages_per_minute=2, messages_per_second=1000)
    await counted.visitor("web:a", "192.0.2.1")
    await counted.address("192.0.2.1")
    with pytest.raises(Limited) as limited:
        await counted.visitor("web:b", "192.0.2.1")
    assert limited.value.who == "address"
    counted = counting(monkeypatch, messages_per_second=2)
    with pytest.raises(Limited) as limited:
        for number in range(5):
            await counted.visitor(f"web:{number}", None)
    assert limited.value.who == "all"


async def test_redis_counts_for_all_workers(monkeypatch, fresh_redis):
    here, there = (counting(monkeypatch, visitor_messages_per_minute=2, redis_url=fresh_redis.url) for _ in range(2))
    await here.visitor("web:a", None)
    await there.visitor("web:a", None)
    with pytest.raises(Limited):
        await here.visitor("web:a", None)


async def test_without_redis_each_counts_alone_and_soon(monkeypatch, fresh_redis):
    counted = counting(monkeypatch, visitor_messages_per_minute=2, redis_url=fresh_redis.url)
    await counted.visitor("web:a", None)
    fresh_redis.freeze()
    try:
        await asyncio.wait_for(counted.visitor("web:b", None), 3)
    finally:
        fresh_redis.thaw()
    fresh_redis.stop()
    await counted.visitor("web:c", None)
    await counted.visitor("web:c", None)
    with pytest.raises(Limited):
        await counted.visitor("web:c", None)
    fresh_redis.start()


async def test_a_crisis_reply_without_a_turn_goes_out_ten_times_a_minute(monkeypatch):
    counted = counting(monkeypatch)
    assert sum(counted.may_aid("sms:a") for _ in range(100)) == 10
    assert counted.may_aid("sms:b")


async def test_memory_stays_bounded_and_a_clock_that_jumps_locks_nobody_out(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KEYS", 50)
    counted = counting(monkeypatch, visitor_messages_per_minute=1, messages_per_second=10_000)
    for number in range(200):
        await counted.visitor(f"web:{number}", None)
    assert len(counted._here._times) <= 51
    real = module.time.time
    monkeypatch.setattr(module.time, "time", lambda: real() + 86_400 * 365)
    await counted.visitor("web:x", None)
    monkeypatch.setattr(module.time, "time", real)  # back again: what lies in the future does not count
    await counted.visitor("web:x", None)


@pytest.mark.parametrize(
    ("given", "counted_as"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::/64"), ("::ffff:192.0.2.1", "192.0.2.1"), ("unknown", "unknown")],
)
def test_a_network_of_ipv6_is_one_address(given, counted_as):
    from infusion_guide.channels.channel import address_of

    assert address_of(type("Request", (), {"remote_addr": "", "ip": given})()) == counted_as
