"""Fills the measured parts of docs/scaling.md, between their markers, and draws docs/benchmarks/scale.png."""

import math
import re
import statistics
from pathlib import Path
from typing import Dict, List

import matplotlib

from infusion_guide.clinic.settings import ROOT
from infusion_guide.storage.database import _THREADS as POOL
from tools.bench.load import TURNS
from tools.bench.records import Record

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (after the choice of a drawing library that needs no screen)

REPORT = ROOT / "docs" / "scaling.md"
PICTURE = ROOT / "docs" / "benchmarks" / "scale.png"

# Assumptions of the arithmetic; docs/scaling.md says where they come from.
PEAK = 5.0  # messages a second at the worst moment over the mean of the month
FULL = 0.6  # share of a core that is planned for: queues grow without bound as it nears 1
DAYS = 30  # of a month, and of the conversations that are kept
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)  # conversations a month

_ROLES = ("assistant", "PostgreSQL", "Redis", "nginx", "load generator")


def write_scaling(record: Record, path: Path = REPORT, picture: Path = PICTURE) -> None:
    """Replaces what stands between the markers of `path`; the text around them is written by hand.

    Raises:
        ValueError: a marker is missing.
    """
    draw(record, picture)
    text = path.read_text(encoding="utf-8")
    for name, block in (("measured", measured(record)), ("arithmetic", arithmetic(record))):
        pattern = re.compile(rf"(<!-- {name}: begin[^>]*-->\n).*?(<!-- {name}: end -->)", re.DOTALL)
        text, found = pattern.subn(lambda m, block=block: f"{m.group(1)}\n{block}\n\n{m.group(2)}", text)
        if found != 1:
            raise ValueError(f"{path.name} needs '<!-- {name}: begin -->' and '<!-- {name}: end -->' once.")
    path.write_text(text, encoding="utf-8")


def middle(record: Record, case: str, key: str) -> float:
    """Median over the rounds of `case` ("1" or "2" assistants)."""
    return statistics.median(found[key] for found in record["rounds"][case])


def cpu_ms(record: Record, case: str) -> Dict[str, float]:
    """Median CPU milliseconds a message by role, the processes of one role added up."""
    rounds: List[Dict[str, float]] = [found["cpu_ms"] for found in record["rounds"][case]]
    return {
        role: statistics.median(sum(ms for name, ms in found.items() if name.startswith(role)) for found in rounds)
        for role in _ROLES
    }


def measured(record: Record) -> str:
    """What was measured: throughput and latency, CPU by process, and how."""
    one, two = middle(record, "1", "per_second"), middle(record, "2", "per_second")
    rows = [
        "| | 1 assistant | 2 assistants | 2 : 1 |",
        "|---|---|---|---|",
        f"| messages a second | {one:.1f} | {two:.1f} | {two / one:.2f} |",
    ]
    for key in ("p50", "p95"):
        values = [middle(record, case, key) for case in ("1", "2")]
        rows.append(f"| {key}, ms | {values[0]:.0f} | {values[1]:.0f} | {values[1] / values[0]:.2f} |")
    busy = [middle(record, case, "machine_busy") for case in ("1", "2")]
    rows.append(f"| all cores busy, % | {100 * busy[0]:.0f} | {100 * busy[1]:.0f} | |")
    others = [middle(record, case, "others_busy") for case in ("1", "2")]
    rows.append(f"| of it other work on this machine, % | {100 * others[0]:.0f} | {100 * others[1]:.0f} | |")
    failed = [sum(found["failed"] for found in record["rounds"][case]) for case in ("1", "2")]
    rows.append(f"| answers that were not 200 | {failed[0]} | {failed[1]} | |")
    cpu = [cpu_ms(record, case) for case in ("1", "2")]
    rows += ["", "| CPU milliseconds a message | 1 assistant | 2 assistants |", "|---|---|---|"]
    rows += [f"| {role} | {cpu[0][role]:.2f} | {cpu[1][role]:.2f} |" for role in _ROLES]
    rounds = len(record["rounds"]["1"])
    pinned = (
        "each assistant kept to a core of its own, everything else to those that were left or, where none was, to all"
        if record["pinned"]
        else "everything shared all cores, nothing was pinned"
    )
    how = (
        f"Measured {record['at']} on {record['cores']} cores ({pinned}): medians of {rounds} rounds a case in turn, "
        f"{record['messages_a_round']} messages a round, 32 conversations at once of {TURNS} messages each."
    )
    memory = max(mb for name, mb in record["memory_mb"].items() if name.startswith("assistant"))
    sizes = record["bytes_a_message"]
    also = (
        f"Also: {sizes['database'] / 1000:.1f} kB in PostgreSQL a message ({record['rows_a_message']:.1f} events, indexes "
        f"included), {sizes['redis']:.0f} bytes in Redis; {record['connections']:.0f} database connections open for two "
        f"assistants; resident memory {memory:.0f} MB an assistant."
    )
    alone = [limit(record, int(case), sum(one.values()), one["assistant"]) for case, one in zip(("1", "2"), cpu)]
    paper = (
        f"From the CPU times alone, {record['cores']} cores with nothing else to do cannot answer more than {alone[0]:.0f} "
        f"messages a second with one assistant and {alone[1]:.0f} with two (2 : 1 = {alone[1] / alone[0]:.2f}); on paper."
    )
    return "\n".join([how, "", *rows, "", paper, "", also, "", "![Throughput and CPU](benchmarks/scale.png)"])


