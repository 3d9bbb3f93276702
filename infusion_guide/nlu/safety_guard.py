"""Finds people in danger, before and apart from the topic classifier: it outranks every other reading of a message."""

from dataclasses import asdict
from typing import Any, Dict, List, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu.danger import NONE, Evidence, Thresholds, judge
from infusion_guide.nlu.history import LANGUAGE, just_checked_in
from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.text_model import TextModel
from infusion_guide.nlu.topic_classifier import CRISES
from infusion_guide.nlu.trained_component import TrainedComponent, label_of, labelled_examples
from infusion_guide.text.danger_patterns import Patterns

SAFETY = "safety"  # output property of a message: the fields of a Verdict

_ROUNDS = 20  # with 12, one look-alike in a hundred more is disturbed


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="SpacyPipeline")
class SafetyGuard(TrainedComponent):
    """Either of two may raise: patterns that a clinician can read, or a classifier trained for danger alone.

    The classifier knows each crisis topic, the unsure wording (crisis/check_in) and everything else; the topic classifier,
    which tells a hundred other topics apart, is its second opinion: together they disturb a third fewer harmless messages at
    the same danger found. What all find becomes a verdict in infusion_guide/nlu/danger.py.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._least = Thresholds(**{name: self._config[name] for name in self.get_default_config()})
        self._patterns: Optional[Patterns] = None

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """The thresholds."""
        return asdict(Thresholds())

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Learns danger against everything else, in all languages of the data; Rasa insists on handing `model` in."""
        return self.store(TextModel.fit(labelled_examples(training_data), self._label, _ROUNDS))

    @staticmethod
    def _label(example: Message) -> str:
        intent = label_of(example)
        return intent.split("/")[1] if intent.startswith("crisis/") else NONE

    def process_training_data(self, training_data: TrainingData, model: SpacyModel) -> TrainingData:
        """Nothing to add to training sentences."""
        return training_data

    def process(self, messages: List[Message], model: SpacyModel, tracker: DialogueStateTracker) -> List[Message]:
        """Sets SAFETY on each message that a person worded."""
        if self._patterns is None:
            self._patterns = Patterns(model.model, read_yaml(DATA / "safety" / "patterns.yml"))
        careful, asked = bool(tracker.get_slot("careful")), just_checked_in(tracker)
        for message in worded(messages):
            own = (dict(zip(self.model.labels, row)) for row in self.model.probabilities(message).tolist())
            whole, *parts = (_together(*both) for both in zip(own, message.get(CRISES)))
            wording = self._patterns.find(message.get(TEXT) or "")
            evidence = Evidence(whole, parts, wording, message.get(LANGUAGE), careful, asked)
            message.set(SAFETY, asdict(judge(evidence, self._least)), add_to_output=True)
        return messages


def _together(own: Dict[str, float], second: Dict[str, float]) -> Dict[str, float]:
    """The mean of both opinions; what the second gives no crisis topic is nothing dangerous."""
    crises = {topic: (probability + second.get(topic, 0.0)) / 2 for topic, probability in own.items() if topic != NONE}
    return {**crises, NONE: 1 - sum(crises.values())}
