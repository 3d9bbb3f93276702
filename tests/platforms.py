"""Stands in for messaging platforms in tests: records what our channels send, and plays a Rasa that echoes and stores."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.channels import messaging, rate_limits
from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.storage.database import migrate
from tests.application import serving
from tests.ports import HOST

DOMAIN = Domain.load(str(ROOT / "domain.yml"))
BUTTONS = [{"title": "Cravings", "payload": "/faq/cravings"}, {"title": "Price", "payload": "/uncovered/cost"}]


class Platform:
    """A platform's interface: `got` are (path, headers, body) of what it took; `answers` what it says to the next calls.

    An answer is (status, JSON, headers); 200 {"ok": true} when there is none left. `check(path, body)` may raise
    AssertionError for what the platform's published limits forbid; then it answers 400, and `broken` holds the words.
    """

    def __init__(self, check=None):
        self.got, self.answers, self.broken = [], [], []
        self._check = check

    async def take(self, request):
        data = await request.read()
        status, answer, headers = self.answers.pop(0) if self.answers else (200, {"ok": True}, {})
        is_form = request.content_type == "application/x-www-form-urlencoded"
        body = dict(await request.post()) if is_form else json.loads(data or b"{}")
        if status == 200:
            try:
                if self._check:
                    self._check(request.path, body)
            except AssertionError as error:
                self.broken.append(str(error) or repr(body))
                return web.json_response({"ok": False, "error": "invalid"}, status=400)
            self.got.append((request.path, dict(request.headers), body))
        return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def served(platform):
    """The address at which `platform` listens."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", platform.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    try:
        yield f"http://{HOST}:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(platform, module, settings_for, monkeypatch, folder, check=None, buttons=BUTTONS, says=None):
    """`platform` (of the Python module `module`) in an application of its own, on loopback, without a model.

    `settings_for(api)` gives the Settings, with the platform's interface at `api`. Rasa echoes "You said: ..." with
    `buttons`, or says what `says(tracker)` gives, and stores the turn; messages that begin with "break" fail. Yields `call`
    (method, path below /webhooks/<name>, data, headers -> status, body, when everything that follows was sent), `platform`
    (its interface), `store`, `heard`, `url`.
    """
    url = f"sqlite:///{folder}/kept.db"
    migrate(url)
    store, heard, interface = TrackerStore(DOMAIN, host=url), [], Platform(check)
    channel = messaging.MessagingChannel(platform)
    async with served(interface) as api:
        made = settings_for(api)
        for each in (module, messaging, rate_limits):
            monkeypatch.setattr(each, "settings", lambda: made)
        rate_limits.rate_limits.cache_clear()

        async def on_new_message(message):
            if message.text.startswith("break"):
                raise RuntimeError
            tracker = await store.retrieve(message.sender_id) or DialogueStateTracker(message.sender_id, DOMAIN.slots)
            heard.append(message.text)
            tracker.update(UserUttered(message.text, message_id=message.message_id, metadata=message.metadata))
            reply = {"text": f"You said: {message.text}", "utter_action": "utter_faq/cravings", "buttons": buttons}
            reply = await says(tracker) if says else reply
            await message.output_channel.send_response(message.sender_id, reply)
            tracker.update(BotUttered(reply["text"], {"buttons": reply["buttons"]}, {"utter_action": reply["utter_action"]}))
            tracker.update(ActionExecuted("action_listen"))
            await store.save(tracker)

        agent = SimpleNamespace(tracker_store=store)
        async with serving(channel, on_new_message, monkeypatch, agent) as at, aiohttp.ClientSession() as session:
            base = f"{at}/webhooks/{channel.name}"

            async def call(method, path, data=None, headers=None):
                async with session.request(method, base + path, data=data, headers=headers) as answered:
                    status, body = answered.status, await answered.read()
                while channel._tasks:
                    await asyncio.sleep(0.005)  # gather() gives way to nobody when all are done but not yet forgotten
                return status, body

            try:
                yield SimpleNamespace(call=call, platform=interface, store=store, heard=heard, url=base)
            finally:
                store.database.engine.dispose()
                rate_limits.rate_limits.cache_clear()


async def rows(bot, table):
    """All rows of `table` in the database of `running`."""
    return await bot.store.database.read(lambda connection: connection.execute(sa.select(table)).fetchall())


def collected(strategy, count):
    """`count` examples of the hypothesis strategy `strategy`, the same ones every time."""
    found = []

    @examples(max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found
