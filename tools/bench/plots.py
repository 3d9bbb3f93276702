"""Pictures of the records: accuracy, latency and throughput, and the cost over the length of a conversation."""

import statistics
from pathlib import Path
from typing import Dict

import matplotlib
import numpy as np

from tools.bench.records import Record

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (after the choice of a drawing library that needs no screen)

_NAMES = ("right kind", "faq: right topic", "crisis found", "others taken\nfor a crisis", "out of scope:\nfallback")
_KEYS = ("kind", "faq_topic", "crisis_found", "crisis_false", "out_of_scope")
_COLOURS = {"infusion-guide": "#1b6ca8", "rasa-default": "#d1495b", "rasa-spacy": "#edae49", "keyword": "#8d99ae"}
_SMOOTH = 10  # messages


def plot_accuracy(found: Dict[str, Record], path: Path) -> bool:
    """Bars of each measure, one colour a peer; whether there was anything to draw."""
    peers = [name for name, record in found.items() if "accuracy" in record]
    if not peers:
        return False
    figure, axes = pyplot.subplots(figsize=(9, 4))
    width = 0.8 / len(peers)
    for i, name in enumerate(peers):
        counts = [found[name]["accuracy"][key] for key in _KEYS]
        shares = [c["n"] / c["of"] if c["of"] else 0.0 for c in counts]
        bars = axes.bar(np.arange(len(_KEYS)) + i * width, shares, width, label=name, color=_COLOURS[name])
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    axes.set_xticks(np.arange(len(_KEYS)) + width * (len(peers) - 1) / 2, _NAMES)
    axes.set_ylim(0, 1.08)
    axes.set_ylabel("share of the held-out sentences")
    axes.legend(ncol=len(peers), loc="upper center", bbox_to_anchor=(0.5, 1.14), frameon=False)
    return _saved(figure, path)


def plot_load(found: Dict[str, Record], path: Path) -> bool:
    """Median latency and throughput against conversations at once; whether there was anything to draw."""
    measured = {name: record["rounds"] for name, record in found.items() if record.get("rounds")}
    if not measured:
        return False
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for name, rounds in measured.items():
        at_once = list(rounds[0]["load"])
        for axes, key in ((left, "p50"), (right, "per_second")):
            values = [statistics.median(r["load"][n][key] for r in rounds) for n in at_once]
            axes.plot([int(n) for n in at_once], values, marker="o", label=name, color=_COLOURS[name])
            axes.set_xscale("log", base=2)
            axes.set_xticks([int(n) for n in at_once], at_once)
            axes.set_xlabel("conversations at once")
            axes.grid(alpha=0.3)
    left.set_yscale("log")
    left.set_ylabel("median latency, ms")
    right.set_ylabel("messages a second")
    right.set_ylim(bottom=0)
    left.legend(frameon=False, fontsize=8)
    return _saved(figure, path)


def plot_conversation(found: Dict[str, Record], path: Path) -> bool:
    """Latency of each message of the long conversation, smoothed; whether there was anything to draw."""
    measured = {name: record["long"]["ms"] for name, record in found.items() if "long" in record}
    if not measured:
        return False
    figure, axes = pyplot.subplots(figsize=(8, 3.6))
    for name, latencies in measured.items():
        smooth = [statistics.median(latencies[max(0, i - _SMOOTH) : i + 1]) for i in range(len(latencies))]
        axes.plot(range(1, len(smooth) + 1), smooth, label=name, color=_COLOURS[name])
    axes.set_xlabel("message of one conversation")
    axes.set_ylabel(f"latency, ms (median of the last {_SMOOTH})")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return _saved(figure, path)


def _saved(figure, path: Path) -> bool:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True
