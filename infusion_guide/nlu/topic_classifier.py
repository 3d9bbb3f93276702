"""One classifier over every `<kind>/<topic>` of the register, so that one calibrated probability decides."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.language_detector import language_of_example
from infusion_guide.nlu.text_model import TextModel

# Set on a message: one ranking for the whole text and one for each part; a ranking is a list of
# {"label": str, "confidence": float}, best first, RANKED entries.
RANKINGS = "rankings"
RANKED = 10

_MODEL = "topics.joblib"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(GraphComponent):
    """Ranks the labels; what to make of the ranking is the confidence gate's decision.

    Rasa would train one ResponseSelector for each kind and let a classifier choose the kind first: two probabilities
    that nothing weighs against each other.
    """

    def __init__(self, model_storage: ModelStorage, resource: Resource, model: Optional[TextModel] = None) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "TopicClassifier":
        """See parent."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the English sentences; other languages are not answered from the document."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and language_of_example(e) == "en"]
        self._model = TextModel.fit(examples, lambda e: e.get_full_intent() or e.get(INTENT))
        with self._model_storage.write_to(self._resource) as directory:
            joblib.dump(self._model, Path(directory) / _MODEL)
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TopicClassifier":
        """See parent."""
        with model_storage.read_from(resource) as directory:
            return cls(model_storage, resource, joblib.load(Path(directory) / _MODEL))

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets RANKINGS on each message."""
        for message in messages:
            message.set(RANKINGS, [self._ranking(row) for row in self._model.probabilities(message)])
        return messages

    def _ranking(self, row: np.ndarray) -> List[Dict[str, Any]]:
        return [{"label": self._model.labels[i], "confidence": round(float(row[i]), 4)} for i in row.argsort()[::-1][:RANKED]]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing to add to training sentences."""
        return training_data
