"""What every trained component shares: how its model is stored with Rasa's and read back."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

_FILE = "model.joblib"


def labelled_examples(training_data: TrainingData) -> List[Message]:
    """The training sentences that have both a text and an intent."""
    return [e for e in training_data.intent_examples if e.get(TEXT)]


def label_of(example: Message) -> str:
    """The topic of a training sentence, faq/depression; its intent where that has no topics."""
    return str(example.get_full_intent() or example.get(INTENT))


class TrainedComponent(GraphComponent):
    """A component with one model. Subclasses call `store` at the end of `train` and read `self.model` in `process`."""

    def __init__(self, config: Dict[str, Any], storage: ModelStorage, resource: Resource, model: Optional[Any] = None) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self.model = model

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "TrainedComponent":
        """See parent; an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TrainedComponent":
        """See parent; a component with the model that `store` wrote."""
        with model_storage.read_from(resource) as directory:
            return cls(config, model_storage, resource, joblib.load(Path(directory) / _FILE))

    def store(self, model: Any) -> Resource:
        """Keeps `model` in this component and in Rasa's model archive."""
        self.model = model
        with self._storage.write_to(self._resource) as directory:
            joblib.dump(model, Path(directory) / _FILE)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Classifiers add nothing to the training sentences; featurizers override this."""
        return training_data
