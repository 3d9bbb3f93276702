"""`make bench-scale`: one and two assistants behind nginx with real PostgreSQL and Redis; fills in docs/scaling.md."""

import argparse
import asyncio
import multiprocessing
import os
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

import aiohttp
import numpy as np
import psutil

from infusion_guide.clinic.settings import ROOT, Settings, settings
from infusion_guide.engine.training import model_path
from infusion_guide.evaluate.sentences import HELDOUT, own
from infusion_guide.run.commands import assistant, environment
from infusion_guide.run.supervisor import wait_for
from infusion_guide.storage.database import migrate
from tests.ports import HOST, free_port
from tools.bench import records
from tools.bench.load import TURNS, ask, conversations
from tools.bench.local_servers import Postgres, Redis, ServerError
from tools.bench.scale_report import write_scaling
from tools.bench.servers import logged

AT_ONCE = 32  # conversations
WARM_UP = 64  # messages for each assistant
CASES = ("1", "2")  # assistants
TEMPLATE = ROOT / "deploy" / "nginx" / "nginx.conf.template"
RECORD = ROOT / "results" / "bench-scale.json"
_WITHOUT_LIMIT = 1_000_000
_TABLES = ("conversations", "events", "turns", "outbox")


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of each case, messages a round (a multiple of AT_ONCE * TURNS)."""

    rounds: int = 3
    messages: int = 2 * AT_ONCE * TURNS


@dataclass(frozen=True)
class Cluster:
    """What runs: nginx's addresses by case, the REST token, and the process ids by role."""

    urls: Dict[str, str]
    token: str
    pids: Dict[str, int]
    postgres: Postgres
    redis: Redis

    def cpu(self) -> Dict[str, float]:
        """CPU seconds by role since the start of its process."""
        return {role: cpu_seconds(pid) for role, pid in self.pids.items()}


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.scale")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything runs; nothing is written")
    parser.add_argument("--report", action="store_true", help="only write the report from what was recorded")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    if not chosen.report:
        record = measure(Plan(1, AT_ONCE * TURNS) if chosen.quick else Plan())
        if chosen.quick:
            return 0
        records.write(RECORD, record)
    write_scaling(records.read(RECORD))
    say("Written: docs/scaling.md")
    return 0


def measure(plan: Plan) -> records.Record:
    """Both cases, round by round in turn, so that a slow spell of the machine meets both."""
    texts = [sentence.text for sentence in own(HELDOUT)]
    rounds: Dict[str, List[Dict[str, Any]]] = {case: [] for case in CASES}
    # The load comes from a process of its own: in this one it would be measured together with the measuring.
    with cluster() as running_cluster, multiprocessing.get_context("spawn").Pool(1) as other:

        def load(case: str, talks: List[List[str]]) -> Dict[str, Any]:
            return other.apply(under_load, (running_cluster.urls[case], running_cluster.token, talks))

        for case in CASES:
            load(case, conversations(texts, WARM_UP * int(case), seed=0))
        empty = usage(running_cluster)
        stamp = records.stamp()
        for turn in range(plan.rounds):
            for case in CASES:
                talks = conversations(texts, plan.messages, seed=turn)
                before, busy = running_cluster.cpu(), machine_cpu()
                found = load(case, talks)
                used = {role: seconds - before[role] for role, seconds in running_cluster.cpu().items()}
                found["cpu_ms"] = {role: 1000 * seconds / found["messages"] for role, seconds in used.items()}
                found["cpu_ms"]["load generator"] = 1000 * found.pop("own_cpu_s") / found["messages"]
                everything = (machine_cpu() - busy) / found["seconds"] / (os.cpu_count() or 1)
                ours = sum(found["cpu_ms"].values()) / 1000 * found["per_second"] / (os.cpu_count() or 1)
                found.update(machine_busy=everything, others_busy=max(0.0, everything - ours))
                rounds[case].append(found)
                say(
                    f"round {turn + 1} of {plan.rounds}, {case} assistant(s): {found['per_second']:.1f} messages a second, "
                    f"p95 {found['p95']:.0f} ms, {found['failed']} failed, cores {100 * found['machine_busy']:.0f} % busy, "
                    f"{100 * found['others_busy']:.0f} % with other work; "
                    + "CPU ms a message: "
                    + ", ".join(f"{role} {ms:.2f}" for role, ms in found["cpu_ms"].items())
                )
        full = usage(running_cluster)
        memory = {role: resident(pid) for role, pid in running_cluster.pids.items()}
    messages = sum(found["messages"] for case in CASES for found in rounds[case])
    say(f"ratio 2:1 {ratio(rounds):.2f}")
    grown = {name: (full[name] - empty[name]) / messages for name in ("database_bytes", "redis_bytes")}
    return {
        **stamp,
        "cores": os.cpu_count(),
        "pinned": sorted(assistant_cores(2)[0]) != sorted(all_cores()),
        "messages_a_round": plan.messages,
        "rounds": rounds,
        "bytes_a_message": {"database": grown["database_bytes"], "redis": grown["redis_bytes"]},
        "rows_a_message": (full["events"] - empty["events"]) / messages,
        "connections": full["connections"],
        "memory_mb": memory,
    }


