"""What is read beside the talk: one sender after the other; and how many messages are answered at once."""

import asyncio
import threading
import time

import pytest

from infusion_guide.channels import admission, fair_queue
from infusion_guide.channels.admission import Admission
from infusion_guide.channels.fair_queue import FairQueue, GaveWay
from infusion_guide.channels.rate_limits import Limited


async def test_senders_take_turns():
    queue, done, go = FairQueue("test"), [], threading.Event()
    first = asyncio.create_task(queue.run("a", go.wait))
    await asyncio.sleep(0.01)
    jobs = [asyncio.create_task(queue.run(who, lambda each=f"{who}{n}": done.append(each))) for who in "aab" for n in range(3)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, *jobs)
    assert [each[0] for each in done[:4]] == ["b", "a", "b", "a"] and len(done) == 9  # "a" had one before


async def test_what_weighs_most_is_first_among_the_first_of_each():
    queue, done, go = FairQueue("test"), [], threading.Event()
    first = asyncio.create_task(queue.run("x", go.wait))
    await asyncio.sleep(0.01)
    weights = {"a": 0.2, "b": 0.9, "c": 0.5}
    jobs = [asyncio.create_task(queue.run(who, lambda who=who: done.append(who), weight)) for who, weight in weights.items()]
    jobs.append(asyncio.create_task(queue.run("b", lambda: done.append("b again"), 1.0)))
    await asyncio.sleep(0)
    assert queue.waiting == 4
    go.set()
    await asyncio.gather(first, *jobs)
    assert done == ["b", "c", "a", "b again"], "the second of one sender waits for the first of the others"


async def test_it_rests_and_begins_again():
    queue = FairQueue("test")
    assert await queue.run("a", lambda: 1) == 1
    await asyncio.sleep(0.05)
    assert await queue.run("a", lambda: 2) == 2 and queue.waiting == 0


async def test_the_oldest_of_a_flood_gives_way_to_its_newest():
    queue, go = FairQueue("test", most_of_one=3), threading.Event()
    first = asyncio.create_task(queue.run("a", go.wait))
    await asyncio.sleep(0.01)
    jobs = [asyncio.create_task(queue.run("a", lambda n=n: n)) for n in range(10)]
    other = asyncio.create_task(queue.run("b", lambda: "b"))
    await asyncio.sleep(0)
    go.set()
    await first
    found = await asyncio.gather(*jobs, return_exceptions=True)
    assert found[-3:] == [7, 8, 9] and all(isinstance(each, GaveWay) for each in found[:-3])
    assert await other == "b"


async def test_too_much_of_everything_takes_from_whoever_has_most(monkeypatch):
    monkeypatch.setattr(fair_queue, "MOST", 6)
    queue, go = FairQueue("test"), threading.Event()
    first = asyncio.create_task(queue.run("x", go.wait))
    await asyncio.sleep(0.01)
    many = [asyncio.create_task(queue.run("a", lambda n=n: n)) for n in range(6)]
    await asyncio.sleep(0)
    one = asyncio.create_task(queue.run("b", lambda: "b"))
    await asyncio.sleep(0)
    go.set()
    await first
    assert await one == "b" and isinstance((await asyncio.gather(*many, return_exceptions=True))[0], GaveWay)


async def test_a_failure_reaches_its_own_caller_and_nobody_else():
    queue = FairQueue("test")
    found = await asyncio.gather(queue.run("a", lambda: 1 / 0), queue.run("a", lambda: 1), return_exceptions=True)
    assert isinstance(found[0], ZeroDivisionError) and found[1] == 1


def test_so_many_turns_at_once_and_a_few_of_one_conversation():
    places, held = Admission(), []
    for number in range(admission.MOST):
        held.append(places.of(f"web:{number}"))
        held[-1].__enter__()
    with pytest.raises(Limited) as limited, places.of("web:more"):
        pass
    assert limited.value.who == "all"
    for each in held:
        each.__exit__(None, None, None)
    held = [places.of("web:a") for _ in range(admission.MOST_OF_ONE)]
    for each in held:
        each.__enter__()
    with pytest.raises(Limited) as limited, places.of("web:a"):
        pass
    assert limited.value.who == "visitor"
    with places.of("web:b"):
        pass


def test_a_slow_machine_lets_fewer_in_and_a_quick_one_more_again(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    places = Admission()

    def turn(seconds):
        with places.of("web:a"):
            clock[0] += seconds

    for _ in range(50):
        turn(2.0)
    assert places._most == 4
    for _ in range(50):
        turn(0.1)
    assert places._most == admission.MOST
