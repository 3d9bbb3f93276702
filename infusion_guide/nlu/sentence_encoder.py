"""Turns messages into meaning vectors, with the encoders of `encoder.py`."""

from typing import Any, Dict, List

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.encoder import SentenceEncoder, encoder
from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.rows import Rows

__all__ = ["VECTORS", "SentenceEncoder", "SentenceEncoderFeaturizer", "encoder"]

# Set on a message: Rows of float32, shape (1 + parts, DIMENSION).
VECTORS = "vectors"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoderFeaturizer(GraphComponent):
    """Adds VECTORS to each message."""

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "SentenceEncoderFeaturizer":
        """See parent."""
        encoder()
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Encodes each message and its parts."""
        for message in worded(messages):
            vectors = encoder().encode([message.get(TEXT) or ""])
            if parts_of(message):  # apart from the whole text, whose length they would be padded to
                vectors = np.vstack([vectors, encoder().encode(parts_of(message))])
            message.set(VECTORS, Rows(vectors))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encodes every training sentence, in batches."""
        examples = [e for e in training_data.training_examples if e.get(TEXT)]
        for example, vector in zip(examples, encoder().encode_many([e.get(TEXT) for e in examples])):
            example.set(VECTORS, Rows(vector[None, :]))
        return training_data
