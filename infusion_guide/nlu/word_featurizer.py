"""Counts words and character n-grams: what the sentence encoders blur, names, slang and typos, stays visible."""

from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from infusion_guide.nlu.message_reader import worded
from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.rows import Rows
from infusion_guide.nlu.trained_component import TrainedComponent

# Set on a message: sparse Rows of float32 (as the weights they meet: scipy copies those otherwise), shape (1 + parts,
# vocabulary).
COUNTS = "counts"

# Set on a message: whether any of its words was ever seen in training; keyboard mash has none.
KNOWN_WORDS = "known_words"


class Vocabulary:
    """One fitted TfidfVectorizer, applied without scikit-learn's checks, which cost more than the counting.

    Same numbers as `vectorizer.transform` (tests/test_word_featurizer.py).
    """

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        self._analyze = vectorizer.build_analyzer()
        self._columns = vectorizer.vocabulary_
        self._idf = vectorizer.idf_.astype(np.float32)
        self.size = len(self._columns)

    def weigh(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """Columns and weights of the terms of `text` that the vocabulary knows; the weights have unit length."""
        found = Counter(column for column in map(self._columns.get, self._analyze(text)) if column is not None)
        columns = np.fromiter(found.keys(), np.int32, len(found))
        weights = (np.log(np.fromiter(found.values(), np.float32, len(found))) + 1) * self._idf[columns]
        return columns, weights / (np.linalg.norm(weights) or 1)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class WordFeaturizer(TrainedComponent):
    """TF-IDF of words, word pairs and character n-grams (scikit-learn).

    Rasa's CountVectorsFeaturizer counts the same, but one message at a time and without weights.
    """

    def __init__(
        self,
        config: Dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        model: Optional[Sequence[TfidfVectorizer]] = None,
    ) -> None:
        super().__init__(config, storage, resource, model)
        self._index()

    def _index(self) -> None:
        vocabularies = [Vocabulary(vectorizer) for vectorizer in self.model or ()]
        offsets = np.cumsum([0] + [vocabulary.size for vocabulary in vocabularies])
        self._vocabularies = [(vocabulary, int(offset)) for vocabulary, offset in zip(vocabularies, offsets)]

    def train(self, training_data: TrainingData) -> Resource:
        """Learns the vocabulary of the training sentences."""
        texts = [e.get(TEXT).lower() for e in training_data.training_examples if e.get(TEXT)]
        vectorizers = (
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"[\w']+", dtype=np.float32).fit(
                texts
            ),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, dtype=np.float32).fit(texts),
        )
        stored = self.store(vectorizers)
        self._index()
        return stored

    def _count(self, texts: Sequence[str]) -> csr_matrix:
        columns, weights, ends = [], [], [0]
        for text in texts:
            for vocabulary, offset in self._vocabularies:
                found, weighed = vocabulary.weigh(text.lower())
                columns.append(found + offset)
                weights.append(weighed)
            ends.append(ends[-1] + sum(len(part) for part in columns[-len(self._vocabularies) :]))
        width = sum(vocabulary.size for vocabulary, _ in self._vocabularies)
        return csr_matrix((np.concatenate(weights), np.concatenate(columns), ends), shape=(len(texts), width))

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets COUNTS on each message."""
        for message in worded(messages):
            texts = [message.get(TEXT) or "", *parts_of(message)]
            counts = self._count(texts)
            message.set(COUNTS, Rows(counts))
            message.set(KNOWN_WORDS, bool((counts.indices[: counts.indptr[1]] < self._vocabularies[0][0].size).any()))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Sets COUNTS on every training sentence."""
        examples = [e for e in training_data.training_examples if e.get(TEXT)]
        counts = self._count([e.get(TEXT) for e in examples])
        for row, example in enumerate(examples):
            example.set(COUNTS, Rows(counts[row]))
        return training_data
