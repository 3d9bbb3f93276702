"""Hands Rasa what a message is: reads what the components before found, and sets what infusion_guide/nlu/gate.py decides."""

from dataclasses import asdict
from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, RESPONSE_SELECTOR, TEXT
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.callbacks.fields import FORM, REFERENCE, SLOTS
from infusion_guide.callbacks.reading import after_request, reading
from infusion_guide.nlu.danger import Verdict
from infusion_guide.nlu.gate import (
    CHOICES,
    FORM_ANSWER,
    ORDINARY,
    QUIET_LINE,
    START_TOOL,
    TOOL_ANSWER,
    Heard,
    Least,
    Ranked,
    decide,
    kind_of,
    plain_label,
)
from infusion_guide.nlu.history import LANGUAGE, alarmed, just_checked_in, said, topic_before
from infusion_guide.nlu.medicines import all_names, named
from infusion_guide.nlu.message_reader import BUTTON, READING, offered_payloads
from infusion_guide.nlu.plain_speller import AS_WRITTEN
from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.safety_guard import SAFETY
from infusion_guide.nlu.topic_classifier import IN_CONTEXT, RANKINGS
from infusion_guide.nlu.word_featurizer import KNOWN_WORDS
from infusion_guide.replies.guided import ENDS, reply_of
from infusion_guide.replies.topic import KINDS, Topic
from infusion_guide.text.telling import only_tells
from infusion_guide.tools import reading as tools
from infusion_guide.tools.steps import HOW, State

# Output properties of a message, beside FORM_ANSWER (a choice of infusion_guide/callbacks/reading.py, or "words") and CHOICES.
QUESTIONS = "questions"  # labels of the separate questions in one message, in the order they were asked


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class ConfidenceGate(GraphComponent):
    """Sets the intent and, for a retrieval intent, the response selection that Rasa's rules expect.

    Rasa's FallbackClassifier looks at the intent alone: a sure `faq` with an unsure answer passes it
    (rasa/nlu/classifiers/fallback_classifier.py). Here one probability, over kind and topic at once, is held against
    one threshold a kind.
    """

    def __init__(self, config: Dict[str, Any]) -> None:
        self._least = Least(**{name: config[name] for name in self.get_default_config()})

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Least confidences."""
        return asdict(Least())

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "ConfidenceGate":
        """See parent."""
        all_names()  # the dictionary of medicines is unpacked now, not in somebody's first message
        return cls(config)

    def process(self, messages: List[Message], tracker: DialogueStateTracker) -> List[Message]:
        """Sets intent, ranking, response selection, and the properties named above."""
        for message in messages:
            heard = self._heard(message, tracker)
            label = plain_label(heard, self._least)
            in_form, in_tool = self._form_answer(message, label, tracker), self._in_tool(message, label, tracker)
            decision = decide(heard, in_form, self._least, in_tool)
            found = {
                ORDINARY: decision.ordinary,
                QUESTIONS: list(decision.questions),
                CHOICES: list(decision.choices),
                QUIET_LINE: decision.quiet,
            }
            for name, value in found.items():
                if value:
                    message.set(name, value, add_to_output=True)
            self._set(message, decision.label, decision.confidence)
            if heard.ranking and decision.label == label:
                ranking = [{"name": ranked.label, "confidence": ranked.confidence} for ranked in heard.ranking]
                message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    @staticmethod
    def _heard(message: Message, tracker: DialogueStateTracker) -> Heard:
        texts = [message.get(TEXT) or "", *parts_of(message)]
        other, *in_parts = (each.other and not each.ketamine for each in map(named, texts))
        verdict = message.get(SAFETY)
        ranking, *parts = [[Ranked(**ranked) for ranked in ranking] for ranking in message.get(RANKINGS) or [[]]]
        return Heard(
            reading=message.get(READING),
            button=message.get(BUTTON),
            language=message.get(LANGUAGE),
            ranking=ranking,
            parts=parts,
            known_words=bool(message.get(KNOWN_WORDS)),
            verdict=Verdict(**verdict) if verdict else None,
            asked=just_checked_in(tracker),
            before=topic_before(tracker),
            in_context=message.get(IN_CONTEXT) or {},
            alarmed=alarmed(tracker),
            spoken=bool(said(tracker)),
            other_medicine=other,
            in_parts=in_parts,
            tells=only_tells(texts[0]),
        )

    @staticmethod
    def _form_answer(message: Message, label: str, tracker: DialogueStateTracker) -> Optional[str]:
        """How the message answers the question of the form under way, or what it asks of a request sent; None: something else."""
        step = tracker.get_slot(REQUESTED_SLOT)
        if tracker.active_loop_name is None and tracker.get_slot(REFERENCE) and message.get(READING) == "text":
            return after_request(message.get(AS_WRITTEN))
        if tracker.active_loop_name != FORM or step not in SLOTS or message.get(READING) != "text":
            return None
        return reading(step, message.get(AS_WRITTEN), label, tracker.current_slot_values())

    @staticmethod
    def _in_tool(message: Message, label: str, tracker: DialogueStateTracker) -> Optional[str]:
        """What the message does with a guided tool under way, or with one that was just offered; None: it is something else."""
        if tracker.active_loop_name or message.get(READING) != "text":
            return None
        text, state = message.get(AS_WRITTEN) or message.get(TEXT), State.of(tracker.current_slot_values())
        if state and (state.step != HOW or said(tracker)[-1:] == [reply_of(ENDS, HOW)]):
            choice = tools.reading(state, text, label)
            return f"{TOOL_ANSWER}/{choice}" if choice else None
        offered = [payload[1:] for payload in offered_payloads(tracker, turns=1) if kind_of(payload[1:]) == START_TOOL]
        return offered[0] if offered and tools.begins(text) else None

    @staticmethod
    def _set(message: Message, label: str, confidence: float) -> None:
        kind = kind_of(label)
        message.set(INTENT, {"name": kind, "confidence": confidence}, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [{"name": kind, "confidence": confidence}], add_to_output=True)
        if kind in (FORM_ANSWER, TOOL_ANSWER, START_TOOL):
            message.set(kind, label[len(kind) + 1 :], add_to_output=True)
        if kind in KINDS:
            answer = {
                "responses": [],
                "confidence": confidence,
                "intent_response_key": label,
                "utter_action": Topic.of(label).reply,
            }
            message.set(
                RESPONSE_SELECTOR,
                {"all_retrieval_intents": list(KINDS), kind: {"response": answer, "ranking": [answer]}},
                add_to_output=True,
            )
