"""What the call-back form asks for: one line a field. Whatever reads, keeps, shows, hides or erases a field looks here."""

from dataclasses import dataclass
from typing import Dict, Tuple

FORM = "callback_form"
REFERENCE = "callback_reference"  # slot of the number of the request that was sent
COUNT = "callback_count"  # slot of how many requests the conversation has sent
MOST_REQUESTS = 3  # of one conversation: more would only bury the clinic's staff

CONSENT, NAME, CONTACT, TIME, TOPIC, SEND = (
    "callback_consent",
    "callback_name",
    "callback_contact",
    "callback_time",
    "callback_topic",
    "callback_send",
)


@dataclass(frozen=True)
class Field:
    """One question of the form; who adds one need only say its `slot`, `name` and `title`, and it is hidden wherever it can be.

    `slot` is Rasa's, and the form's step. A field with a `name` is private: its words stand sealed in the request under that
    name, in no event, and are erased with the conversation. `title` is what staff call it. `longest`: characters that are
    kept. `front_desk`: whether those may read it who only make calls; clinicians and admins may. `telling`: whether it tells
    who somebody is, so that its words are replaced in conversations that staff look at.
    """

    slot: str
    name: str = ""
    title: str = ""
    optional: bool = False
    longest: int = 100
    front_desk: bool = False
    telling: bool = True

    @property
    def change(self) -> str:
        """The choice that opens it again: change_name."""
        return f"change_{self.slot.removeprefix('callback_')}"


# In the order in which they are asked for. A new one also needs its slot in domain.yml and its question's words
# (data/responses/ask_<slot>.yml, data/form_words.yml).
FIELDS = (
    Field(CONSENT),
    Field(NAME, "name", "Name", longest=60, front_desk=True),
    Field(CONTACT, "contact", "Contact", front_desk=True),
    Field(TIME, "best_time", "Best time", optional=True, front_desk=True, telling=False),
    Field(TOPIC, "topic", "Topic", optional=True, longest=200, front_desk=True, telling=False),
    Field(SEND),
)
PRIVATE = tuple(field for field in FIELDS if field.name)

SLOTS = tuple(field.slot for field in FIELDS)
PRIVATE_SLOTS = frozenset(field.slot for field in PRIVATE)
OPTIONAL = tuple(field.slot for field in PRIVATE if field.optional)
LONGEST = {field.slot: field.longest for field in PRIVATE}  # characters
CHANGES = {field.change: field.slot for field in PRIVATE}  # the choices that change an answer


def place(question: str) -> Dict[str, int]:
    """Which step of how many the question utter_ask_<slot> is, as words for its braces; none for consent and the summary."""
    slots = [field.slot for field in PRIVATE]
    slot = question.removeprefix("utter_ask_")
    return {"callback_step": slots.index(slot) + 1, "callback_steps": len(slots)} if slot in slots else {}


def readable(clinical: bool) -> Tuple[Field, ...]:
    """The fields that a member of staff may read; `clinical`: who may read what patients write, too."""
    return tuple(field for field in PRIVATE if clinical or field.front_desk)
