"""`make bench`: trains and serves every peer, measures, and writes docs/benchmarks.md. Goes on where it was interrupted."""

import argparse
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from rasa.utils.log_utils import configure_structlog

from infusion_guide.bench import records
from infusion_guide.bench.accuracy import understanding
from infusion_guide.bench.load import TURNS, conversations, one_long_conversation, under_load
from infusion_guide.bench.peers import DEFAULT, EPOCHS, OURS, PEERS, Peer, prepare
from infusion_guide.bench.report import write_report
from infusion_guide.bench.servers import StepFailed, serving, trained
from infusion_guide.bench.vectors import VectorsMissing
from infusion_guide.evaluate.sentences import HELDOUT, Sentence, own
from infusion_guide.settings import ROOT

WARM_UP = 16  # messages


@dataclass(frozen=True)
class Plan:
    """How much is measured and where it is written."""

    base: Path
    report: Path
    epochs: int
    rounds: int
    messages: Dict[int, int]  # conversations at once: messages in all, a multiple of at once times TURNS
    long: int  # messages of the long conversation
    every: int  # one held-out sentence in so many


FULL = Plan(ROOT / "results/bench", ROOT / "docs/benchmarks.md", EPOCHS, 3, {1: 240, 8: 512, 32: 1024}, 510, 1)
QUICK = Plan(ROOT / "results/bench-quick", ROOT / "results/bench-quick/benchmarks.md", 1, 1, {1: 16, 8: 64, 32: 256}, 30, 10)


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="python -m infusion_guide.bench")
    parser.add_argument("--quick", action="store_true", help="a few minutes with one epoch, to see that everything runs")
    parser.add_argument("--fresh", nargs="*", choices=PEERS, help="forget what was recorded of these peers (none named: of all)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="only these")
    parser.add_argument(
        "--epochs", type=int, help="training epochs of Rasa's configurations instead of its own 100; the report says so"
    )
    parser.add_argument("--report", action="store_true", help="only write the report from what was recorded")
    chosen = parser.parse_args()
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    configure_structlog(logging.ERROR)
    logging.getLogger("rasa").setLevel(logging.ERROR)
    plan = QUICK if chosen.quick else FULL
    plan = replace(plan, epochs=chosen.epochs or plan.epochs)
    if not chosen.report:
        for name in PEERS if chosen.fresh == [] else chosen.fresh or []:
            _path(plan, name).unlink(missing_ok=True)
        measure(plan, chosen.peers)
    for note in _changes(plan):
        say(f"{note} `--fresh` with its name trains it anew.")
    write_report({name: records.read(_path(plan, name)) for name in PEERS}, plan.report, _changes(plan))
    say(f"Written: {plan.report.relative_to(ROOT)}")
    return 0


def measure(plan: Plan, names: List[str]) -> None:
    """Every step that is not recorded yet, for each of `names`."""
    sentences = own(HELDOUT)[:: plan.every]
    peers = [peer for name in names for peer in _trained(plan, name)]
    for turn in range(plan.rounds):
        # One peer is served at a time; the peers take turns, so that a slow spell of the machine meets all of them.
        for peer in peers:
            if len(records.read(_path(plan, peer.name)).get("rounds", [])) <= turn:
                _step(plan, peer, f"round {turn + 1} of {plan.rounds}", partial(_round, plan, peer, sentences, turn))
    for peer in peers:
        if peer.name in (OURS, DEFAULT) and "long" not in records.read(_path(plan, peer.name)):
            _step(plan, peer, "long conversation", partial(_long, plan, peer, sentences))
    for peer in peers:
        if "accuracy" not in records.read(_path(plan, peer.name)):
            _step(plan, peer, "held-out sentences", partial(_accuracy, peer, sentences))


def _trained(plan: Plan, name: str) -> Tuple[Peer, ...]:
    """The peer with a trained model, or nothing when that failed: a recorded training counts as long as its model is there."""
    path = _path(plan, name)
    record = records.read(path)
    if "training" in record and (plan.base / name / "model.tar.gz").exists():
        return (Peer.of(name, plan.base),)
    try:
        peer = prepare(name, plan.base, plan.epochs)
        say(f"{name}: training")
        stamp = records.stamp()
        inputs = peer.fingerprint()
        training = {**stamp, "inputs": inputs, "epochs": plan.epochs, **trained(peer)}
    except (StepFailed, VectorsMissing) as error:
        say(f"{name}: left out, {error}")
        records.write(path, {"left_out": str(error)})
        return ()
    records.write(path, {"training": training})
    say(f"{name}: trained in {training['wall_s']:.0f} s")
    return (peer,)


def _round(plan: Plan, peer: Peer, sentences: List[Sentence], turn: int) -> Dict[str, list]:
    texts = [sentence.text for sentence in sentences]
    measured = records.stamp()
    with serving(peer) as served:
        under_load(served.url, conversations(texts, WARM_UP, seed=0), 1)
        measured.update(start_s=served.start_seconds, actions_start_s=served.actions_start_seconds, memory=served.memory())
        loads = {}
        for at_once, messages in plan.messages.items():
            loads[str(at_once)] = under_load(served.url, conversations(texts, messages, seed=100 * turn + at_once), at_once)
            say(f"{peer.name}: {at_once} at once: p50 {loads[str(at_once)]['p50']:.1f} ms")
        measured.update(load=loads, memory_after=served.memory())
    return {"rounds": [*records.read(_path(plan, peer.name)).get("rounds", []), measured]}


def _long(plan: Plan, peer: Peer, sentences: List[Sentence]) -> Dict[str, dict]:
    texts = [text for talk in conversations([s.text for s in sentences], plan.long + TURNS, seed=5) for text in talk]
    with serving(peer) as served:
        under_load(served.url, conversations(texts, WARM_UP, seed=0), 1)
        return {"long": {**records.stamp(), "asked": plan.long, "ms": one_long_conversation(served.url, texts, plan.long)}}


def _accuracy(peer: Peer, sentences: List[Sentence]) -> Dict[str, dict]:
    return {"accuracy": understanding(peer, sentences)}


def _step(plan: Plan, peer: Peer, what: str, run: Callable[[], Dict[str, Any]]) -> None:
    """Runs one step and records what it returns at once; a failure is said and left for the next run."""
    say(f"{peer.name}: {what}")
    start = time.time()
    try:
        found = run()
    except (StepFailed, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code == 1:
            raise
        say(f"{peer.name}: {what} failed: {error}")
        return
    path = _path(plan, peer.name)
    records.write(path, {**records.read(path), **found})
    say(f"{peer.name}: {what} took {time.time() - start:.0f} s")


def _changes(plan: Plan) -> List[str]:
    """A note for each peer whose training inputs are no longer those that it was trained on."""
    notes = []
    for name in PEERS:
        record = records.read(_path(plan, name))
        if "training" in record and record["training"]["inputs"] != Peer.of(name, plan.base).fingerprint():
            notes.append(f"{name} was trained on {record['training']['at']}; its training inputs changed since.")
    return notes


def _path(plan: Plan, name: str) -> Path:
    return plan.base / f"{name}.json"


def say(words: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