def ratio(rounds: Dict[str, List[Dict[str, Any]]]) -> float:
    """Median messages a second with two assistants over that with one."""
    one, two = (statistics.median(found["per_second"] for found in rounds[case]) for case in CASES)
    return two / one


# ------------------------------------------------------------------------------------------------------------- processes


@contextmanager
def cluster() -> Iterator[Cluster]:
    """PostgreSQL, Redis, two assistants, and nginx before one and before both of them.

    Everything listens on loopback, has its own process, and ends with the context. PostgreSQL writes to the disk at each
    commit, as in production; Redis keeps nothing, as in production.

    Raises:
        SystemExit: nginx is missing, or a server did not start.
    """
    nginx = _nginx()
    model = _model()
    token = secrets.token_hex(32)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-scale-")))
        say("starting PostgreSQL and Redis")
        try:
            postgres = stack.enter_context(Postgres(fsync="on", full_page_writes="on", shared_buffers="128MB"))
            redis = stack.enter_context(Redis(appendonly="no"))
        except ServerError as error:
            raise SystemExit(str(error)) from None
        migrate(postgres.url)
        env = _environment(postgres.url, redis.url, token)
        say("starting two assistants")
        ports, pids = [], {}
        for number, cores in enumerate(assistant_cores(len(CASES)), start=1):
            ports.append(free_port())
            log = folder / f"assistant-{number}.log"
            with on_cores(cores):
                started = stack.enter_context(logged(assistant(model), {**env, "PORT": str(ports[-1])}, log))
            pids[f"assistant {number}"] = started.pid
            _wait(f"http://{HOST}:{ports[-1]}/ready", started, log)
        pids.update(PostgreSQL=postgres.pid, Redis=redis.pid)
        urls = {}
        for case in CASES:
            listening = free_port()
            place = folder / f"nginx-{case}"
            place.mkdir()
            config = place / "nginx.conf"
            config.write_text(nginx_config(TEMPLATE.read_text(encoding="utf-8"), listening, ports[: int(case)], place), "utf-8")
            command = [nginx, "-p", str(place), "-e", "stderr", "-c", str(config), "-g", "daemon off;"]
            with on_cores(other_cores(len(CASES))):
                started = stack.enter_context(logged(command, env, place / "log"))
            pids[f"nginx {case}"] = started.pid
            urls[case] = f"http://{HOST}:{listening}/webhooks/rest"
            _wait(f"http://{HOST}:{listening}/health", started, place / "log")
        yield Cluster(urls, token, pids, postgres, redis)


def nginx_config(template: str, port: int, assistants: Sequence[int], folder: Path) -> str:
    """deploy/'s configuration for this machine: loopback ports for names, files in `folder`, no limit on calls.

    Raises:
        ValueError: the template changed in a place that is filled in here.
    """
    servers = "".join(f"server {HOST}:{one} max_fails=2 fail_timeout=5s;\n        " for one in assistants)
    changes = [
        (r"server \$\{NGINX_ASSISTANTS\} resolve [^;]*;\s*", servers, 2),
        (r"server \$\{NGINX_STAFF\} resolve [^;]*;", f"server {HOST}:{Settings.staff_port};", 1),  # nobody calls them here
        (r"    resolver [^\n]*\n", "", 1),
        (r"\$\{NGINX_TRUSTED_PROXIES\}", f"{HOST}/32", 1),
        (r"listen 8080 default_server;", f"listen {HOST}:{port};", 1),
        (r"rate=20r/s", f"rate={_WITHOUT_LIMIT}r/s", 1),
        (r"limit_conn connections 100;", f"limit_conn connections {4 * AT_ONCE};", 1),
        (r"(?<= )/tmp/", f"{folder}/", 7),
        (r"access_log /dev/stdout", f"access_log {folder}/access.log", 1),
    ]
    for pattern, words, times in changes:
        template, found = re.subn(pattern, lambda _, words=words: words, template)
        if found != times:
            raise ValueError(f"{TEMPLATE.name}: '{pattern}' stands in it {found} times, not {times}.")
    return template


