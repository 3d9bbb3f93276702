"""Reads what arrives before anything else sees it: cleans the text, knows our own buttons, defuses commands."""

import re
from typing import Any, Dict, Iterator, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.text.cleaning import MAX_CHARACTERS, MAX_SEARCHED, clean, has_words

_WORDS = re.compile(r"[^\W_]+")

# Set on a message: `reading` is "text", "button", "empty" or "too_long"; `button` is the payload's label.
READING = "reading"
BUTTON = "button"


def offered_payloads(tracker: Optional[DialogueStateTracker], turns: int = 5) -> Dict[str, str]:
    """Payloads of the buttons in the last bot messages: only these are obeyed, typed commands never are."""
    offered: Dict[str, str] = {}
    if tracker is None:
        return offered
    seen = 0
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            for button in event.data.get("buttons") or []:
                offered.setdefault(button["payload"], button["title"])
            seen += 1
            if seen == turns:
                break
    return offered


def _payload_titled(text: str, offered: Dict[str, str]) -> Optional[str]:
    """The payload of the offered button whose words `text` types out, whatever its capitals and punctuation."""
    words = _WORDS.findall(text.lower())
    return next((payload for payload, title in offered.items() if words and _WORDS.findall(title.lower()) == words), None)


def worded(messages: List[Message]) -> Iterator[Message]:
    """The messages that a person worded: buttons and messages without a word need no understanding."""
    return (message for message in messages if message.get(READING) in ("text", "too_long"))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class MessageReader(GraphComponent):
    """Cleans the text and decides how to read it: words, one of our buttons, nothing, or too much.

    Rasa executes any text that begins with "/" as an intent (RegexMessageHandler, the last node of its graph).
    Here such a text counts only if it is the payload of a button we offered in this conversation; the slash is
    taken off either way, so that RegexMessageHandler never acts.
    """

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "MessageReader":
        """See parent."""
        return cls()

    def process(self, messages: List[Message], tracker: DialogueStateTracker) -> List[Message]:
        """Sets TEXT, READING and BUTTON on each message."""
        for message in messages:
            raw = message.get(TEXT) or ""
            offered = offered_payloads(tracker)
            payload = _payload_titled(raw, offered) or raw.strip()
            if payload.startswith("/") and payload in offered:
                message.set(BUTTON, payload[1:])
                message.set(READING, "button")
                message.set(TEXT, payload[1:].replace("/", " ").replace("_", " "))
                continue
            text = clean(raw if len(raw) <= MAX_SEARCHED else raw[: MAX_SEARCHED // 2] + " " + raw[-MAX_SEARCHED // 2 :])
            text = text.lstrip("/").strip()
            message.set(TEXT, text)
            if not has_words(text):
                message.set(READING, "empty")
            elif len(text) > MAX_CHARACTERS:
                message.set(READING, "too_long")
            else:
                message.set(READING, "text")
        return messages
