"""Decides what a message is, from all that the components before found: danger first, then buttons, language, topic."""

from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, RESPONSE_SELECTOR, TEXT
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.callbacks.fields import FORM, SLOTS
from infusion_guide.callbacks.reading import reading
from infusion_guide.engine.policies.fallback_policy import CHOICES
from infusion_guide.nlu.history import said
from infusion_guide.nlu.language_detector import LANGUAGE
from infusion_guide.nlu.message_reader import BUTTON, READING
from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.safety_guard import ALARM, SAFETY, just_checked_in
from infusion_guide.nlu.topic_classifier import RANKINGS
from infusion_guide.nlu.word_featurizer import KNOWN_WORDS
from infusion_guide.replies.topic import Topic

RETRIEVAL_INTENTS = ["faq", "uncovered", "advice", "misuse", "crisis", "chitchat"]

# Output properties of a message.
ORDINARY = "ordinary"  # the label an unsure guard kept back: said after "I'm OK, I meant something else"
FORM_ANSWER = (
    "form_answer"  # how the message answers the form under way: a choice of infusion_guide/callbacks/reading.py, or "words"
)
QUESTIONS = "questions"  # labels of the separate questions in one message, in the order they were asked

FALLBACK = "nlu_fallback"
SEVERAL = "several_questions"
_OUT_OF_SCOPE = "out_of_scope"


