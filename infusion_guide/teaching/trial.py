"""Tries what waits: in a copy of the project, so that nothing of the running assistant changes before all is proven.

A trial that fails or is killed leaves nothing to put back. Only going live changes the project; it is written down first
(results/teaching.json), each of its steps may be done twice, and whoever comes next finishes it (`recover`).
"""

import fcntl
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine.training import digest_of, fingerprint, model_path
from infusion_guide.evaluate.scores import rates
from infusion_guide.evaluate.sentences import own
from infusion_guide.replies.topic import Topic
from infusion_guide.storage import taught as room
from infusion_guide.teaching.waiting import Line, hold, remove, waiting

Outcome = Dict[str, Any]
Row = Tuple[str, float, int, str, bool]  # name, rate, number of sentences, bound, whether it holds (scores.rates)
State = Dict[str, Any]

# How far a rate may fall besides its bound. 0.01: for 259 sentences of which 0.89 are right, chance alone moves a rate by
# 0.019 (one standard error), so that less means nothing; and at least one sentence, where 0.01 is less than one. A person in
# danger who was found before must be found afterwards: there not one sentence may be lost.
MARGIN = 0.01
NEVER_LESS = "crisis found, check-in included"

STEPS = (
    "measuring the assistant as it is",
    "checking the sentences",
    "training",
    "measuring the new assistant",
    "testing the new assistant",
    "going live",
)
_NOT_COPIED = (
    ".git", ".venv", ".tools", ".rasa", ".env", ".secret_key", "models", "results", "node_modules", "__pycache__",
    "*.db", "*.db-*", ".hypothesis", ".ruff_cache", ".pytest_cache",
)  # fmt: skip
_FULL_TESTS_NEED = (".venv", ".tools", "widget/node_modules")
_WAIT = 5.0  # seconds for another trial's last step


class Failed(Exception):
    """A step of the trial failed; the message says why, in words for staff."""


class Running(Exception):
    """Another trial is running."""


@dataclass(frozen=True)
class Tools:
    """What a trial does with a copy of the project. Each raises Failed."""

    measure: Callable[[Path, List[str]], List[Outcome]]  # outcomes of texts, by the copy's model
    check: Callable[[Path], None]  # the gate
    train: Callable[[Path], None]
    test: Callable[[Path], None]


# ---- The trial ----


def run(tools: Tools, project: Path = ROOT, tell: Callable[[str], None] = lambda words: None) -> State:
    """Tries every waiting line of `project`; the state that is also kept in results/teaching.json.

    Raises:
        Running: another trial has not ended.
    """
    with _alone(project):
        _recover(project)
        lines = waiting(project)
        if not lines:
            return {**state(project), "reason": "Nothing is waiting."}
        trial = _Trial(tools, project, lines, tell)
        try:
            trial.run()
        except Failed as error:
            trial.note(state="refused", reason=str(error))
            hold(lines, f"{time.strftime('%Y-%m-%d')}: {error}", project)
        except Exception:
            if trial.state["state"] == "running":
                trial.note(state="failed", reason="The trial broke off, which is our mistake; results/teaching.log tells where.")
            raise
        finally:
            if trial.state["state"] != "releasing":
                _tidy(project)
        return trial.state


