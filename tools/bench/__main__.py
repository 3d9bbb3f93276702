"""`make bench`: trains and serves every peer, measures, and writes docs/benchmarks.md. Goes on where it was interrupted."""

import argparse
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from rasa.utils.log_utils import configure_structlog

from infusion_guide.clinic.settings import ROOT
from infusion_guide.evaluate.sentences import HELDOUT, Sentence, own
from tools.bench import records
from tools.bench.accuracy import understanding
from tools.bench.load import TURNS, conversations, one_long_conversation, under_load
from tools.bench.peers import DEFAULT, EPOCHS, KEYWORD, OURS, PEERS, SAMPLE, Peer, prepare, write_sample
from tools.bench.report import write_report
from tools.bench.servers import StepFailed, serving, trained
from tools.bench.vectors import VectorsMissing

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
    sample: Optional[int] = None  # sentences an intent that are trained on; None: all


# Speed and memory do not depend on how long a network was trained, so there one epoch on all of data/nlu will do.
# What is understood does: Rasa's 100 epochs on all of data/nlu would take hours on two cores, so all learn a sample.
SPEED = Plan(ROOT / "results/bench", ROOT / "docs/benchmarks.md", 1, 3, {1: 160, 8: 256, 32: 512}, 510, 1)
LEARNING = Plan(ROOT / "results/bench-sample", SPEED.report, EPOCHS, 0, {}, 0, 1, sample=6)
QUICK = Plan(ROOT / "results/bench-quick", ROOT / "results/bench-quick/benchmarks.md", 1, 1, {1: 16, 8: 64, 32: 256}, 30, 10)
QUICK_LEARNING = Plan(ROOT / "results/bench-quick-sample", QUICK.report, 1, 0, {}, 0, 10, sample=4)
STEPS = ("training", "load", "long", "accuracy")


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench")
    parser.add_argument("--quick", action="store_true", help="a few minutes with one epoch, to see that everything runs")
    parser.add_argument("--fresh", nargs="*", choices=PEERS, help="forget what was recorded of these peers (none named: of all)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="only these")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), help="only these")
    parser.add_argument("--report", action="store_true", help="only write the report from what was recorded")
    chosen = parser.parse_args()
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    configure_structlog(logging.ERROR)
    logging.getLogger("rasa").setLevel(logging.ERROR)
    plans = (QUICK, QUICK_LEARNING) if chosen.quick else (SPEED, LEARNING)
    for plan in () if chosen.report else plans:
        for name in PEERS if chosen.fresh == [] else chosen.fresh or []:
            _path(plan, name).unlink(missing_ok=True)
        measure(plan, chosen.peers, chosen.steps)
    notes = [note for plan in plans for note in _changes(plan)]
    for note in notes:
        say(f"{note} `--fresh` with its name trains it anew.")
    speed, learning = ({name: records.read(_path(plan, name)) for name in PEERS} for plan in plans)
    write_report(speed, learning, plans[1].sample, plans[0].report, notes)
    say(f"Written: {plans[0].report.relative_to(ROOT)}")
    return 0


def measure(plan: Plan, names: List[str], steps: List[str]) -> None:
    """Every one of `steps` that is not recorded yet, for each of `names`."""
    sentences = own(HELDOUT)[:: plan.every]
    if plan.sample and not (plan.base / SAMPLE).is_dir():
        write_sample(plan.base, plan.sample)
    peers = [peer for name in names for peer in _trained(plan, name)]
    for turn in range(plan.rounds if "load" in steps else 0):
        # One peer is served at a time; the peers take turns, so that a slow spell of the machine meets all of them.
        for peer in peers:
            if len(records.read(_path(plan, peer.name)).get("rounds", [])) <= turn:
                _step(plan, peer, f"round {turn + 1} of {plan.rounds}", partial(_round, plan, peer, sentences, turn))
    for peer in peers:
        if "long" in steps and plan.long and peer.name in (OURS, DEFAULT) and "long" not in records.read(_path(plan, peer.name)):
            _step(plan, peer, "long conversation", partial(_long, plan, peer, sentences))
    for peer in peers:
        # On all of data/nlu only ours learns to the end.
        learned = plan.sample or peer.name in (OURS, KEYWORD)
        if "accuracy" in steps and learned and "accuracy" not in records.read(_path(plan, peer.name)):
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
