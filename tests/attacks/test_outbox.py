"""Finding 4: one refused ordinary answer held back the same person's later crisis reply for up to a day."""

import time

import pytest
import sqlalchemy as sa

from infusion_guide.channels.platforms import telegram
from infusion_guide.delivery import outbox
from infusion_guide.storage.tables import outbox as table
from tests.platforms import BUTTONS, rows, running
from tests.test_messaging import SECRET, check, telegram_settings, update

CRISIS = {"text": "Call or text 988 now.", "utter_action": "utter_crisis/suicide", "buttons": []}


async def says(tracker):
    words = tracker.latest_message.text
    return CRISIS if "kill" in words else {"text": f"You said: {words}", "utter_action": "utter_faq/cravings", "buttons": BUTTONS}


@pytest.fixture
async def bot(monkeypatch, tmp_path):
    async with running(telegram.Telegram(), telegram, telegram_settings, monkeypatch, tmp_path, check, says=says) as found:

        async def send(number, words):
            import json

            headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
            return (await found.call("POST", "/webhook", json.dumps(update(number, words)), headers))[0]

        found.send, found.said = send, lambda: [body["text"] for _, _, body in found.platform.got]
        yield found


async def test_a_crisis_reply_overtakes_an_answer_that_the_platform_refuses(bot):
    bot.platform.answers = [(429, {"ok": False, "parameters": {"retry_after": 3600}}, {})]
    await bot.send(1, "how much is it?")
    assert bot.said() == []
    started = time.monotonic()
    await bot.send(2, "i want to kill myself")
    assert bot.said() == [CRISIS["text"]] and time.monotonic() - started < 2


async def aged(bot, seconds):
    await bot.store.database.run(lambda c: c.execute(sa.update(table).values(due=0, at=time.time() - seconds)))


async def test_an_ordinary_answer_is_given_up_within_the_hour_whatever_the_platform_wants(bot):
    bot.platform.answers = [(429, {"ok": False, "parameters": {"retry_after": 36_000}}, {})] * 2
    await bot.send(1, "how much is it?")
    (entry,) = await rows(bot, table)
    assert entry.due <= entry.at + 3601
    await aged(bot, 3601)
    await outbox.deliver_due(bot.store.database)
    (entry,) = await rows(bot, table)
    assert entry.done and entry.failed and "how much" not in entry.payload


async def test_a_crisis_reply_is_tried_for_a_day(bot):
    bot.platform.answers = [(500, {}, {})] * 3
    await bot.send(1, "i want to kill myself")
    await aged(bot, 20 * 3600)
    await outbox.deliver_due(bot.store.database)
    assert not (await rows(bot, table))[0].done
    await aged(bot, 25 * 3600)
    await outbox.deliver_due(bot.store.database)
    assert (await rows(bot, table))[0].failed
