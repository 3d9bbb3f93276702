"""What was measured, one JSON file a peer, written after each step so that an interrupted run can go on."""

import json
import time
from pathlib import Path
from typing import Any, Dict

import psutil

Record = Dict[str, Any]


def read(path: Path) -> Record:
    """The record at `path`; an empty one where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, record: Record) -> None:
    """Replaces the file at once, so that a stop in between leaves the old one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def stamp() -> Dict[str, Any]:
    """When a step began, and the share of all cores that other work took just before (0 to 1)."""
    return {"at": time.strftime("%Y-%m-%d %H:%M"), "busy_before": psutil.cpu_percent(interval=2) / 100}
