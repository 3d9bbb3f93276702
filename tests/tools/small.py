"""An assistant with everything but understanding: what a message means is looked up here. Learns rules alone."""

import json
from pathlib import Path
from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.model_training import train
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu.history import LANGUAGE
from infusion_guide.nlu.message_reader import READING
from infusion_guide.nlu.plain_speller import AS_WRITTEN
from infusion_guide.nlu.safety_guard import SAFETY
from infusion_guide.nlu.topic_classifier import RANKINGS
from infusion_guide.nlu.word_featurizer import KNOWN_WORDS
from infusion_guide.replies.topic import KINDS

CALM = {"level": None, "topic": "suicide", "score": 0.0, "doubt": 0.0, "reassured": False}
ALARM = {**CALM, "level": "alarm", "score": 0.9, "doubt": 0.9}
MEANS = {
    "help me breathe": "faq/breathing",
    "ayúdeme a respirar": "faq/breathing",
    "i need a plan for triggers": "faq/trigger_plan",
    "what should i ask them": "faq/questions_for_clinic",
    "how much does it cost": "uncovered/cost",
    "is there a bus": "uncovered/booking_logistics",
    "can i talk to someone": "talk_to_person",
    "call me back": "request_callback",
    "ketamine and withdrawal": "faq/withdrawal",
    "thanks": "chitchat/thanks",
    "say that again": "chitchat/repeat",
}
DANGER = ("i want to die",)
SPANISH = ("ayúdeme a respirar", "sigo")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class LooksUp(GraphComponent):
    """In the place of guard and classifiers."""

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "LooksUp":
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT)
            if message.get(READING) != "text":
                continue
            found = {"label": MEANS.get(text, "faq/ptsd"), "confidence": 0.9 if text in MEANS else 0.01}
            message.set(AS_WRITTEN, text)
            message.set(LANGUAGE, "es" if text in SPANISH else "en", add_to_output=True)
            message.set(RANKINGS, [[found]])
            message.set(KNOWN_WORDS, True)
            message.set(SAFETY, ALARM if text in DANGER else CALM, add_to_output=True)
        return messages


def small_assistant(folder):
    """The model of domain.yml, data/rules and the policies of config.yml, ready to talk."""
    from infusion_guide.evaluate.run import assistant

    whole = read_yaml(ROOT / "config.yml")
    parts = [part for part in whole["pipeline"] if part["name"].endswith((".MessageReader", ".ConfidenceGate"))]
    parts.insert(1, {"name": "tests.tools.small.LooksUp"})
    config = folder / "config.yml"
    config.write_text(json.dumps({**whole, "pipeline": parts}), encoding="utf-8")
    nlu = folder / "nlu.yml"  # Rasa trains no understanding without a sentence of each kind
    blocks = "".join(f"- intent: {kind}/x\n  examples: |\n    - {kind}\n" for kind in KINDS)
    nlu.write_text(f'version: "3.1"\nnlu:\n{blocks}', encoding="utf-8")
    data = [str(ROOT / "data" / "rules"), str(ROOT / "data" / "responses"), str(nlu)]
    result = train(str(ROOT / "domain.yml"), str(config), data, output=str(folder), fixed_model_name="small")
    return assistant(Path(result.model))
