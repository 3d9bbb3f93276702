"""Finds the separate questions of one message, so that both get their answers."""

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import SPACY_DOCS
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.tokens import Doc

# Set on a message: its parts as texts; absent when the message is one piece.
PARTS = "parts"
MAX_PARTS = 6
MIN_TOKENS = 2
LONG_STORY = 30  # tokens

_JOINERS = {"and", "also", "plus", "but", "or", ",", ";", "&"}
_OPENERS = {
    "what", "whats", "what's", "how", "hows", "who", "when", "where", "why", "which", "is", "are", "does", "do", "can", "could",
    "will", "would", "should", "did", "has", "have", "tell", "am",
}  # fmt: skip
_ASKING = _OPENERS | {"and", "also"}
_SPEAKERS = {"i", "im", "i'm", "ive", "i've", "my", "honestly"}  # who go on about themselves, after a question
_SUBJECTS_AFTER = {"i", "it", "they", "you", "we", "there", "the", "this", "that", "my", "much", "many", "long", "often", "about"}


def parts_of(message: Message) -> List[str]:
    """The message's parts, or an empty list when it is one piece."""
    return message.get(PARTS) or []


def split(doc: Doc) -> List[str]:
    """The sentences and joined questions of `doc`; at most MAX_PARTS texts.

    Empty unless there are two parts and a question among them, or a long story: each part costs as much as a message of
    its own. Whatever stands beside a question is read by itself, for people put the worst there.

    A new part starts after the end of a sentence, and at a joining word followed by the opening of a question:
    "how much is it and does it hurt" has two parts, "help with anxiety and depression" has one.
    """
    parts: List[List[str]] = [[]]
    joined = False
    for index, token in enumerate(doc):
        word = token.lower_
        following = doc[index + 1].lower_ if index + 1 < len(doc) else ""
        opens = word in _OPENERS and (word.startswith(("wh", "how")) or following in _SUBJECTS_AFTER)
        if joined and (opens or word in _SPEAKERS) and len(parts[-1]) > MIN_TOKENS:
            while parts[-1] and parts[-1][-1].strip().lower() in _JOINERS:
                parts[-1].pop()
            parts.append([])
        parts[-1].append(token.text_with_ws)
        joined = word in _JOINERS
        if token.is_sent_end or word in {"?", "!"} or token.text.endswith(("?", "!")):
            parts.append([])
    texts = [text for text in ("".join(p).strip() for p in parts) if any(c.isalpha() for c in text)]
    asks = any(text.endswith("?") or text.split()[0].lower().strip(",") in _ASKING for text in texts)
    return texts[-MAX_PARTS:] if len(texts) > 1 and (asks or len(doc) >= LONG_STORY) else []


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class QuestionSplitter(GraphComponent):
    """Sets PARTS, with the spaCy pipeline's rule-based sentence ends (they need no statistics and cost nothing)."""

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "QuestionSplitter":
        """See parent."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets PARTS on messages of more than one piece."""
        for message in messages:
            doc = message.get(SPACY_DOCS[TEXT])
            parts = split(doc) if doc else []
            if parts:
                message.set(PARTS, parts, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Training sentences are learned whole."""
        return training_data
