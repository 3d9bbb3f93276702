"""Shared by all tests: no network but loopback, and one start of the trained assistant for those that talk to it."""

import asyncio
import os
import socket
from types import SimpleNamespace

import pytest

from tests.servers import fresh_postgres, fresh_redis, postgres, redis_server  # noqa: F401

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")


# What a test needs says its fixtures, and so its mark: `make quick` runs those without any of these.
NEEDS = {
    "model": {"trained_assistant", "small_assistant", "encoder_files"},
    "server": {"development_server", "running_cluster", "postgres", "redis_server", "one_postgres", "one_redis", "own_server"},
    "browser": {"browser"},
}
NO_PARAMETERS = SimpleNamespace(params={})
FOLDERS = {"faults": "server", "fuzz": "server", "browser": "browser"}  # whatever their fixtures are


def pytest_collection_modifyitems(items):
    """Marks each test with what it needs: model, server, browser."""
    for item in items:
        folder = item.path.parent.name
        found = {name for name, fixtures in NEEDS.items() if fixtures & set(item.fixturenames)}
        found |= {FOLDERS[folder]} if folder in FOLDERS else set()
        found |= {"server"} if "postgresql" in getattr(item, "callspec", NO_PARAMETERS).params.values() else set()
        for name in found:
            item.add_marker(name)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """A test that reaches for the outside world fails."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost", "::1"):
            raise AssertionError(f"A test tried to reach {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


class Talk:
    """Talks to the trained assistant; one instance is one conversation."""

    def __init__(self, talker, loop, sender):
        self._talker, self._loop, self._sender = talker, loop, sender

    def say(self, text):
        """Sends `text`; returns the names of the replies."""
        self.events = self._loop.run_until_complete(self._talker.say(self._sender, text))
        return [event.metadata["utter_action"] for event in self.events]

    @property
    def text(self):
        """The words of the last turn."""
        return "\n".join(event.text for event in self.events)

    @property
    def buttons(self):
        """Buttons of the last turn: payload by title."""
        return {b["title"]: b["payload"] for event in self.events for b in event.data.get("buttons") or []}

    def press(self, title):
        """Presses the button `title` of the last turn."""
        return self.say(self.buttons[title])


@pytest.fixture(scope="session")
def trained_assistant():
    """The assistant as served, in this process: one load for the whole session."""
    from infusion_guide.engine.training import ensure_model
    from infusion_guide.evaluate.run import assistant

    return assistant(ensure_model())


@pytest.fixture(scope="session")
def development_server(tmp_path_factory):
    """The servers as `make run` starts them: one start for all tests that only talk to them."""
    from infusion_guide.engine.training import ensure_model
    from tests.development_server import running

    ensure_model()
    with running(tmp_path_factory.mktemp("development")) as server:
        yield server


@pytest.fixture(scope="session")
def event_loop_for_talk():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def talk(trained_assistant, event_loop_for_talk, request):
    """A fresh conversation."""
    return Talk(trained_assistant, event_loop_for_talk, request.node.nodeid)


@pytest.fixture
def new_talk(trained_assistant, event_loop_for_talk, request):
    """Starts fresh conversations: new_talk() as often as needed."""
    count = iter(range(10_000))
    return lambda: Talk(trained_assistant, event_loop_for_talk, f"{request.node.nodeid} {next(count)}")