class _Trial:
    """One trial; `state` is what it knows so far."""

    def __init__(self, tools: Tools, project: Path, lines: List[Line], tell: Callable[[str], None]) -> None:
        self.tools, self.project, self.lines, self.tell = tools, project, lines, tell
        self.state: State = {"state": "running", "pid": os.getpid(), "began": time.time(), "lines": [asdict(x) for x in lines]}
        self.measured = own(project / "tests" / "heldout")

    def note(self, **values: Any) -> None:
        """Writes down what is new."""
        self.state.update(values, at=time.time())
        _keep(self.project, self.state)

    def step(self, name: str) -> None:
        """Says what begins now."""
        self.note(step=name)
        self.tell(f"{STEPS.index(name) + 1} of {len(STEPS)}: {name}")

    def run(self) -> None:
        """The six steps. Raises Failed: the lines may not go live."""
        if not room.is_tried(self.project):
            raise Failed("data/taught/ was changed without a trial. Take that back with git, and teach on the staff pages.")
        self.step(STEPS[0])
        began_with = fingerprint(self.project)
        copy = copy_of(self.project)
        before = self._figures(copy)
        self.note(before=before, copy=copy.name, former=model_path(self.project).name)
        self.step(STEPS[1])
        room.write(with_lines(room.taught(copy), self.lines), copy)
        self.tools.check(copy)
        self.step(STEPS[2])
        self.tools.train(copy)
        self.step(STEPS[3])
        after = self._figures(copy)
        answered = self._answered(copy)
        self.note(after=after, answered=answered, worse=worse(before, after))
        if self.state["worse"]:
            raise Failed("These figures fell too far: " + "; ".join(self.state["worse"]) + ".")
        self.step(STEPS[4])
        self.tools.test(copy)
        self.step(STEPS[5])
        self._check_unchanged(began_with)
        self.note(state="releasing", model=model_path(copy).name)
        _release(self.project, self.state)
        self.state = state(self.project)

    def _figures(self, copy: Path) -> List[Row]:
        """The rates of the copy's model on the held-out sentences; measured once for each state of the project."""
        path = self.project / "results" / "figures" / f"{_measuring(copy)}.json"
        if path.exists():
            return [tuple(row) for row in json.loads(path.read_text(encoding="utf-8"))]  # type: ignore[misc]
        rows = rates(self.measured, self.tools.measure(copy, [sentence.text for sentence in self.measured]))
        room.replace(path, json.dumps(rows))
        return rows

    def _answered(self, copy: Path) -> List[str]:
        """What the new model makes of each line: its topic as kind/topic, or the reply's name."""
        outcomes = self.tools.measure(copy, [line.text for line in self.lines])
        return [_label(outcome) for outcome in outcomes]

    def _check_unchanged(self, began_with: str) -> None:
        if fingerprint(self.project) != began_with:
            raise Failed("The project was changed while the trial ran, so it proves nothing. Please try again.")
        still = [line.key for line in waiting(self.project)]
        if any(line.key not in still for line in self.lines):
            raise Failed("A sentence was taken off the list while the trial ran. Please try again.")


def with_lines(known: Dict[str, List[str]], lines: Sequence[Line]) -> Dict[str, List[str]]:
    """What the room holds once `lines` are in it: sentences by label."""
    wanted = {label: list(texts) for label, texts in known.items()}
    for line in lines:
        texts = [text for text in wanted.get(line.topic, []) if room.same(text) != room.same(line.text)]
        wanted[line.topic] = texts if line.withdraw else [*texts, line.text]
    return {label: texts for label, texts in wanted.items() if texts}


def worse(before: Sequence[Row], after: Sequence[Row]) -> List[str]:
    """The rates that forbid going live, in words: their bound is broken, or they fell by more than the margin."""
    earlier = {row[0]: row for row in before}
    found = []
    for name, rate, count, bound, holds in after:
        fell = earlier[name][1] - rate if bound.startswith(">=") else rate - earlier[name][1]
        margin = 0.0 if name == NEVER_LESS else max(MARGIN, 1 / count)
        if not holds or fell > margin + 1e-9:
            found.append(f"{name} ({earlier[name][1]:.3f} before, {rate:.3f} now, bound {bound})")
    return found


def table(before: Sequence[Row], after: Sequence[Row]) -> str:
    """The figures side by side, for the terminal."""
    earlier = {row[0]: row[1] for row in before}
    lines = [f"{'':42} {'before':>7} {'after':>7} {'n':>5}  bound"]
    lines += [
        f"{name:42} {earlier[name]:7.3f} {rate:7.3f} {count:5}  {bound}{'' if holds else '   MISSED'}"
        for name, rate, count, bound, holds in after
    ]
    return "\n".join(lines)


def _label(outcome: Outcome) -> str:
    if outcome.get("topic"):
        return Topic(outcome["kind"], outcome["topic"]).label
    return Topic.of((outcome.get("replies") or [outcome["kind"]])[0]).label


def _measuring(copy: Path) -> str:
    """Changes with anything that the figures depend on."""
    also = [copy / "tests" / "heldout", copy / "data" / "safety", copy / "infusion_guide", copy / "actions"]
    paths = [path for folder in also for path in sorted(folder.glob("**/*")) if path.suffix in (".yml", ".py")]
    return f"{fingerprint(copy)}-{digest_of(paths, copy)}"


def copy_of(project: Path) -> Path:
    """A copy of `project` in its results/, with its models, without its settings and conversations."""
    folder = project / "results"
    folder.mkdir(exist_ok=True)
    copy = Path(tempfile.mkdtemp(prefix="trial-", dir=folder))
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
    (copy / "models").mkdir()
    for model in (project / "models").glob("*"):
        if model.is_file():
            os.link(model, copy / "models" / model.name)
    for needed in _FULL_TESTS_NEED:
        if (project / needed).exists():
            (copy / needed).symlink_to(project / needed)
    return copy


