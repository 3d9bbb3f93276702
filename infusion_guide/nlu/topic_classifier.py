"""One classifier over every `<kind>/<topic>` of the register, so that one calibrated probability decides."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.company import TWO_THINGS
from infusion_guide.nlu.context_model import ContextModel, mixed
from infusion_guide.nlu.encoder import encoder
from infusion_guide.nlu.followups import FollowUp, followups
from infusion_guide.nlu.history import topic_before
from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.sentence_encoder import VECTORS
from infusion_guide.nlu.text_model import TextModel
from infusion_guide.nlu.trained_component import TrainedComponent, label_of, labelled_examples
from infusion_guide.text.cleaning import clean
from infusion_guide.text.draw import number_of

# Set on a message: one ranking for the whole text and one for each part; a ranking is a list of
# {"label": str, "confidence": float}, best first, RANKED entries.
RANKINGS = "rankings"
RANKED = 10
_ROUNDS = 20  # with 12, five topics in a hundred more are missed
_EVERY = 5  # of the sentences that stand alone, the context model learns every fifth: about as many as there are follow-ups

# Set on a message: for the whole text and each part, how probable each crisis topic is by itself, {topic: probability}.
CRISES = "crises"

# Set on a message where something was said before: what it means after that, {label: probability}, ITSELF among the labels.
IN_CONTEXT = "in_context"


@dataclass
class _Models:
    alone: TextModel
    in_context: ContextModel


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(TrainedComponent):
    """Ranks the labels; what to make of the ranking is the confidence gate's decision.

    Rasa would train one ResponseSelector for each kind and let a classifier choose the kind first: two probabilities
    that nothing weighs against each other. Stories, its way to read a message in its conversation, know the labels of the
    turns before, not their words against this one's; data/followups/ holds both.
    """

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the sentences of all languages, and from what is said after replies."""
        examples = labelled_examples(training_data)
        one_thing = [example for example in examples if not example.get(TWO_THINGS)]
        alone = TextModel.fit(one_thing, label_of, _ROUNDS)
        after = [example._replace(text=clean(example.text)) for example in followups()]
        vectors = encoder().encode_many([example.text for example in after])
        standing = sorted(one_thing, key=lambda example: number_of(example.get(TEXT)))[::_EVERY]
        rows = np.vstack([example.get(VECTORS).values[:1] for example in standing])
        themselves = [FollowUp(example.get(TEXT), None, label_of(example)) for example in standing]
        return self.store(_Models(alone, ContextModel.fit(after, vectors, themselves, rows)))

    def process(self, messages: List[Message], tracker: DialogueStateTracker) -> List[Message]:
        """Sets RANKINGS and IN_CONTEXT on each message."""
        before = topic_before(tracker)
        for message in worded(messages):
            rows = [dict(zip(self.model.alone.labels, row)) for row in self.model.alone.probabilities(message).tolist()]
            message.set(CRISES, [{label[7:]: row[label] for label in row if label.startswith("crisis/")} for row in rows])
            if before:
                read = self.model.in_context.read(message.get(VECTORS).values[0], before)
                message.set(IN_CONTEXT, read)
                rows[0] = mixed(read, rows[0])
            message.set(RANKINGS, [_ranking(row) for row in rows])
        return messages


def _ranking(row: Mapping[str, float]) -> List[Dict[str, Any]]:
    best = sorted(row.items(), key=lambda entry: -entry[1])[:RANKED]
    return [{"label": label, "confidence": round(confidence, 4)} for label, confidence in best]