def _nginx() -> str:
    # Debian's servers stand in /usr/sbin, which is not on everybody's path.
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(
            "nginx is missing; it is the one program here that no Python package carries. "
            "On Debian or Ubuntu: apt install nginx-light. On macOS: brew install nginx."
        )
    return found


def _model() -> Path:
    """The trained model. Nothing is trained here: that would take minutes of both cores and replace the model in use."""
    path = model_path()
    if not path.exists():
        raise SystemExit("There is no model of the present data. Run `make train` first.")
    return path


def _environment(database: str, redis: str, token: str) -> Dict[str, str]:
    chosen = replace(settings(), database_url=database)
    names = ("VISITOR_MESSAGES_PER_MINUTE", "VISITOR_MESSAGES_PER_DAY", "ADDRESS_MESSAGES_PER_MINUTE", "MESSAGES_PER_SECOND")
    return {
        **environment(chosen),
        "HOST": HOST,
        "PRODUCTION": "true",
        "STORED_WORDS": "plain",
        "SECRET_KEY": secrets.token_hex(32),
        "REST_TOKEN": token,
        "REDIS_URL": redis,
        "PROXIES": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),  # as in deploy/Dockerfile
        **dict.fromkeys(names, str(_WITHOUT_LIMIT)),
    }


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    try:
        wait_for(url, process, 180)
    except SystemExit as error:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise SystemExit(f"{error}\n{end}") from None


# ----------------------------------------------------------------------------------------------------------------- cores


def all_cores() -> Set[int]:
    """The cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def assistant_cores(assistants: int) -> List[Set[int]]:
    """A core of its own for each assistant, as in production; every core for all where there are fewer."""
    cores = sorted(all_cores())
    if len(cores) < assistants:
        return [set(cores)] * assistants
    return [{core} for core in cores[:assistants]]


def other_cores(assistants: int) -> Set[int]:
    """Where everything but the assistants runs: on the cores that are left, if any, otherwise beside them on all."""
    left = all_cores().difference(*assistant_cores(assistants))
    return left or all_cores()


@contextmanager
def on_cores(cores: Set[int]) -> Iterator[None]:
    """Processes started here, and all their threads, keep to `cores` (Linux; elsewhere nothing)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


# -------------------------------------------------------------------------------------------------------------- measures


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its children, those that ended included."""
    process = psutil.Process(pid)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def machine_cpu() -> float:
    """CPU seconds that all processes used since the machine started."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


def resident(pid: int) -> float:
    """Resident MB of a process and its children; memory that they share (PostgreSQL's) is counted once for each."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6


def usage(one: Cluster) -> Dict[str, float]:
    """Bytes in the database (tables and indexes) and in Redis, rows of events, and connections of the assistants."""
    with closing(one.postgres.admin()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT " + " + ".join(f"pg_total_relation_size('{table}')" for table in _TABLES))
        size = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM events")
        rows = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'infusion-guide'")
        connections = cursor.fetchone()[0]
    with closing(one.redis.client()) as client:
        memory = client.info("memory")["used_memory"]
    return {"database_bytes": size, "redis_bytes": memory, "events": rows, "connections": connections}


def under_load(url: str, token: str, talks: List[List[str]]) -> Dict[str, Any]:
    """Talks through nginx as programs do in production, AT_ONCE conversations under way.

    Latency in ms, messages a second, own CPU seconds; `failed` are answers that are not 200, `silent` those without a reply.
    """
    return asyncio.run(_under_load(url, token, talks))


async def _under_load(url: str, token: str, talks: List[List[str]]) -> Dict[str, Any]:
    said: List[Tuple[float, int, int]] = []
    timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers) as session:
        waiting = []
        for talk in talks:  # before the clock starts: a conversation is asked for once, its messages are what is measured
            async with session.post(f"{url}/conversation") as answer:
                if answer.status != 200:
                    raise RuntimeError(f"No conversation: {answer.status} {await answer.text()}")
                waiting.append(((await answer.json())["sender"], talk))

        async def patient() -> None:
            while waiting:
                sender, talk = waiting.pop()
                for text in talk:
                    said.append(await ask(session, f"{url}/webhook", sender, text))

        start, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(patient() for _ in range(AT_ONCE)))
        seconds, own_cpu = time.perf_counter() - start, time.process_time() - cpu
    p50, p95, p99 = (float(p) for p in np.percentile([milliseconds for milliseconds, _, _ in said], [50, 95, 99]))
    return {
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "per_second": len(said) / seconds,
        "messages": len(said),
        "seconds": seconds,
        "failed": sum(status != 200 for _, status, _ in said),
        "silent": sum(not replies for _, _, replies in said),
        "own_cpu_s": own_cpu,
    }


def say(words: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
