"""A message after what was said before it: what data/followups/ says, and what the small model makes of it."""

import random

import numpy as np
import pytest

from infusion_guide.nlu.context_model import ITSELF, ContextModel, mixed
from infusion_guide.nlu.followups import FollowUp, followups

DIMENSION = 16
# "how long" after three replies, "what do you mean" after any, and questions that stand alone.
LONG, MEAN, ALONE = 0, 1, 2
ANSWERS = {
    "faq/mindfulness": "faq/mindfulness",
    "uncovered/drug_test": "uncovered/drug_test",
    "faq/ptsd": "faq/duration_frequency",
}


def vector(direction, number):
    found = np.eye(DIMENSION)[direction] + np.random.default_rng([direction, number]).normal(0, 0.1, DIMENSION)
    return (found / np.linalg.norm(found)).astype(np.float32)


def learned():
    """The examples and sentences that stand alone, each with its vector."""
    examples = [(FollowUp(f"how long {n}", reply, label), vector(LONG, n)) for reply, label in ANSWERS.items() for n in range(60)]
    examples += [(FollowUp(f"what do you mean {n}", None, "chitchat/explain"), vector(MEAN, n)) for n in range(60)]
    alone = [(FollowUp(f"how much is a visit {n}", None, "uncovered/cost"), vector(ALONE, n)) for n in range(90)]
    return examples, alone


def fitted(examples, alone):
    return ContextModel.fit(
        [each for each, _ in examples],
        np.vstack([row for _, row in examples]),
        [each for each, _ in alone],
        np.vstack([row for _, row in alone]),
        rounds=40,
    )


@pytest.fixture(scope="module")
def model():
    return fitted(*learned())


def best(read):
    return max(read, key=lambda label: read[label])


@pytest.mark.parametrize("reply, answer", ANSWERS.items())
def test_the_same_words_mean_what_the_talk_is_about(model, reply, answer):
    assert best(model.read(vector(LONG, 1000), reply)) == answer


@pytest.mark.parametrize("reply", ANSWERS)
def test_what_may_follow_any_reply_is_known_after_each(model, reply):
    assert best(model.read(vector(MEAN, 1000), reply)) == "chitchat/explain"


@pytest.mark.parametrize("reply", ANSWERS)
def test_a_question_that_stands_alone_stays_itself(model, reply):
    assert best(model.read(vector(ALONE, 1000), reply)) == ITSELF


def test_after_a_reply_that_nobody_wrote_about_a_message_is_itself(model):
    assert model.read(vector(LONG, 1000), "uncovered/cost") == {ITSELF: 1.0}


@pytest.mark.parametrize("reply", [*ANSWERS, "uncovered/cost"])
def test_probabilities_sum_to_one(model, reply):
    read = model.read(vector(LONG, 1000), reply)
    assert sum(read.values()) == pytest.approx(1) and min(read.values()) >= 0
    assert sum(mixed(read, {"uncovered/cost": 0.7, "faq/ptsd": 0.3}).values()) == pytest.approx(1)


def test_the_order_of_the_files_says_nothing(model):
    examples, alone = learned()
    # What may follow any reply is learned after replies that are drawn in the order of the examples; here after all three.
    again = fitted(random.Random(1).sample(examples, len(examples)), random.Random(2).sample(alone, len(alone)))
    for reply in ANSWERS:
        first, second = model.read(vector(LONG, 1000), reply), again.read(vector(LONG, 1000), reply)
        assert first == pytest.approx(second, abs=1e-5)


def test_the_context_has_the_first_word_and_the_message_by_itself_the_rest():
    assert mixed({"faq/ptsd": 0.6, ITSELF: 0.4}, {"uncovered/cost": 0.75, "faq/ptsd": 0.25}) == pytest.approx(
        {"faq/ptsd": 0.7, "uncovered/cost": 0.3}
    )
    assert mixed({ITSELF: 1.0}, {"uncovered/cost": 1.0}) == {"uncovered/cost": 1.0}
    assert mixed({"faq/ptsd": 1.0}, {"uncovered/cost": 1.0}) == {"faq/ptsd": 1.0, "uncovered/cost": 0.0}


def test_what_is_said_is_read_in_the_order_of_the_files(tmp_path):
    (tmp_path / "faq").mkdir()
    (tmp_path / "faq" / "ptsd.yml").write_text(
        "after: faq/ptsd\nsaid:\n  faq/anxiety:\n  - and anxiety?\n  uncovered/cost: [42]\n"
    )
    (tmp_path / "any.yml").write_text("after: any\nsaid:\n  chitchat/explain:\n  - huh\n")
    assert list(followups(tmp_path)) == [
        FollowUp("huh", None, "chitchat/explain"),
        FollowUp("and anxiety?", "faq/ptsd", "faq/anxiety"),
        FollowUp("42", "faq/ptsd", "uncovered/cost"),
    ]
