"""What the assistant says: one reply with its buttons and sources, the same in every room and on every channel."""

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from infusion_guide.replies.topic import Topic


@dataclass(frozen=True)
class Button:
    """What is read on it (`title`) and what pressing it sends (`payload`)."""

    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """One message to a patient.

    `name` is the response of the register (utter_faq/depression), "" for what no register names; `sources` are ids of the
    ledger's claims, of authorities, or CLINIC (replies/sources.py says what each means); `image` is an address or "";
    `language` is that of its words, "" where nobody knows.
    """

    name: str
    text: str
    buttons: Tuple[Button, ...] = ()
    sources: Tuple[str, ...] = ()
    image: str = ""
    language: str = ""

    @property
    def topic(self) -> Topic:
        """What it is about."""
        return Topic.of(self.name)

    @classmethod
    def of_message(cls, message: Mapping[str, Any]) -> "Reply":
        """The reply that a message in Rasa's form holds: of a bot event, a stored turn, or `as_message`."""
        said = {**(message.get("metadata") or {}), **message}
        return cls(
            said.get("utter_action") or "",
            said.get("text") or "",
            tuple(Button(button["title"], button["payload"]) for button in said.get("buttons") or []),
            tuple(said.get("sources") or []),
            said.get("image") or "",
            said.get("language") or "",
        )

    def as_message(self) -> Dict[str, Any]:
        """Rasa's form, as REST answers it and turns are stored: only what is there."""
        buttons = [{"title": button.title, "payload": button.payload} for button in self.buttons]
        found = {"text": self.text, "buttons": buttons, "image": self.image}
        named = {"utter_action": self.name, "sources": list(self.sources), "language": self.language}
        return {**{k: v for k, v in found.items() if v}, "metadata": {k: v for k, v in named.items() if v}}