# ---- Going live ----


def _release(project: Path, begun: State) -> None:
    """The trial `begun` goes live. Each step may be done twice: a killed one is done again by `recover`.

    The model comes first: it is found by the fingerprint of what it was trained on, so nobody loads it before the
    sentences stand in the room; and while only some of them do, the room is not as tried, and nothing is trained.
    """
    copy = project / "results" / begun["copy"]
    lines = [Line(**row) for row in begun["lines"]]
    (project / "models").mkdir(exist_ok=True)
    if (copy / "models" / begun["model"]).exists():
        os.replace(copy / "models" / begun["model"], project / "models" / begun["model"])
    room.write(room.taught(copy), project)
    gone = {line.key for line in lines}
    remove(lambda line: line.key in gone, project)
    room.replace(_marker(project), json.dumps({"model": begun["model"], "at": time.time()}))
    for model in (project / "models").glob("infusion-guide-*.tar.gz"):
        if model.name not in (begun["model"], begun["former"]):  # the former one may be running
            model.unlink()
    _keep(project, {**begun, "state": "released", "at": time.time()})


def released(project: Path = ROOT) -> Optional[Path]:
    """The model that went live last, if it is still the one of the present inputs: the assistant is to be started with it.

    models/released.json is written anew each time one goes live.
    """
    try:
        model = project / "models" / json.loads(_marker(project).read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError):
        return None
    return model if model == model_path(project) and model.exists() else None


class Watch:
    """For whoever keeps the assistant running: tells once of each model that goes live from now on."""

    def __init__(self, project: Path = ROOT) -> None:
        self._project = project
        self._seen = self._written()

    def fresh(self) -> Optional[Path]:
        """The model to start the assistant with anew, or None; a look at one file."""
        written = self._written()
        if written == self._seen:
            return None
        self._seen = written
        return released(self._project)

    def _written(self) -> float:
        try:
            return _marker(self._project).stat().st_mtime
        except OSError:
            return 0.0


def recover(project: Path = ROOT) -> None:
    """Ends what a killed trial left: one that was going live is finished, of any other only the copy is removed.

    Raises:
        Running: a trial has not ended; there is nothing to recover.
    """
    with _alone(project):
        _recover(project)


def _recover(project: Path) -> None:
    found = state(project, alone=True)
    if found.get("state") == "releasing" and (project / "results" / found["copy"]).is_dir():
        _release(project, found)
    elif found.get("state") == "releasing":
        reason = "The trial was killed while going live, and its copy is gone. An engineer restores data/taught/ with git."
        _keep(project, {**found, "state": "failed", "reason": reason})
    elif found.get("state") == "interrupted":
        _keep(project, found)
    _tidy(project)


def _tidy(project: Path) -> None:
    for copy in (project / "results").glob("trial-*"):
        shutil.rmtree(copy, ignore_errors=True)


# ---- What is known of it ----


def state(project: Path = ROOT, alone: bool = False) -> State:
    """The last trial: "state" is running, releasing, released, refused, failed or interrupted; {} when there was none.

    Also "step", "began", "at" (Unix seconds), "lines" (waiting.Line as dicts), "before" and "after" (rows of
    scores.rates), "answered" (labels, one a line), "worse", "reason". `alone`: the caller knows that none is running.
    """
    try:
        found: State = json.loads(_path(project).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if found.get("state") == "running" and (alone or not is_running(project)):
        reason = "The trial was interrupted. Nothing was changed; the sentences are still waiting."
        return {**found, "state": "interrupted", "reason": reason}
    return found


def is_running(project: Path = ROOT) -> bool:
    """Whether a trial is running now. The lock ends with its process, however that ends."""
    lock = _lock(project)
    if lock is None:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(lock)


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    (project / "results").mkdir(exist_ok=True)
    lock = _lock(project, create=True)
    assert lock is not None
    end = time.monotonic() + _WAIT
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise Running("A trial is running already; `results/teaching.json` tells how far it is.") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _lock(project: Path, create: bool = False) -> Optional[int]:
    try:
        return os.open(project / "results" / "teaching.lock", os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
    except OSError:
        return None


def _keep(project: Path, values: State) -> None:
    room.replace(_path(project), json.dumps(values, indent=1, ensure_ascii=False))


def _path(project: Path) -> Path:
    return project / "results" / "teaching.json"


def _marker(project: Path) -> Path:
    return project / "models" / "released.json"
