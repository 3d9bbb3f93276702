"""Workers killed (kill -9) while they answer: `python -m tests.faults.kill_workers --times 20`. Ends with a summary line.

Each time, several patients write to one worker at once, it is killed while their messages are under way, and every patient
sends the same message, with the same id, to the other worker. The killed one starts again before it is the other's turn.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, List

from infusion_guide.engine.training import model_path
from tests.faults.cluster import CRISIS, QUESTION, Cluster, conversation_id
from tools.bench.local_servers import HOST, Postgres, Redis, free_port

PATIENTS = 6  # that write at once; one worker takes them one after the other, so that some are always under way
LEAD = 0.05  # seconds from the first message to the kill, growing with each kill: every moment of a turn is met


class Notices:
    """Receives the crisis notices of the outbox, the effect that a killed worker could lose or double."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}/"
        self.keys: Counter = Counter()
        notices = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                notices.keys[json.loads(self.rfile.read(int(self.headers["Content-Length"])))["key"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, self.port), Handler)

    def __enter__(self) -> "Notices":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Found:
    """What the kills did."""

    kills: int = 0
    messages: int = 0
    cut_off: int = 0  # messages whose first sending got no answer
    unanswered: int = 0  # messages that got neither an answer nor words in time when they were sent again
    lost: int = 0
    doubled: int = 0
    effects_missing: int = 0
    effects_doubled: int = 0  # more than one row in the outbox for one message
    deliveries_repeated: int = 0  # same key delivered again: at least once, the receiver tells by the key
    waits: List[float] = field(default_factory=list)  # seconds of the second sending

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.messages} messages of which {self.cut_off} were cut off: {self.unanswered} unanswered, "
            f"{self.lost} lost, {self.doubled} doubled; effects: {self.effects_missing} missing, {self.effects_doubled} doubled, "
            f"{self.deliveries_repeated} delivered again under the same key; the next message waited "
            f"{statistics.median(self.waits):.2f} s (median), {max(self.waits):.2f} s at most"
        )


def kill_and_look(cluster: Cluster, times: int) -> Found:
    """Kills workers in turn, `times` times, and looks what became of every message."""
    found = Found()
    for number in range(times):
        victim, other = cluster.workers[number % 2], cluster.workers[1 - number % 2]
        tickets = [other.client().conversation() for _ in range(PATIENTS)]
        texts = [CRISIS if patient % 2 else f"{QUESTION} {number}" for patient in range(PATIENTS)]
        with ThreadPoolExecutor(PATIENTS) as pool:
            sent = [pool.submit(victim.client().say, *each, f"killed {number}") for each in zip(tickets, texts)]
            time.sleep(LEAD * (1 + number % 5))
            victim.kill()
            first = [answer.result() for answer in sent]
        found.kills += 1
        for patient, ticket in enumerate(tickets):
            found.messages += 1
            if first[patient].status == 200:
                continue
            found.cut_off += 1
            again = other.client().say(ticket, texts[patient], f"killed {number}")
            found.waits.append(again.seconds)
            found.unanswered += again.status != 200
        victim.start()
        for patient, ticket in enumerate(tickets):
            stored = cluster.patient_said(ticket).count(texts[patient])
            found.lost += stored == 0
            found.doubled += stored > 1
            rows = cluster.rows("SELECT count(*) FROM outbox WHERE sender_id = %s", conversation_id(ticket))[0][0]
            wanted = texts[patient] == CRISIS and bool(cluster.settings.notice_webhook)
            found.effects_missing += rows < wanted
            found.effects_doubled += rows > wanted
        cluster.mend()
    return found


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_workers")
    parser.add_argument("--times", type=int, default=20)
    chosen = parser.parse_args()
    if not model_path().exists():
        raise SystemExit("There is no model of the present data. Run `make train` first.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kill-workers-")))
        notices = stack.enter_context(Notices())
        postgres, redis = stack.enter_context(Postgres()), stack.enter_context(Redis())
        cluster = stack.enter_context(Cluster(postgres, redis, folder, workers=2, notice_webhook=notices.url))
        found = kill_and_look(cluster, chosen.times)
        time.sleep(70)  # what a killed worker had taken from the outbox is given to the other after a minute
        waiting = cluster.rows("SELECT count(*) FROM outbox WHERE done IS NULL")[0][0]
        found.effects_missing += cluster.rows("SELECT count(*) FROM outbox")[0][0] - len(notices.keys)
        found.deliveries_repeated = sum(notices.keys.values()) - len(notices.keys)
    print(f"{found}; {waiting} effects still waiting")
    return 1 if found.unanswered or found.lost or found.doubled or found.effects_missing or found.effects_doubled else 0


if __name__ == "__main__":
    sys.exit(main())
