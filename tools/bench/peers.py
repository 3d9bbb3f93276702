"""The assistants that are compared, each a folder with its own configuration on the project's data and domain."""

import hashlib
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Dict, Iterator, List

from ruamel.yaml import YAML

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import ROOT, settings
from tools.bench.keywords import keyword_examples
from tools.bench.vectors import medium_vectors

OURS = "infusion-guide"
DEFAULT = "rasa-default"
SPACY = "rasa-spacy"
KEYWORD = "keyword"
SAMPLE = "nlu"  # folder under a plan's base with a part of data/nlu
EPOCHS = 100  # of each trained part in Rasa's default configuration
PEERS = (OURS, DEFAULT, SPACY, KEYWORD)

DOMAIN = ROOT / "domain.yml"

# The peers have our actions on a server of their own, since the same rules call the same actions.
_ENDPOINTS = """\
action_endpoint:
  url: http://127.0.0.1:${ACTIONS_PORT}/webhook
  enable_selective_domain: true
"""

_FALLBACK_RULE = """\
version: "3.1"
rules:
- rule: not understood
  steps:
  - intent: nlu_fallback
  - action: utter_fallback_rephrase
- rule: nothing of ours
  steps:
  - intent: out_of_scope
  - action: utter_fallback_rephrase
"""

# TED and UnexpecTED learn from stories only; these agree with the rules.
_STORIES = """\
version: "3.1"
stories:
- story: a question and more of it
  steps:
  - intent: chitchat
  - action: utter_chitchat
  - intent: faq
  - action: utter_faq
  - intent: tell_me_more
  - action: action_tell_me_more
  - intent: ask_source
  - action: action_show_source
- story: what the document leaves out
  steps:
  - intent: uncovered
  - action: utter_uncovered
  - intent: advice
  - action: utter_advice
  - intent: talk_to_person
  - action: utter_talk_to_person
- story: danger
  steps:
  - intent: misuse
  - action: utter_misuse
  - intent: crisis
  - action: utter_crisis
  - intent: chitchat
  - action: utter_chitchat
"""

# One fixed reply a kind: without a response selector Rasa cannot say utter_<kind>.
_KEYWORD_REPLIES = {
    "advice": "utter_referral_prescriber",
    "crisis": "utter_careful_note",
    "talk_to_person": "utter_talk_to_person",
    "other_language": "utter_language_other",
    "spanish": "utter_language_spanish",
}


