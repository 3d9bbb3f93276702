"""Where a message's time goes, with Rasa's own parts and with ours: `python -m tools.bench.floor`.

Both serve the same model in this process, without HTTP, taking turns; writes docs/floor.md.
"""

import asyncio
import cProfile
import logging
import pstats
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Dict, List, Tuple

from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore, SQLTrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.events import Event
from rasa.utils.endpoints import EndpointConfig
from rasa.utils.log_utils import configure_structlog

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine import tracker_store  # noqa: F401  (caches Event.resolve_by_type, see _with_cache)
from infusion_guide.engine.actions import InProcess
from infusion_guide.engine.agent import set_up
from infusion_guide.engine.training import ensure_model
from infusion_guide.evaluate.sentences import HELDOUT, own
from infusion_guide.storage.database import migrate
from tools.bench.load import TURNS, conversations

REPORT = ROOT / "docs" / "floor.md"
ROUNDS = 3
MESSAGES = 240  # a round, in conversations of TURNS
LONG = 310  # messages of the long conversation
PLACES = (10, 100, 300)
_WINDOW = 10  # messages around a place

# What is counted in the profile: cumulative time of the function, by file and name.
PARTS: Dict[str, List[Tuple[str, str]]] = {
    "sentence encoders": [("sentence_encoder.py", "process")],
    "safety guard": [("safety_guard.py", "process")],
    "reading the conversation": [("tracker_store.py", "retrieve")],
    "storing the turn": [("tracker_store.py", "save")],
    "looking up event types": [("common.py", "all_subclasses")],
    "policies": [("rule_policy.py", "predict_action_probabilities")],
    "planning the graph (dask)": [("order.py", "order"), ("graph.py", "minimal_graph_schema")],
}
_CACHED = Event.resolve_by_type


def main() -> int:
    """Measures and writes the report."""
    configure_structlog(logging.ERROR)
    logging.getLogger("rasa").setLevel(logging.ERROR)
    texts = [sentence.text for sentence in own(HELDOUT)]
    with tempfile.TemporaryDirectory() as folder:
        loop = asyncio.new_event_loop()
        agents = {name: loop.run_until_complete(_agent(name, Path(folder))) for name in ("Rasa's parts", "ours")}
        found = {name: {"short": [], "long": [], "profile": {}} for name in agents}
        for turn in range(ROUNDS):
            for name, agent in agents.items():
                _with_cache(name)
                talks = conversations(texts, MESSAGES, seed=turn)
                loop.run_until_complete(_talk(agent, talks[:2]))
                found[name]["short"].append(statistics.median(loop.run_until_complete(_talk(agent, talks))))
                print(f"{name}, round {turn + 1}: {found[name]['short'][-1]:.1f} ms", flush=True)
        for name, agent in agents.items():
            _with_cache(name)
            found[name]["long"] = loop.run_until_complete(_talk(agent, [(texts * 2)[:LONG]]))
            found[name]["profile"] = _profile(loop, agent, conversations(texts, MESSAGES, seed=9))
            print(f"{name}: long conversation and profile done", flush=True)
    REPORT.write_text(_report(found), encoding="utf-8")
    print(f"Written: {REPORT.relative_to(ROOT)}")
    return 0


async def _agent(name: str, folder: Path) -> Agent:
    """The assistant as `rasa run` sets it up with Rasa's SQL store on SQLite, or as we serve it."""
    endpoints = AvailableEndpoints(
        action=InProcess(),
        nlg=EndpointConfig(type="infusion_guide.engine.replies.ReviewedReplies"),
    )
    if name == "ours":
        url = f"sqlite:///{folder / 'ours.db'}"
        migrate(url)
        endpoints.tracker_store = EndpointConfig(url, type="infusion_guide.engine.tracker_store.TrackerStore")
        endpoints.lock_store = EndpointConfig(type="infusion_guide.engine.lock_store.ConversationLocks")
    agent = await load_agent(model_path=str(ensure_model()), endpoints=endpoints)
    if name == "ours":
        set_up(agent)
    else:
        store = SQLTrackerStore(agent.domain, dialect="sqlite", db=str(folder / "rasa.db"))
        agent.tracker_store = agent.processor.tracker_store = FailSafeTrackerStore(store)
    return agent


def _with_cache(name: str) -> None:
    """Rasa's own look-up of event types for Rasa's parts, the cached one for ours."""
    Event.resolve_by_type = staticmethod(_CACHED if name == "ours" else _CACHED.__wrapped__)  # type: ignore[method-assign]


async def _talk(agent: Agent, talks: List[List[str]]) -> List[float]:
    """Milliseconds of each message of `talks`, each a conversation of its own."""
    took = []
    for talk in talks:
        sender = uuid.uuid4().hex
        for text in talk:
            start = time.perf_counter()
            await agent.handle_message(UserMessage(text, CollectingOutputChannel(), sender, input_channel="rest"))
            took.append((time.perf_counter() - start) * 1000)
    return took


def _profile(loop: asyncio.AbstractEventLoop, agent: Agent, talks: List[List[str]]) -> Dict[str, float]:
    """Share of the profiled time (0 to 1) for each of PARTS."""
    profile = cProfile.Profile()
    profile.enable()
    loop.run_until_complete(_talk(agent, talks))
    profile.disable()
    stats = pstats.Stats(profile).stats  # {(file, line, name): (calls, primitive calls, own time, cumulative time, callers)}
    total = max(entry[3] for (_, __, name), entry in stats.items() if name == "handle_message")
    shares = {}
    for part, places in PARTS.items():
        matching = [e[3] for (file, _, name), e in stats.items() if any(file.endswith(f) and name == n for f, n in places)]
        shares[part] = max(matching, default=0.0) / total if len(places) == 1 else sum(matching) / total
    return shares


def _report(found: Dict[str, Dict]) -> str:
    def around(latencies: List[float], place: int) -> float:
        return statistics.median(latencies[place - _WINDOW // 2 - 1 : place + _WINDOW // 2 - 1])

    rasa, ours = found["Rasa's parts"], found["ours"]
    lines = [
        "# The floor: where a message's time goes",
        "",
        "Generated by `python -m tools.bench.floor`; do not edit. The same model in one process, without HTTP, both "
        "taking turns. *Rasa's parts*: SQLTrackerStore on SQLite behind FailSafeTrackerStore, DaskGraphRunner, event types "
        "looked up anew. *Ours*: infusion_guide/engine/tracker_store.py, infusion_guide/engine/graph_runner.py, look-up cached.",
        "",
        "| median ms a message | Rasa's parts | ours | ratio |",
        "|---|---:|---:|---:|",
    ]
    rows = [(f"conversations of {TURNS} messages", statistics.median(rasa["short"]), statistics.median(ours["short"]))]
    rows += [(f"message {p} of one conversation", around(rasa["long"], p), around(ours["long"], p)) for p in PLACES]
    lines += [f"| {what} | {a:.1f} | {b:.1f} | {b / a:.2f} |" for what, a, b in rows]
    growth = [rows[3][n] / rows[1][n] for n in (1, 2)]
    lines.append(f"| message 300 / message 10 | {growth[0]:.1f} x | {growth[1]:.2f} x | |")
    lines += ["", "| share of the profiled time | Rasa's parts | ours |", "|---|---:|---:|"]
    lines += [f"| {part} | {rasa['profile'][part]:.0%} | {ours['profile'][part]:.0%} |" for part in PARTS]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
