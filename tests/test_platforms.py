"""What every messaging platform keeps to, whichever there are; and a new one, in one file, that forgets nothing.

The platforms are those of the registry (channels/platforms/): one that joins is asked here without a line in this file, and
needs its own in tests/callers.py.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from types import SimpleNamespace

import pytest

from infusion_guide.channels import channel_title, platforms
from infusion_guide.channels.rasa_channel import all_channels
from infusion_guide.clinic.checks import setting
from infusion_guide.clinic.settings import ROOT, SettingError, Settings
from infusion_guide.engine.replies import ReviewedReplies
from infusion_guide.replies.book import line
from infusion_guide.replies.pins import pinned
from infusion_guide.run import doctor_servers
from tests.callers import CALLERS, forge
from tests.development_server import MESSAGING, PUBLIC_URL
from tests.every_reply import assert_whole, every_reply
from tests.platforms import running

NEW = "pigeons"  # tests/new_platform/
NOTICE, ASKED = "not private", "utter_faq/cravings"


@dataclass(frozen=True)
class WithPigeons(Settings):
    """The settings with those of the new platform: what it needs outside of its file."""

    pigeon_loft: str = setting("", "See tests/new_platform/.")
    pigeon_secret: str = setting("", "See tests/new_platform/.")
    pigeon_api: str = setting("", "See tests/new_platform/.")


@pytest.fixture(params=[*platforms.names(), NEW])
def one(request, monkeypatch):
    """One of all platforms: itself, its Python module, its caller, and the settings that switch them all on, by interface."""
    monkeypatch.setattr(platforms, "__path__", [*platforms.__path__, str(ROOT / "tests" / "new_platform")])
    module = import_module(f"{platforms.__name__}.{request.param}")
    callers = {**CALLERS, NEW: import_module(f"{platforms.__name__}.{NEW}").Caller()}

    def settings_for(api):
        apis = {field.name: api for field in fields(WithPigeons) if field.name.endswith("_api")}
        return WithPigeons(public_url=PUBLIC_URL, **MESSAGING, **callers[NEW].settings, **apis)

    platform, caller = platforms.platform(request.param), callers[request.param]
    return SimpleNamespace(platform=platform, module=module, caller=caller, settings_for=settings_for)


@asynccontextmanager
async def talking(one, monkeypatch, folder):
    """`running`, with the reviewed replies: `say(number, words)` gives the status, `said()` the texts of what was sent."""

    async def says(tracker):
        crisis = "kill" in tracker.latest_message.text
        return {"buttons": [], **await ReviewedReplies().generate("utter_crisis/suicide" if crisis else ASKED, tracker, "")}

    async with running(one.platform, one.module, one.settings_for, monkeypatch, folder, says=says) as bot:

        async def say(number, words, change=dict):
            data, headers = one.caller.call(number, words)
            return (await bot.call("POST", "/webhook", data, change(headers)))[0]

        bot.say = say
        bot.sent = lambda: [body for path, _, body in bot.platform.got if path.endswith(one.caller.sends)]
        bot.said = lambda: [one.caller.text(body) for body in bot.sent()]
        yield bot


async def test_the_first_answer_says_that_it_is_not_private_and_no_other(one, monkeypatch, tmp_path):
    async with talking(one, monkeypatch, tmp_path) as bot:
        assert await bot.say(1, "does it help with cravings?") == 200
        assert " ".join(bot.said()).count(NOTICE) == 1
        bot.platform.got.clear()
        assert await bot.say(2, "and with ptsd?") == 200
        assert bot.said() and NOTICE not in " ".join(bot.said())


async def test_a_crisis_is_answered_as_pinned_though_all_is_broken_or_stopped(one, monkeypatch, tmp_path):
    pinned_words = [wording[:60] for wording in pinned()["en"]["utter_crisis/suicide"]]
    async with talking(one, monkeypatch, tmp_path) as bot:
        for number, words in enumerate(
            ("i want to kill myself", "break: i want to kill myself", "stop", "i want to kill myself")
        ):
            bot.platform.got.clear()
            assert await bot.say(number, words) == 200
            assert words == "stop" or any(each in bot.said()[0] for each in pinned_words), words


async def test_stop_ends_the_talk_until_start(one, monkeypatch, tmp_path):
    async with talking(one, monkeypatch, tmp_path) as bot:
        assert await bot.say(1, "STOP") == 200
        told = [] if "stop" in one.platform.carrier_words else [line("utter_opted_out")]
        assert bot.said() == told
        assert await bot.say(2, "does it help with cravings?") == 200 and bot.said() == told and bot.heard == []
        assert await bot.say(3, "start") == 200
        assert await bot.say(4, "does it help with cravings?") == 200 and bot.heard == ["does it help with cravings?"]


async def test_a_call_that_comes_again_is_answered_once(one, monkeypatch, tmp_path):
    async with talking(one, monkeypatch, tmp_path) as bot:
        assert await bot.say(1, "hello there") == 200
        first = bot.sent()
        assert [await bot.say(1, "hello there") for _ in range(2)] == [200, 200]
        assert first and bot.sent() == first and bot.heard == ["hello there"]


async def test_a_call_with_another_signature_or_none_changes_nothing(one, monkeypatch, tmp_path):
    async with talking(one, monkeypatch, tmp_path) as bot:
        for change in (forge, lambda headers: {"Content-Type": headers["Content-Type"]}):
            assert await bot.say(1, "i am somebody else", change) in (401, 403)
        assert bot.heard == [] and bot.platform.got == []


async def test_without_its_settings_it_is_off(one, monkeypatch, tmp_path):
    one.settings_for = lambda api: WithPigeons(public_url=PUBLIC_URL)
    async with talking(one, monkeypatch, tmp_path) as bot:
        assert await bot.say(1, "hello there") == 404 and bot.heard == []


def test_every_reply_is_seen_whole_within_its_limits(one):
    shown = lambda call: call.get("body", call)  # noqa: E731

    def seen(call):
        return [one.caller.text(shown(call)), *one.caller.titles(shown(call))]

    for reply in every_reply():
        for call in assert_whole(one.platform, [reply], one.caller.address, seen):
            titles, limits = one.caller.titles(shown(call)), one.platform.limits
            assert len(one.caller.text(shown(call))) <= limits.text and len(titles) <= limits.buttons
            assert all(len(title) <= limits.title for title in titles)


@pytest.mark.parametrize("status, is_good, words", [(200, True, ""), (200, False, "not accepted"), (401, True, "not accepted")])
async def test_the_doctor_asks_it(one, monkeypatch, tmp_path, status, is_good, words):
    async with talking(one, monkeypatch, tmp_path) as bot:
        chosen = one.module.settings()
        bot.platform.answers = [(status, one.caller.good if is_good else {}, {})]
        found = await asyncio.to_thread(doctor_servers._refusal, one.platform, chosen) or ""
        assert words in found and bool(found) == bool(words)
        needs = [setting.name for setting in fields(one.platform.needs)]
        assert not found or one.platform.title in found and needs[0].upper() in found
        assert not any(getattr(chosen, name) in found for name in needs)
    finding = doctor_servers.messaging(one.settings_for("http://127.0.0.1:9"))
    assert one.platform.title in finding.words


def test_staff_read_its_title_and_rasa_serves_it(one):
    name = one.platform.name
    assert channel_title(name) == one.platform.title != name
    assert name in [channel.name for channel in all_channels()]


@pytest.mark.parametrize("name", platforms.names())
def test_its_settings_go_together_and_its_set_up_is_described(name):
    needs = [setting.name for setting in fields(platforms.platform(name).needs)]
    for missing in needs:
        given = {each: MESSAGING[each] for each in needs if each != missing}
        with pytest.raises(SettingError, match=missing.upper()):
            Settings(public_url=PUBLIC_URL, **given)
    manual = (ROOT / "docs" / "messaging" / f"{name}.md").read_text(encoding="utf-8")
    assert all(each.upper() in manual for each in needs)
    assert f"messaging/{name}.md" in (ROOT / "docs" / "messaging.md").read_text(encoding="utf-8")


def test_every_platform_has_a_caller():
    assert sorted(CALLERS) == sorted(platforms.names())
