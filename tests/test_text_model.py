"""The model follows from its sentences, not from the order of the files they stand in."""

import random

import numpy as np
import pytest
import scipy.sparse
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.nlu.rows import Rows
from infusion_guide.nlu.sentence_encoder import VECTORS
from infusion_guide.nlu.text_model import TextModel
from infusion_guide.nlu.word_featurizer import COUNTS

TOPICS, SENTENCES, DIMENSION = 6, 60, 24


def example(number):
    """A sentence about topic `number` % TOPICS, near the others of its topic and not far from their neighbours."""
    chance = np.random.default_rng(number)
    topic = number % TOPICS
    vector = np.eye(TOPICS, DIMENSION)[topic] + chance.normal(0, 0.45, DIMENSION)
    counts = (
        scipy.sparse.random(1, 40, 0.2, random_state=number, format="csr") + scipy.sparse.eye(TOPICS, 40, format="csr")[topic]
    )
    made = Message({TEXT: f"sentence {number}", "topic": f"faq/{topic}"})
    made.set(VECTORS, Rows(vector[None].astype(np.float32)))
    made.set(COUNTS, Rows(counts.tocsr().astype(np.float32)))
    return made


EXAMPLES = [example(number) for number in range(TOPICS * SENTENCES)]
ASKED = [example(number) for number in range(10_000, 10_300)]


def answers(examples):
    model = TextModel.fit(examples, lambda each: each.get("topic"), rounds=20)
    return np.vstack([model.probabilities(each) for each in ASKED])


@pytest.fixture(scope="module")
def before():
    return answers(EXAMPLES)


def test_the_order_of_the_files_says_nothing(before):
    assert np.array_equal(answers(random.Random(1).sample(EXAMPLES, len(EXAMPLES))), before)


def test_it_learns(before):
    assert (before.argmax(axis=1) == [int(each.get("topic")[-1]) for each in ASKED]).mean() > 0.8
