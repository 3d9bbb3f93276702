"""The long run: `python -m tests.fuzz.flood --calls 10000`. Ends with a summary line and the exit code 1 if anything broke."""

import argparse
import collections
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Counter, List

from infusion_guide.engine.training import model_path
from tests.development_server import DevelopmentServer, running
from tests.faults.cluster import problems_in
from tests.fuzz.calls import Outcome, Socket, kinds

AT_ONCE = 4


def flood(url: str, calls: int, seed: int) -> List[Outcome]:
    """`calls` random calls of all kinds, AT_ONCE at a time; the same ones for the same seed."""

    def some(number: int) -> List[Outcome]:
        random_, socket = random.Random(seed * AT_ONCE + number), Socket(url)
        known = kinds(socket)
        shares = [share for _, share in known.values()]
        try:
            return [
                known[name][0](url, random_)
                for name in random_.choices(list(known), shares, k=calls // AT_ONCE + (number < calls % AT_ONCE))
            ]
        finally:
            socket.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [outcome for outcomes in pool.map(some, range(AT_ONCE)) for outcome in outcomes]


def faults(server: DevelopmentServer, outcomes: List[Outcome], log: str) -> List[str]:
    """What broke, in words, as answers and the server's `log` of that time tell; nothing is what we want."""
    found = [f"{o.status} from {o.kind}: {o.body[:200]!r}" for o in outcomes if (o.status or 0) >= 500]
    found += [f"no answer from {o.kind}" for o in outcomes if o.silent]
    found += problems_in(log)
    if not server.alive or "starting it again" in log:
        found.append("the server ended")
    return found


def _came_back(outcome: Outcome) -> str:
    if outcome.status is not None:
        return str(outcome.status)
    return "Socket.IO event" if outcome.kind == "socket.io event" else "cut off or still waited for"


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.flood")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if not model_path().exists():
        raise SystemExit("There is no model of the present data. Run `make train` first.")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, running(Path(folder)) as server:
        started = time.monotonic()
        outcomes = flood(server.url, chosen.calls, chosen.seed)
        seconds = time.monotonic() - started
        broken = faults(server, outcomes, server.log)
        alive = server.alive
    statuses: Counter = collections.Counter(_came_back(outcome) for outcome in outcomes)
    for line, times in collections.Counter(broken).most_common(20):
        print(f"{times} x {line[:1000]}")
    print(
        f"{len(outcomes)} calls in {seconds:.0f} s, seed {chosen.seed}: "
        + ", ".join(f"{times} x {status}" for status, times in sorted(statuses.items()))
        + f"; {len(broken)} faults (5xx, silence, exceptions in the log), process {'alive' if alive else 'GONE'}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
