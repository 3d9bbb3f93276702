"""Reads one text as the trained guard reads it, beside every turn: no conversation, no storage, nothing is changed.

What must be read although it gets no turn (too many, too long, late, opted out, while something is broken) is read here, by
the components of the loaded model themselves, up to the guard: whatever they learn to understand is understood here too.
"""

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import numpy as np
from rasa.core.channels.channel import UserMessage
from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message
from scipy.special import expit

from infusion_guide.nlu.danger import NONE, Verdict
from infusion_guide.nlu.history import LANGUAGE
from infusion_guide.nlu.safety_guard import SAFETY, SafetyGuard
from infusion_guide.nlu.word_featurizer import WordFeaturizer
from infusion_guide.text.cleaning import MAX_CHARACTERS, clean
from infusion_guide.text.wording import ALARM

_PIECE = 300  # characters of a text that is too long for the guard at once
_END = 600  # characters at both ends, which are read in one
_CLOSELY = 12  # of its pieces that are read in full: those whose words alone sound most like danger
_DOUBT = 0.4  # that a piece needs to be asked about: of a dozen of calm words one always sounds odd
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NOBODY = "danger_reader"  # the conversation of a tracker that is never stored


@dataclass(frozen=True)
class Reading:
    """The guard's verdict, and the language of the text: "en", "es" or "other"."""

    verdict: Verdict
    language: str


class DangerReader:
    """May be asked from any thread. The conversation's own state lowers or lifts no threshold here: nobody knows it."""

    def __init__(self, processor: Any) -> None:
        """Raises LookupError where the model of Rasa's `processor` has no guard."""
        self._runner = processor.graph_runner
        self._nodes: Dict[str, Any] = self._runner._nodes
        self._guard = self._name_of(SafetyGuard)
        self._nobody = DialogueStateTracker.from_events(_NOBODY, [], slots=processor.domain.slots)

    def read(self, text: str) -> Optional[Reading]:
        """What the guard says of `text`; None where there is no word to read. A long text is as bad as its worst piece."""
        if len(text) <= MAX_CHARACTERS:
            return self._whole(text)
        ends = map(self._whole, (text[:_END], text[-_END:]))
        pieces = map(self._whole, self._worst_pieces(text))
        sure = (piece for piece in pieces if piece and (piece.verdict.level == ALARM or piece.verdict.doubt >= _DOUBT))
        found = [*filter(None, ends), *sure]
        return max(found, key=lambda reading: (reading.verdict.level is not None, reading.verdict.score), default=None)

    def suspicion(self, text: str) -> float:
        """How much the words of `text` alone sound like danger, from 0 to 1: 0.2 ms, to know what to read first.

        Of a longer text nobody knows by its words alone: 1.
        """
        return 1.0 - float(self._harmless([text])[0]) if len(text) <= _END else 1.0

    def _whole(self, text: str) -> Optional[Reading]:
        inputs = {PLACEHOLDER_MESSAGE: [UserMessage(text, sender_id=_NOBODY)], PLACEHOLDER_TRACKER: self._nobody}
        (message,) = self._runner.run(inputs, [self._guard])[self._guard]
        return _reading(message)

    def _worst_pieces(self, text: str) -> List[str]:
        """By the guard's head for words, which takes 0.2 ms a piece; a whole reading takes twenty times as long."""
        pieces = _pieces(text)
        return [pieces[index] for index in self._harmless(pieces).argsort()[:_CLOSELY]]

    def _harmless(self, texts: List[str]) -> np.ndarray:
        """Shape (texts,): how probably each is harmless, by its words alone."""
        guard = self._component(SafetyGuard).model
        counts = self._component(WordFeaturizer)._count([clean(text) for text in texts])
        each = expit(counts @ guard.wording + guard.wording_bias)
        harmless: np.ndarray = each[:, guard.labels.index(NONE)] / each.sum(axis=1)
        return harmless

    def _component(self, kind: type) -> Any:
        return self._nodes[self._name_of(kind)]._component

    def _name_of(self, kind: type) -> str:
        for name in self._nodes:
            if name.startswith("run_") and f".{kind.__name__}" in name:
                return name
        raise LookupError(f"The model has no {kind.__name__}.")


def _reading(message: Message) -> Optional[Reading]:
    verdict = message.get(SAFETY)
    return Reading(Verdict(**verdict), message.get(LANGUAGE) or "en") if verdict else None


def _pieces(text: str) -> List[str]:
    """`text` in sentences, each short one with the next as well; endless ones in parts that overlap."""
    found: List[str] = []
    before = ""
    for sentence in filter(None, map(str.strip, _SENTENCE_END.split(text))):
        if len(sentence) > _PIECE:
            found += [sentence[at : at + _PIECE] for at in range(0, len(sentence), _PIECE // 2)]
            before = ""
            continue
        found.append(sentence)
        if before and len(before) + len(sentence) < _PIECE:
            found.append(f"{before} {sentence}")
        before = sentence
    return list(dict.fromkeys(found))
