"""The clinic's own answers: every version kept, the newest said, by a running assistant soon after it was written."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from infusion_guide.replies import clinic_answers as words
from infusion_guide.replies.clinic_answers import ClinicAnswer
from infusion_guide.storage import clinic_answers, counts, tables
from infusion_guide.storage.clinic_answers import Overtaken
from infusion_guide.storage.database import Database, DatabaseUnavailable

FILE = {"uncovered/cost": ClinicAnswer("The file's price.", "Dr. A", "2026-01-31")}


@pytest.fixture
def kept(tmp_path):
    found = Database(f"sqlite:///{tmp_path}/answers.db")
    tables.metadata.create_all(found.engine)
    yield found
    found.engine.dispose()


@pytest.fixture(autouse=True)
def own_file(monkeypatch):
    monkeypatch.setattr(words, "clinic_file", lambda: FILE)
    monkeypatch.setattr(words, "_in_force", None)


def save(kept, topic, text, seen=0, by="carla"):
    return kept.run_now(lambda connection: clinic_answers.save(connection, topic, text, by, seen))


def newest(kept):
    return kept.run_now(clinic_answers.newest)


def test_each_save_adds_a_version_and_the_newest_counts(kept):
    assert save(kept, "uncovered/cost", "One.") == 1 and save(kept, "uncovered/cost", "Two.", seen=1) == 2
    save(kept, "uncovered/insurance", "We take most cards.")
    found = newest(kept)
    assert {topic: answer.text for topic, answer in found.items()} == {
        "uncovered/cost": "Two.",
        "uncovered/insurance": "We take most cards.",
    }
    assert found["uncovered/cost"].reviewed_by == "carla" and len(found["uncovered/cost"].reviewed_on) == 10
    history = kept.run_now(lambda connection: clinic_answers.history(connection, "uncovered/cost"))
    assert [(row.version, row.text) for row in history] == [(2, "Two."), (1, "One.")]


def test_of_two_who_write_at_once_the_second_is_told(kept):
    save(kept, "uncovered/cost", "One.")
    with pytest.raises(Overtaken):
        save(kept, "uncovered/cost", "Mine.", seen=0)
    with pytest.raises(Overtaken):
        save(kept, "uncovered/cost", "Mine.", seen=7)
    assert newest(kept)["uncovered/cost"].text == "One."


def test_two_saves_at_the_same_moment_are_two_versions_or_one_is_told(fresh_postgres):
    kept = Database(fresh_postgres.url)
    tables.clinic_answers.create(kept.engine, checkfirst=True)

    def try_to(text):
        try:
            return save(kept, "uncovered/cost", text)
        except Overtaken:
            return None

    with ThreadPoolExecutor(4) as threads:
        saved = list(threads.map(try_to, ["A.", "B.", "C.", "D."]))
    assert sorted(saved, key=str) == [1, None, None, None]
    kept.engine.dispose()


async def test_what_is_written_wins_over_the_file_and_an_empty_text_withdraws_it(kept):
    assert words.clinic_answers() == FILE
    save(kept, "uncovered/cost", "The page's price.")
    await clinic_answers.refresh(kept)
    assert words.clinic_answers()["uncovered/cost"].text == "The page's price."
    assert counts.outcome_of(["utter_uncovered/cost"]) == "answered"
    save(kept, "uncovered/cost", "", seen=1)
    await clinic_answers.refresh(kept)
    assert "uncovered/cost" not in words.clinic_answers()
    assert counts.outcome_of(["utter_uncovered/cost"]) == "uncovered"


async def until(condition):
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


async def test_a_running_assistant_says_what_was_written_and_keeps_it_while_the_database_is_down(kept, monkeypatch, caplog):
    monkeypatch.setattr(clinic_answers, "REFRESH", 0.02)
    task = asyncio.create_task(clinic_answers.refresh_forever(kept))
    try:
        await until(lambda: words.clinic_answers() is not FILE)
        save(kept, "uncovered/insurance", "We take most cards.")
        await until(lambda: "uncovered/insurance" in words.clinic_answers())

        real = kept.read
        failures = []

        async def down(work):
            failures.append(1)
            raise DatabaseUnavailable("down (DATABASE_URL)")

        monkeypatch.setattr(kept, "read", down)
        await until(lambda: len(failures) >= 3)
        assert words.clinic_answers()["uncovered/insurance"].text == "We take most cards."
        assert caplog.text.count("down (DATABASE_URL)") == 1  # said once, not at each look

        monkeypatch.setattr(kept, "read", real)
        save(kept, "uncovered/insurance", "We take all cards.", seen=1)
        await until(lambda: words.clinic_answers()["uncovered/insurance"].text == "We take all cards.")
    finally:
        task.cancel()


async def test_a_database_without_tables_leaves_the_file(kept, monkeypatch):
    with kept.engine.begin() as connection:
        connection.execute(sa.schema.DropTable(tables.clinic_answers))
    with pytest.raises(DatabaseUnavailable):
        await clinic_answers.refresh(kept)
    assert words.clinic_answers() == FILE


async def test_every_assistant_begins_to_refresh_when_it_starts(kept, monkeypatch):
    from infusion_guide.server import application  # all of Rasa

    started = []

    async def parse_message(_):
        return {}

    agent = SimpleNamespace(tracker_store=SimpleNamespace(database=kept), parse_message=parse_message)
    app = SimpleNamespace(ctx=SimpleNamespace(agent=agent), add_task=lambda task, name: started.append(task))
    monkeypatch.setattr(application, "set_up", lambda _: None)
    monkeypatch.setattr(application, "logs", SimpleNamespace(configure_logs=lambda: None))
    monkeypatch.setattr(application, "gc", SimpleNamespace(collect=lambda: None, freeze=lambda: None))
    await application._prepare(app, None)
    assert "refresh_forever" in [task.__name__ for task in started] and clinic_answers.REFRESH <= 30
    for task in started:
        task.close()