def kind_of(label: str) -> str:
    """`faq` for faq/depression; the label itself where it has no topic."""
    return label.split("/", 1)[0]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ConfidenceGate(GraphComponent):
    """Sets the intent and, for a retrieval intent, the response selection that Rasa's rules expect.

    Rasa's FallbackClassifier looks at the intent alone: a sure `faq` with an unsure answer passes it
    (rasa/nlu/classifiers/fallback_classifier.py). Here one probability, over kind and topic at once, is held against
    one threshold a kind.
    """

    def __init__(self, config: Dict[str, Any]) -> None:
        self._config = config

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Least confidences.

        `answer`: in a label; `kind`: in its kind when the label has less; `part`: in one question among several;
        `unknown`: in a message without a known word; `choice`: to be offered as "did you mean", at most `choices`.
        """
        return {"answer": 0.3, "kind": 0.5, "part": 0.5, "unknown": 0.7, "choice": 0.08, "choices": 3}

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "ConfidenceGate":
        """See parent."""
        return cls(config)

    def process(self, messages: List[Message], tracker: DialogueStateTracker) -> List[Message]:
        """Sets intent, ranking, response selection, and the properties named above."""
        for message in messages:
            self._decide(message, tracker)
        return messages

    def _decide(self, message: Message, tracker: DialogueStateTracker) -> None:
        button = message.get(BUTTON)
        if button is not None:
            self._set(message, self._pressed(button, tracker), 1.0)
            return
        if message.get(READING) == "empty":
            self._set(message, "empty_message", 1.0)
            return
        ranking = message.get(RANKINGS)[0]
        label = self._label(ranking, None if message.get(KNOWN_WORDS) else self._config["unknown"])
        confidence = ranking[0]["confidence"]
        if message.get(LANGUAGE) != "en":
            label = {"es": "spanish"}.get(message.get(LANGUAGE), "other_language")
        elif message.get(READING) == "too_long":
            label = "too_long_message"
        safety = message.get(SAFETY)
        asked = just_checked_in(tracker)
        if asked and label == "chitchat/affirm" and not safety["reassured"]:
            self._set(message, self._feared(tracker), confidence)
        elif safety["level"] == ALARM:
            message.set(ORDINARY, label, add_to_output=True)
            self._set(message, f"crisis/{safety['topic']}", safety["score"])
        elif asked and not safety["level"] and (label == "chitchat/deny" or self._only_reassures(label, safety)):
            self._set(message, "check_in_ok", confidence)
        elif safety["level"]:
            message.set(ORDINARY, label, add_to_output=True)
            self._set(message, "crisis/check_in", safety["doubt"])
        elif answer := self._form_answer(message, label, tracker):
            self._set(message, f"{FORM_ANSWER}/{answer}", confidence)
        elif label == "chitchat/repeat" and said(tracker):
            self._set(message, "repeat_last", confidence)
        else:
            self._ordinary(message, label, confidence, ranking)

    def _ordinary(self, message: Message, label: str, confidence: float, ranking: List[Dict[str, Any]]) -> None:
        questions = self._questions(message)
        if len(questions) > 1 and label not in ("too_long_message", "spanish", "other_language"):
            message.set(QUESTIONS, questions, add_to_output=True)
            self._set(message, SEVERAL, confidence)
            return
        if label == FALLBACK:
            if questions:  # one clear question inside much else
                self._set(message, questions[0], confidence)
                return
            message.set(CHOICES, self._choices(ranking), add_to_output=True)
        self._set(message, label, confidence)
        message.set(
            INTENT_RANKING_KEY, [{"name": r["label"], "confidence": r["confidence"]} for r in ranking], add_to_output=True
        )

    def _label(self, ranking: List[Dict[str, Any]], least: Optional[float] = None) -> str:
        """The label that may be answered, or FALLBACK.

        Crisis labels never come from here: the guard has heard the message and did not raise.
        """
        ordinary = [r for r in ranking if kind_of(r["label"]) != "crisis"]
        best = ordinary[0]
        kind = kind_of(best["label"])
        in_kind = sum(r["confidence"] for r in ordinary if kind_of(r["label"]) == kind)
        sure = best["confidence"] >= (least or self._config["answer"]) or (least is None and in_kind >= self._config["kind"])
        return best["label"] if sure and best["label"] != _OUT_OF_SCOPE else FALLBACK

    def _choices(self, ranking: List[Dict[str, Any]]) -> List[str]:
        """Labels worth asking "did you mean" about, best first."""
        return [
            r["label"]
            for r in ranking
            if r["confidence"] >= self._config["choice"] and r["label"].startswith(("faq/", "uncovered/"))
        ][: self._config["choices"]]

    def _questions(self, message: Message) -> List[str]:
        """Distinct labels of the message's parts that are sure enough to be answered one by one; at most three."""
        labels: List[str] = []
        parts = parts_of(message)
        if not 2 <= len(parts) <= 4:
            return labels
        for ranking in message.get(RANKINGS)[1:]:
            label = self._label(ranking, self._config["part"])
            if Topic.of(label).is_answerable and label not in labels:
                labels.append(label)
        return labels[:3]

    @staticmethod
    def _form_answer(message: Message, label: str, tracker: DialogueStateTracker) -> Optional[str]:
        """How the message answers the question of the form under way, or None: it is something else."""
        step = tracker.get_slot(REQUESTED_SLOT)
        if tracker.active_loop_name != FORM or step not in SLOTS or message.get(READING) != "text":
            return None
        return reading(step, message.get(TEXT), label, tracker.current_slot_values())

    @staticmethod
    def _only_reassures(label: str, safety: Dict[str, Any]) -> bool:
        return safety["reassured"] and not Topic.of(label).is_answerable

    @staticmethod
    def _feared(tracker: DialogueStateTracker) -> str:
        """The crisis that the guard suspected when it last asked."""
        safety = (tracker.latest_message.parse_data or {}).get(SAFETY) if tracker.latest_message else None
        return f"crisis/{safety['topic']}" if safety else "crisis/suicide"

    def _pressed(self, button: str, tracker: DialogueStateTracker) -> str:
        return self._feared(tracker) if button == "help_now" else button

    @staticmethod
    def _set(message: Message, label: str, confidence: float) -> None:
        kind = kind_of(label)
        message.set(INTENT, {"name": kind, "confidence": confidence}, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [{"name": kind, "confidence": confidence}], add_to_output=True)
        if kind == FORM_ANSWER:
            message.set(FORM_ANSWER, label[len(kind) + 1 :], add_to_output=True)
        if kind in RETRIEVAL_INTENTS:
            answer = {"responses": [], "confidence": confidence, "intent_response_key": label, "utter_action": f"utter_{label}"}
            message.set(
                RESPONSE_SELECTOR,
                {"all_retrieval_intents": RETRIEVAL_INTENTS, kind: {"response": answer, "ranking": [answer]}},
                add_to_output=True,
            )
