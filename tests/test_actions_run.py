"""Actions in the assistant's process and on a server of their own: the same results, and a failure ends the turn."""

import asyncio
import json
import re
import time

import pytest
from aiohttp import web
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError
from rasa_sdk import Action
from rasa_sdk import interfaces as sdk

from infusion_guide.callbacks.fields import CONSENT, CONTACT, COUNT, MOST_REQUESTS, NAME, SEND
from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine import actions
from infusion_guide.engine.actions import InProcess, OwnServer, TurnAborted, actions_at
from infusion_guide.engine.replies import ReviewedReplies
from infusion_guide.storage.turn import Turn, current_turn
from tests.faults.cluster import Actions


@pytest.fixture
async def server():
    """Starts an action server that answers with `handler`; gives its endpoint."""
    runners = []

    async def start(handler):
        app = web.Application()
        app.router.add_post("/webhook", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return OwnServer(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_good_answer_comes_through_with_the_same_key_each_time(server):
    keys = []

    async def handle(request):
        keys.append(request.headers.get("Idempotency-Key"))
        return web.json_response({"events": [], "responses": []})

    endpoint = await server(handle)
    current_turn.set(Turn("m1"))
    assert await endpoint.request(json={}) == {"events": [], "responses": []}
    await endpoint.request(json={})
    assert keys == ["m1", "m1"]


@pytest.mark.parametrize("status", [500, 503, 404])
async def test_an_error_ends_the_turn(server, status):
    async def handle(_):
        return web.json_response({}, status=status)

    with pytest.raises(TurnAborted, match=str(status)):
        await (await server(handle)).request(json={})


async def test_a_form_may_still_leave_the_decision_to_the_policies(server):
    async def handle(_):
        return web.json_response({"error": "rejected", "action_name": "f"}, status=400)

    with pytest.raises(ClientResponseError):
        await (await server(handle)).request(json={})


async def test_a_slow_server_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(actions, "SECONDS", 0.2)

    async def handle(_):
        await asyncio.sleep(5)

    started = time.monotonic()
    with pytest.raises(TurnAborted, match="did not answer"):
        await (await server(handle)).request(json={})
    assert time.monotonic() - started < 2


async def test_nobody_there_and_nonsense_end_the_turn(server):
    with pytest.raises(TurnAborted, match="cannot be reached"):
        await OwnServer("http://127.0.0.1:1").request(json={})

    async def handle(_):
        return web.Response(text="no json")

    with pytest.raises(TurnAborted, match="no result"):
        await (await server(handle)).request(json={})


def test_rasa_cannot_swallow_it():
    assert not issubclass(TurnAborted, Exception)


def test_the_setting_says_where():
    assert isinstance(actions_at(""), InProcess)
    assert actions_at("http://actions:5055").url == "http://actions:5055/webhook"


# ---- In process ----


class ToBeTold(Action):
    """Does what a test wrote into `does`."""

    does = staticmethod(list)

    def name(self):
        return "to_be_told"

    async def run(self, dispatcher, tracker, domain):
        found = type(self).does(tracker)
        return await found if asyncio.iscoroutine(found) else found


def told(monkeypatch, does):
    monkeypatch.setattr(ToBeTold, "does", staticmethod(does))
    call = {"next_action": "to_be_told", "tracker": {"sender_id": "a", "slots": {"given": ["kept"]}}}
    return InProcess().request(json=call), call


async def test_an_action_that_raises_ends_the_turn(monkeypatch):
    def fails(_):
        raise ArithmeticError("a patient's words")

    request, _ = told(monkeypatch, fails)
    with pytest.raises(TurnAborted, match=r"^The action to_be_told failed \(ArithmeticError\)\.$"):
        await request


async def test_an_action_that_does_not_exist_ends_the_turn():
    with pytest.raises(TurnAborted, match="ActionNotFoundException"):
        await InProcess().request(json={"next_action": "none", "tracker": {}})


@pytest.mark.parametrize(
    "event, words", [({"event": "nonsense"}, "no result"), ({"event": "slot", "name": "x", "value": object()}, "TypeError")]
)
async def test_a_result_that_rasa_cannot_use_ends_the_turn(monkeypatch, event, words):
    request, _ = told(monkeypatch, lambda _: [event])
    with pytest.raises(TurnAborted, match=words):
        await request


async def test_a_slow_action_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(actions, "SECONDS", 0.05)
    request, _ = told(monkeypatch, lambda _: asyncio.sleep(5))
    with pytest.raises(TurnAborted, match="did not answer"):
        await request


async def test_an_action_cannot_change_the_conversation_but_by_events(monkeypatch):
    def meddles(tracker):
        tracker.slots["given"].append("sneaked in")
        return []

    request, call = told(monkeypatch, meddles)
    await request
    assert call["tracker"]["slots"] == {"given": ["kept"]}


async def test_an_action_may_leave_the_decision_to_the_policies(monkeypatch):
    def rejects(_):
        raise sdk.ActionExecutionRejection("to_be_told", "not mine")

    monkeypatch.setattr(ToBeTold, "does", staticmethod(rejects))
    with pytest.raises(ActionExecutionRejection, match="not mine"):
        await remotely("to_be_told", InProcess(), conversation())


# ---- Both ways, on one conversation ----


REFERENCE = re.compile(r"\b[A-Z0-9]{3}-[A-Z0-9]{3}\b")
DOMAIN = Domain.load([str(ROOT / "domain.yml"), str(ROOT / "data" / "responses")])


def conversation(**slots):
    """A patient asked about depression, was answered, and says two things at once in the middle of a call-back request."""
    tracker = DialogueStateTracker("a", DOMAIN.slots)
    data = {"text": "my number is 555-123-4567", "form_answer": "words", "questions": ["faq/cravings", "uncovered/cost"]}
    answered = {"utter_action": "utter_faq/depression", "sources": ["possible-treatment"]}
    for event in (
        ActionExecuted("action_listen"),
        UserUttered(
            "does it help with depression?", parse_data={"text": "does it help with depression?", "ordinary": "faq/cravings"}
        ),
        BotUttered("Yes.", metadata=answered),
        *(SlotSet(name, value) for name, value in slots.items()),
        UserUttered(data["text"], parse_data=data),
    ):
        tracker.update(event, DOMAIN)
    return tracker


async def remotely(name, endpoint, tracker):
    """The events of the action `name` as Rasa takes them over, without what differs each time: times, a request's number."""
    action, nlg = RemoteAction(name, endpoint), ReviewedReplies(None, DOMAIN)
    found = [event.as_dict() for event in await action.run(CollectingOutputChannel(), nlg, tracker, DOMAIN)]
    words = json.dumps([{key: value for key, value in event.items() if key != "timestamp"} for event in found])
    return json.loads(REFERENCE.sub("REF-REF", words))


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """The actions on a server of their own, as `rasa run actions` has them."""
    process = Actions(tmp_path_factory.mktemp("actions") / "log")
    process.start()
    try:
        process.wait_for(f"{process.url}/health")
        yield process
    finally:
        process.stop()


SENT = {CONSENT: True, NAME: "Sam", CONTACT: "555-123-4567", SEND: True}
CALLS = [
    *((name, {}) for name in read_yaml(ROOT / "domain.yml")["actions"] if name.startswith("action_")),
    ("action_answer_after_check_in", {"careful": True}),
    ("action_begin_callback", {COUNT: MOST_REQUESTS}),
    ("action_end_callback", SENT),
    ("action_end_callback", {CONSENT: False}),
    ("validate_callback_form", {"requested_slot": CONSENT}),
    ("validate_callback_form", {"requested_slot": CONTACT, **SENT}),
]


@pytest.mark.parametrize("name, slots", CALLS, ids=lambda value: value if isinstance(value, str) else " ".join(value))
async def test_both_ways_give_the_same_events(own_server, name, slots):
    here, there = [await remotely(name, endpoint, conversation(**slots)) for endpoint in (InProcess(), OwnServer(own_server.url))]
    assert here == there
    assert here or name in ("action_answer_questions", "validate_callback_form")


async def test_both_are_ready(own_server):
    assert await InProcess().answers() and await OwnServer(own_server.url).answers()
