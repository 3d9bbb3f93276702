"""Finds people in danger, before and apart from the topic classifier: it outranks every other reading of a message."""

from typing import Any, Dict, List, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu.history import said
from infusion_guide.nlu.language_detector import LANGUAGE
from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.text_model import TextModel
from infusion_guide.nlu.trained_component import TrainedComponent, labelled_examples
from infusion_guide.text.danger_patterns import ALARM, CHECK_IN, HARMLESS, REASSURED, Patterns

# Output property of a message: {"level": "alarm" | "check_in" | None, "topic": str, "score": float, "doubt": float,
# "reassured": bool}.
SAFETY = "safety"

_CHECK_IN_REPLY = "utter_crisis/check_in"
_NONE = "none"


def just_checked_in(tracker: DialogueStateTracker) -> bool:
    """Whether the last thing said was the gentle question of an unsure guard."""
    return said(tracker)[-1:] == [_CHECK_IN_REPLY]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="SpacyPipeline")
class SafetyGuard(TrainedComponent):
    """Either of two may raise: patterns that a clinician can read, or a classifier trained for danger alone.

    The classifier knows each crisis topic, the unsure wording (crisis/check_in) and everything else. `score` is the
    probability of the crisis topics together, `doubt` adds that of crisis/check_in. Thresholds stand in config.yml;
    after an alarm the conversation stays careful and the lower ones count.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patterns: Optional[Patterns] = None

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Thresholds on probabilities; see `judge`."""
        return {
            "alarm": 0.65,
            "check_in": 0.27,
            "careful_alarm": 0.4,
            "careful_check_in": 0.15,
            "part_alarm": 0.9,
            "pattern_alarm": 0.3,
        }

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Learns danger against everything else, in all languages of the data; Rasa insists on handing `model` in."""
        return self.store(TextModel.fit(labelled_examples(training_data), self._label))

    @staticmethod
    def _label(example: Message) -> str:
        intent = example.get_full_intent() or example.get(INTENT)
        return intent.split("/")[1] if intent.startswith("crisis/") else _NONE

    def process_training_data(self, training_data: TrainingData, model: SpacyModel) -> TrainingData:
        """Nothing to add to training sentences."""
        return training_data

    def process(self, messages: List[Message], model: SpacyModel, tracker: DialogueStateTracker) -> List[Message]:
        """Sets SAFETY on each message that a person worded."""
        if self._patterns is None:
            self._patterns = Patterns(model.model, read_yaml(DATA / "safety" / "patterns.yml"))
        careful = bool(tracker.get_slot("careful")) if "careful" in tracker.slots else False
        asked = just_checked_in(tracker)
        for message in worded(messages):
            message.set(SAFETY, self.judge(message, careful, asked), add_to_output=True)
        return messages

    def judge(self, message: Message, careful: bool, asked: bool = False) -> Dict[str, Any]:
        """The guard's verdict on one message (shape: see SAFETY).

        An alarm needs the classifier to be surer than `alarm`, or an alarm pattern that the classifier does not find
        absurd (`pattern_alarm`). Anything less, down to `check_in`, and every pattern otherwise, asks gently. After
        harmless wording only a very sure classifier (`part_alarm`) is believed. Parts of a long message count only at
        that same certainty: people bury the worst sentence in a story. Right after a check-in (`asked`), "I'm fine" is
        believed unless the classifier alone would sound the alarm, and doubt is not asked about twice: as strong as
        before it is an alarm, less is let pass.
        """
        texts = [message.get(TEXT) or "", *parts_of(message)]
        rows = self.model.probabilities(message)
        labels = self.model.labels
        topics = [i for i, label in enumerate(labels) if label not in (_NONE, CHECK_IN)]
        scores = rows[:, topics].sum(axis=1)
        doubt = float(1 - rows[0, labels.index(_NONE)])
        score = float(scores[0])
        strongest = int(scores.argmax()) if len(texts) > 1 and scores.max() >= self._config["part_alarm"] else 0
        topic = labels[topics[int(rows[strongest, topics].argmax())]]
        pattern = self._patterns.find(texts[0]) if message.get(LANGUAGE) != "es" else None
        least_alarm = self._config["careful_alarm" if careful else "alarm"]
        least_check = self._config["careful_check_in" if careful else "check_in"]
        level = None
        if pattern and pattern["level"] == HARMLESS:
            level = ALARM if score >= self._config["part_alarm"] else None
        elif pattern and pattern["level"] == REASSURED and careful:
            level = ALARM if score >= self._config["alarm"] else None
        elif score >= least_alarm or strongest:
            level = ALARM
        elif pattern and pattern["level"] == ALARM and score >= self._config["pattern_alarm"]:
            level, topic = ALARM, pattern["topic"]
        elif doubt >= least_check or (pattern and pattern["level"] != REASSURED):
            level = CHECK_IN
        if asked and level == CHECK_IN:
            level = ALARM if doubt >= self._config["check_in"] else None
        return {
            "level": level,
            "topic": topic,
            "score": round(score, 3),
            "doubt": round(doubt, 3),
            "reassured": bool(pattern and pattern["level"] == REASSURED),
        }
