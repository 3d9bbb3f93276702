"""Reads a message after what was said before it: "how long though" asks of a visit, a drug test or a meeting."""

import random
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np
from scipy.special import softmax
from sklearn.neural_network import MLPClassifier

from infusion_guide.nlu.followups import FollowUp
from infusion_guide.nlu.gate import ITSELF
from infusion_guide.replies.topic import Topic
from infusion_guide.text.draw import number_of

_SEED = 20261128
_ANY = 12  # contexts that a message which may follow any reply is learned in
_REPLY = 2.0  # size of the input that names the last reply: as long as both halves of a message's vector together


@dataclass
class ContextModel:
    """A small network on the message's vector and the topic of the last reply.

    It names the topic that answers a message after that reply, or ITSELF. What it leaves to the message itself is the topic
    classifier's: `mixed` weighs the two. Learned from data/followups/ and, for ITSELF, from the sentences that stand alone,
    each after a reply drawn at random and after one of its own kind: there a whole question is most easily taken for a
    part of one.
    """

    labels: List[str]
    replies: List[str]
    layers: List[Tuple[np.ndarray, np.ndarray]]

    @classmethod
    def fit(
        cls,
        examples: Sequence[FollowUp],
        vectors: np.ndarray,
        alone: Sequence[FollowUp],
        alone_vectors: np.ndarray,
        rounds: int = 10,
    ) -> "ContextModel":
        """Learns from `examples` (a row of `vectors` each) and the sentences that stand `alone` (a row of `alone_vectors` each).

        What stands alone follows nothing and has its own label.
        """
        draw = random.Random(_SEED)
        replies = sorted({example.after for example in examples if example.after})
        after, rows, labels, keys = [], [], [], []
        for example, vector in zip(examples, vectors):
            for reply in [example.after] if example.after else draw.sample(replies, min(_ANY, len(replies))):
                after.append(reply), rows.append(vector), labels.append(example.label), keys.append(f"{reply} {example.text}")
        for example, vector in zip(alone, alone_vectors):
            alike = [reply for reply in replies if Topic.of(reply).kind == Topic.of(example.label).kind]
            for reply in {_drawn(example.text, replies), _drawn(example.text, alike or replies)}:
                after.append(reply), rows.append(vector), labels.append(ITSELF), keys.append(f"{reply} {example.text}")
        order = sorted(range(len(keys)), key=lambda i: number_of(keys[i]))
        inputs = cls._inputs(np.vstack(rows), [replies.index(reply) for reply in after], len(replies))[order]
        network = MLPClassifier((256,), alpha=1e-3, max_iter=rounds, shuffle=False, random_state=_SEED)
        network.fit(inputs, np.array(labels)[order])
        layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(network.coefs_, network.intercepts_)]
        return cls([str(name) for name in network.classes_], replies, layers)

    @staticmethod
    def _inputs(vectors: np.ndarray, replies: Sequence[int], known: int) -> np.ndarray:
        said = np.zeros((len(vectors), known), dtype=np.float32)
        said[np.arange(len(vectors)), list(replies)] = _REPLY
        return np.hstack([vectors, said])

    def read(self, vector: np.ndarray, reply: str) -> Dict[str, float]:
        """Probability of each label for the message of `vector` after the `reply`; ITSELF alone where that is unknown."""
        if reply not in self.replies:
            return {ITSELF: 1.0}
        (first, first_bias), (second, second_bias) = self.layers
        inputs = self._inputs(vector[None, :], [self.replies.index(reply)], len(self.replies))
        row = softmax(np.maximum(inputs @ first + first_bias, 0) @ second + second_bias, axis=1)[0]
        return dict(zip(self.labels, row.tolist()))


def _drawn(text: str, replies: Sequence[str]) -> str:
    """One of `replies`, always the same for a text."""
    return replies[number_of(text) % len(replies)]


def mixed(read: Dict[str, float], alone: Dict[str, float]) -> Dict[str, float]:
    """One probability for each label: what the context says, and for the rest (ITSELF) what the message says by itself."""
    own = read.get(ITSELF, 0.0)
    return {label: read.get(label, 0.0) + own * alone.get(label, 0.0) for label in {*read, *alone} - {ITSELF}}
