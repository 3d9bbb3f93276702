"""Trains the model when its inputs changed."""

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Iterable, Iterator, List, Set

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.storage import taught as room
from infusion_guide.watch.console import Bar, quietly

MODELS = ROOT / "models"

# What judges or splits and learns nothing: a change of these needs no new training. (Their thresholds stand in config.yml.)
_JUDGES = ("confidence_gate.py", "danger.py", "gate.py", "question_splitter.py")


# What else a trained model depends on: another version may learn, or load, something else.
LIBRARIES = ("joblib", "numpy", "onnxruntime", "rasa", "scikit-learn", "scipy", "spacy", "tokenizers")


def inputs(project: Path = ROOT) -> Iterator[Path]:
    """Every file that the model learns from, in a fixed order. How replies are worded is not among them."""
    yield project / "config.yml"
    yield project / "domain.yml"
    for folder in ("nlu", "followups", "rules"):
        yield from sorted((project / "data" / folder).glob("**/*.yml"))
    yield from room.files(project)
    yield from (path for path in sorted((project / "infusion_guide" / "nlu").glob("*.py")) if path.name not in _JUDGES)
    yield from (project / "infusion_guide" / "nlu" / "minilm").glob("delta.json")  # names the delta by its sha256
    yield project / "infusion_guide" / "engine" / "policies" / "intent_rule_policy.py"  # the others learn nothing


def fingerprint(project: Path = ROOT) -> str:
    """Sixteen hexadecimal digits that change with whatever the model learns from, and with the names of the replies."""
    responses = project / "data" / "responses"
    names = sorted(str(path.relative_to(responses)) for path in responses.glob("**/*.yml"))
    return digest_of(inputs(project), project, [*names, *versions(project)])


def versions(project: Path = ROOT) -> List[str]:
    """The pinned versions of LIBRARIES, for example numpy==2.2.6."""
    pinned = (project / "requirements" / "base.txt").read_text(encoding="utf-8")
    return re.findall(rf"^(?:{'|'.join(LIBRARIES)})==[^ ]+", pinned, re.MULTILINE)


def digest_of(paths: Iterable[Path], project: Path = ROOT, words: Iterable[str] = ()) -> str:
    """Sixteen hexadecimal digits that change with the name or content of any of `paths` in `project`, and with `words`."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(project)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update("\0".join(words).encode())
    return digest.hexdigest()[:16]


def model_path(project: Path = ROOT) -> Path:
    """Where the model of the present inputs stands, or will stand."""
    return project / "models" / f"infusion-guide-{fingerprint(project)}.tar.gz"


def ensure_model() -> Path:
    """The fresh model; trains it when it is not there yet (two to four minutes on two cores)."""
    _refuse_untried()
    path = model_path()
    if path.exists():
        return path
    with quietly() as terminal, Bar("Training the assistant", terminal) as bar:
        _train(path, bar)
    for old in MODELS.glob("infusion-guide-*.tar.gz"):
        if old != path:
            old.unlink()
    return path


def _train(path: Path, bar: Bar) -> None:
    os.environ["LOG_LEVEL"] = "ERROR"  # the bars of Rasa's own are off then
    graph = logging.getLogger("rasa.engine.graph")
    graph.addHandler(_Progress(bar))
    graph.setLevel(logging.DEBUG)
    graph.propagate = False
    from rasa.model_training import train

    result = train(
        str(ROOT / "domain.yml"),
        str(ROOT / "config.yml"),
        [str(ROOT / "data")],
        output=str(MODELS),
        fixed_model_name=path.name[: -len(".tar.gz")],
        force_training=True,
    )
    if result.code or not path.exists():
        raise SystemExit("Training failed; the messages above name the file to fix.")


class _Progress(logging.Handler):
    """Moves a bar with each part of config.yml that Rasa's graph has come to."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        config = read_yaml(ROOT / "config.yml")
        self._bar, self._known = bar, {part["name"].rsplit(".")[-1] for part in [*config["policies"], *config["pipeline"]]}
        self._seen: Set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """See parent."""
        running = re.search(r"running '(\w+)\.", record.getMessage())
        if running and running[1] in self._known:
            self._seen.add(running[1])
            self._bar.show(len(self._seen) / (len(self._known) + 1), running[1])


def _refuse_untried(project: Path = ROOT) -> None:
    """What staff taught is trained only as a trial let it pass; everything else is under version control and `make test`."""
    if not room.is_tried(project):
        raise SystemExit(
            "data/taught/ holds sentences that no trial let pass. Take them back with git (`git checkout data/taught`) and "
            "teach on the staff pages, or put them into data/taught/waiting.yml and run `make teach`."
        )
