"""One classifier over every `<kind>/<topic>` of the register, so that one calibrated probability decides."""

from typing import Any, Dict, List

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.language_detector import language_of_example
from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.text_model import TextModel
from infusion_guide.nlu.trained_component import TrainedComponent, labelled_examples

# Set on a message: one ranking for the whole text and one for each part; a ranking is a list of
# {"label": str, "confidence": float}, best first, RANKED entries.
RANKINGS = "rankings"
RANKED = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(TrainedComponent):
    """Ranks the labels; what to make of the ranking is the confidence gate's decision.

    Rasa would train one ResponseSelector for each kind and let a classifier choose the kind first: two probabilities
    that nothing weighs against each other.
    """

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the English sentences; other languages are not answered from the document."""
        examples = [e for e in labelled_examples(training_data) if language_of_example(e) == "en"]
        return self.store(TextModel.fit(examples, lambda e: e.get_full_intent() or e.get(INTENT)))

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets RANKINGS on each message."""
        for message in worded(messages):
            message.set(RANKINGS, [self._ranking(row) for row in self.model.probabilities(message)])
        return messages

    def _ranking(self, row: np.ndarray) -> List[Dict[str, Any]]:
        return [{"label": self.model.labels[i], "confidence": round(float(row[i]), 4)} for i in row.argsort()[::-1][:RANKED]]