@dataclass(frozen=True)
class Peer:
    """One assistant of the comparison; `data` are the files and folders that it trains on."""

    name: str
    folder: Path
    data: List[Path]

    @classmethod
    def of(cls, name: str, base: Path) -> "Peer":
        """The peer whose folder stands, or will stand, under `base`; it learns from the sample there, if there is one."""
        own_data = base / name / "data"
        nlu = base / SAMPLE if (base / SAMPLE).is_dir() else DATA / "nlu"
        data = {OURS: [nlu, DATA / "responses", DATA / "rules"], KEYWORD: [own_data]}
        return cls(name, base / name, data.get(name, [nlu, DATA / "rules", own_data]))

    @property
    def config(self) -> Path:
        """Pipeline and policies."""
        return self.folder / "config.yml"

    @property
    def endpoints(self) -> Path:
        """Where the actions run; for ours the replies and the tracker store."""
        return self.folder / "endpoints.yml"

    @property
    def credentials(self) -> Path:
        """The REST channel."""
        return self.folder / "credentials.yml"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "model.tar.gz"

    def inputs(self) -> Iterator[Path]:
        """Every file that this peer's training reads, in a fixed order."""
        yield from (self.config, DOMAIN)
        for place in self.data:
            yield from sorted(place.glob("**/*.yml"))
        if self.name == OURS:
            for room in ("nlu", "policies"):
                yield from sorted((ROOT / "infusion_guide" / room).glob("*.py"))

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any training input."""
        digest = hashlib.sha256()
        for path in self.inputs():
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


def prepare(name: str, base: Path, epochs: int) -> Peer:
    """Writes the folder of the peer `name` under `base`; `epochs` replaces every number of epochs of Rasa's configuration.

    Raises:
        VectorsMissing: the spaCy peer's vectors could not be fetched.
    """
    peer = Peer.of(name, base)
    own_data = peer.folder / "data"
    shutil.rmtree(own_data, ignore_errors=True)
    own_data.mkdir(parents=True)
    if name == OURS:
        shutil.copyfile(ROOT / "config.yml", peer.config)
        shutil.copyfile(ROOT / "endpoints.yml", peer.endpoints)
        peer.credentials.write_text("infusion_guide.channels.rasa_channel.AllChannels: {}\n", encoding="utf-8")
        return peer
    peer.endpoints.write_text(_ENDPOINTS, encoding="utf-8")
    peer.credentials.write_text("rest:\n", encoding="utf-8")
    _write_filled_responses(own_data / "responses")
    if name == KEYWORD:
        _write(own_data / "nlu.yml", keyword_examples())
        _write(own_data / "rules.yml", _keyword_rules())
        _write(peer.config, _keyword_config())
        return peer
    (own_data / "rules.yml").write_text(_FALLBACK_RULE, encoding="utf-8")
    (own_data / "stories.yml").write_text(_STORIES, encoding="utf-8")
    config = _default_config(name, epochs)
    if name == SPACY:
        vectors = medium_vectors().relative_to(ROOT)
        config["pipeline"][:1] = [
            {"name": "SpacyNLP", "model": str(vectors)},
            {"name": "SpacyTokenizer"},
            {"name": "SpacyFeaturizer"},
        ]
    _write(peer.config, config)
    return peer


def write_sample(base: Path, sentences: int) -> None:
    """Copies `sentences` sentences of each intent block of data/nlu to `base`, evenly from first to last."""
    shutil.rmtree(base / SAMPLE, ignore_errors=True)
    for path in sorted((DATA / "nlu").glob("**/*.yml")):
        content = read_yaml(path)
        for block in content["nlu"]:
            lines = block["examples"].splitlines()
            chosen = [lines[i * len(lines) // sentences] for i in range(sentences)] if len(lines) > sentences else lines
            block["examples"] = "\n".join(chosen) + "\n"
        copy = base / SAMPLE / path.relative_to(DATA / "nlu")
        copy.parent.mkdir(parents=True, exist_ok=True)
        _write(copy, content)


def _write_filled_responses(folder: Path) -> None:
    """The project's replies with the clinic's words in them: Rasa's own replies would log an error for each empty brace."""
    words = settings().words()
    for path in (DATA / "responses").glob("**/*.yml"):
        text = path.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"{{{word}}}", value)
        copy = folder / path.relative_to(DATA / "responses")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")


def _default_config(name: str, epochs: int) -> Dict[str, Any]:
    """What Rasa uses when a project says nothing, read from the installed Rasa."""
    config = read_yaml(files("rasa.engine.recipes.config_files") / "default_config.yml")
    for part in (*config["pipeline"], *config["policies"]):
        if "epochs" in part:
            part["epochs"] = epochs
    return {**config, "assistant_id": name}


def _keyword_config() -> Dict[str, Any]:
    return {
        "recipe": "default.v1",
        "language": "en",
        "assistant_id": KEYWORD,
        "pipeline": [{"name": "KeywordIntentClassifier", "case_sensitive": False}, {"name": "FallbackClassifier"}],
        "policies": [{"name": "RulePolicy"}],
    }


def _keyword_rules() -> Dict[str, Any]:
    kinds = [entry["intent"] for entry in keyword_examples()["nlu"]] + ["nlu_fallback"]
    steps = [[{"intent": k}, {"action": _KEYWORD_REPLIES.get(k, "utter_fallback_rephrase")}] for k in kinds]
    return {"version": "3.1", "rules": [{"rule": kind, "steps": step} for kind, step in zip(kinds, steps)]}


def _write(path: Path, content: Dict[str, Any]) -> None:
    YAML(typ="safe", pure=True).dump(content, path)