def limit(record: Record, assistants: int, everything: float, of_assistants: float) -> float:
    """Messages a second that the CPU times (ms a message) allow: all cores full, and no assistant above one core."""
    return min(1000 * assistants / of_assistants, 1000 * record["cores"] / everything)


def arithmetic(record: Record) -> str:
    """What each size needs, from the CPU time and the bytes a message with two assistants."""
    cpu = cpu_ms(record, "2")
    around = sum(cpu[role] for role in ("PostgreSQL", "Redis", "nginx"))
    core = 1000 * FULL / cpu["assistant"]
    lines = [
        f"One core carries 1000 ms x {FULL} / {cpu['assistant']:.1f} ms = **{core:.0f} messages a second** of an assistant; "
        f"everything around it needs another {around:.1f} ms a message.",
        "",
        f"| conversations a month | messages a month (x {TURNS}) | mean a second | peak a second (x {PEAK:.0f}) | assistants, "
        f"a core each (at least 2) | cores around them | connections ({POOL} each) | PostgreSQL, {DAYS} days |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for conversations in SIZES:
        messages = conversations * TURNS
        mean = messages / (DAYS * 86_400)
        peak = mean * PEAK
        assistants = max(2, math.ceil(peak / core))
        beside = max(1, math.ceil(peak * around / 1000 / FULL))
        size = messages * record["bytes_a_message"]["database"] / 1e9
        lines.append(
            f"| {conversations:,} | {messages:,} | {mean:.2f} | {peak:.1f} | {assistants} | {beside} | {assistants * POOL} "
            f"| {size:,.1f} GB |"
        )
    return "\n".join(lines)


def draw(record: Record, path: Path) -> None:
    """Two panels: messages a second of each round, and CPU milliseconds a message by process."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6))
    names = ("1 assistant", "2 assistants")
    left.bar(names, [middle(record, case, "per_second") for case in ("1", "2")], color="#1b6ca8", width=0.55)
    for place, case in enumerate(("1", "2")):
        rounds = record["rounds"][case]
        left.scatter([place] * len(rounds), [found["per_second"] for found in rounds], color="#d1495b", zorder=3, s=18)
    left.set_ylabel("messages a second (dots: rounds)")
    bottom = [0.0, 0.0]
    for role in _ROLES:
        values = [cpu_ms(record, case)[role] for case in ("1", "2")]
        right.bar(names, values, bottom=bottom, label=role, width=0.55)
        bottom = [low + value for low, value in zip(bottom, values)]
    right.set_ylabel("CPU milliseconds a message")
    right.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
