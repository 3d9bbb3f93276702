"""The numbers for Prometheus: counted right, labelled without ids or words, never waiting for a frozen database."""

import asyncio
import math
import re
import threading
import time
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest

from infusion_guide.channels import door
from infusion_guide.channels.message import Message
from infusion_guide.clinic.data import DATA
from infusion_guide.replies.reply import Reply
from infusion_guide.storage.database import Database, DatabaseUnavailable, migrate
from infusion_guide.watch import metrics

CRISIS = Reply("utter_crisis/suicide", "...")


def value(name, **labels):
    return metrics.registry.get_sample_value(name, labels) or 0.0


def reply(name):
    return Reply(name, "Maria 555-010-7788")


@pytest.fixture
def store(tmp_path):
    url = f"sqlite:///{tmp_path / 'metrics.db'}"
    migrate(url)
    return SimpleNamespace(database=Database(url))


def agent_of(database):
    processor = SimpleNamespace(model_filename="infusion-guide-175175ab0e839a87.tar.gz")
    return SimpleNamespace(tracker_store=SimpleNamespace(database=database), processor=processor)


async def ready(_):
    return {"model": True, "database": True, "lock": True, "actions": False}


@pytest.mark.parametrize(
    "name, kind",
    [
        ("utter_faq/cost", "faq"),
        ("utter_crisis/suicide", "crisis"),
        ("utter_fallback_first", "fallback"),
        ("utter_technical_problem", "other"),
        ("", "other"),
    ],
)
def test_kind_of_a_reply(name, kind):
    before = value("infusion_guide_replies_total", channel="t0", kind=kind)
    metrics.count_turn("t0", "answered", [reply(name)], 0.01)
    assert value("infusion_guide_replies_total", channel="t0", kind=kind) == before + 1


def test_a_turn_is_counted():
    before = value("infusion_guide_replies_total", channel="t1", kind="faq")
    metrics.count_turn("t1", "answered", [reply("utter_faq/cost"), reply("utter_faq/safety")], 0.02)
    assert value("infusion_guide_replies_total", channel="t1", kind="faq") == before + 2
    assert value("infusion_guide_turn_seconds_count", channel="t1", outcome="answered") == 1


def test_only_crises_of_failed_turns_are_first_aid():
    before = value("infusion_guide_first_aid_crises_total")
    metrics.count_turn("t2", "answered", [CRISIS], 0.01)
    metrics.count_turn("t2", "failed", [reply("utter_technical_problem")], 0.01)
    assert value("infusion_guide_first_aid_crises_total") == before
    metrics.count_turn("t2", "failed", [CRISIS], 0.01)
    assert value("infusion_guide_first_aid_crises_total") == before + 1


def test_turns_under_way_are_counted_even_when_they_raise():
    before = value("infusion_guide_turns_in_progress")
    with pytest.raises(ZeroDivisionError), metrics.turn_under_way():
        assert value("infusion_guide_turns_in_progress") == before + 1
        1 / 0  # noqa: B018
    assert value("infusion_guide_turns_in_progress") == before


async def test_a_scrape_shows_readiness_outbox_and_model(store):
    row = {"kind": "k", "sender_id": "web:x", "payload": "{}", "attempts": 0, "due": 0.0}
    with store.database.engine.begin() as connection:
        insert = metrics.outbox.insert()
        connection.execute(insert.values(key="a", at=time.time() - 90, **row))
        connection.execute(insert.values(key="b", at=time.time() - 30, **row))
        connection.execute(insert.values(key="c", at=time.time() - 900, done=time.time(), **row))
    await metrics.Surroundings().look(agent_of(store.database), ready)
    assert value("infusion_guide_outbox_waiting") == 2
    assert 89 < value("infusion_guide_outbox_oldest_seconds") < 100
    assert value("infusion_guide_ready", part="database") == 1 and value("infusion_guide_ready", part="actions") == 0
    assert value("infusion_guide_build_info", model="175175ab0e839a87") == 1


async def test_an_empty_outbox_has_no_age(store):
    await metrics.Surroundings().look(agent_of(store.database), ready)
    assert value("infusion_guide_outbox_waiting") == 0 and value("infusion_guide_outbox_oldest_seconds") == 0


class Frozen:
    """A database that does not answer before it is thawed."""

    def __init__(self):
        self.asked, self.thawed = 0, threading.Event()

    def run_now(self, _):
        self.asked += 1
        self.thawed.wait(20)
        return 7, None


async def test_a_frozen_database_costs_one_thread_and_one_second():
    database, surroundings = Frozen(), metrics.Surroundings()
    started = time.monotonic()
    for _ in range(2):
        surroundings._looked = -metrics._FRESH
        await surroundings.look(agent_of(database), ready)
    assert time.monotonic() - started < 2 * metrics._WAIT + 1 and database.asked == 1
    assert math.isnan(metrics.registry.get_sample_value("infusion_guide_outbox_waiting"))
    database.thawed.set()
    await asyncio.sleep(0.1)
    surroundings._looked = -metrics._FRESH
    await surroundings.look(agent_of(database), ready)
    assert value("infusion_guide_outbox_waiting") == 7


async def test_a_database_that_refuses_is_no_error():
    def refuse(_):
        raise DatabaseUnavailable("refused")

    async def broken(_):
        raise OSError

    await metrics.Surroundings().look(agent_of(SimpleNamespace(run_now=refuse)), broken)
    assert math.isnan(metrics.registry.get_sample_value("infusion_guide_outbox_oldest_seconds"))


async def test_scrapes_share_what_was_found(store):
    asked = []

    async def counted(agent):
        asked.append(agent)
        return await ready(agent)

    surroundings = metrics.Surroundings()
    for _ in range(3):
        await surroundings.look(agent_of(store.database), counted)
    assert len(asked) == 1


async def test_no_label_holds_an_id_or_a_word():
    """Messages with personal data through the door; then every label of the registry is looked at."""

    async def broken(_):
        raise RuntimeError("Maria 555-010-7788")

    sent = Message("web:" + "k" * 24, "I am Maria, I want to die, 555-010-7788", "web", "203.0.113.9", "m-1")
    await door.answer(broken, sent)
    for every in (DATA / "responses").rglob("*.yml"):
        name = str(every.relative_to(DATA / "responses"))[: -len(".yml")]
        metrics.count_turn("web", "answered", [reply(f"utter_{name}")], 0.01)
    text = generate_latest(metrics.registry).decode()
    for planted in ("Maria", "555", "k" * 24, "203.0.113", "m-1", "die"):
        assert not re.search(rf'="[^"]*{planted}', text), planted
    ours = [m for m in metrics.registry.collect() if m.name.startswith("infusion_guide")]
    labels = {key for metric in ours for sample in metric.samples for key in sample.labels}
    assert labels <= {"channel", "outcome", "kind", "who", "part", "model", "le"}
    kinds = {sample.labels["kind"] for metric in ours for sample in metric.samples if "kind" in sample.labels}
    assert len(kinds) <= 12, kinds
