"""What is talked about: the names of the register, `<kind>/<name>`, as labels, replies and payloads spell them."""

from dataclasses import dataclass

# The kinds and what staff call them, in the order in which they matter to a clinician.
KINDS = {
    "crisis": "Crisis",
    "faq": "From the clinic's document",
    "uncovered": "Not in the document",
    "advice": "Personal medical questions",
    "misuse": "Misuse",
    "chitchat": "Small talk",
}
# Topics that are a part of a wider one: they have words of their own, and figures count them with it.
PART_OF = {
    "crisis/check_in_pill": "crisis/check_in",
    "crisis/check_in_drink": "crisis/check_in",
    "crisis/check_in_body": "crisis/check_in",
    "crisis/check_in_other": "crisis/check_in",
    "faq/craving_now": "faq/cravings",
    "faq/cant_sleep": "faq/routine_exercise_diet_sleep",
    "faq/coping_more": "faq/coping_general",
    "faq/breathing": "faq/mindfulness",
    "faq/trigger_plan": "faq/triggers",
    "faq/day_plan": "faq/routine_exercise_diet_sleep",
    "faq/journal_prompt": "faq/hobbies_journaling",
    "faq/support_map": "faq/support_groups",
    "faq/online_groups": "faq/support_groups",
    "uncovered/worse_or_no_effect": "uncovered/relapse",
    "uncovered/other_medicines": "uncovered/condition_facts",
    "uncovered/naloxone": "uncovered/condition_facts",
    "uncovered/clinic_staff": "uncovered/provider_quality",
    "uncovered/accessibility": "uncovered/booking_logistics",
    "uncovered/veterans": "uncovered/insurance",
    "uncovered/outside_us": "uncovered/local_provider",
}
TOOL = "tool"  # the kind of what a guided tool says: utter_tool/<tool>/<step>
ANSWERABLE = ("faq", "uncovered", "advice", "misuse")
_REPLY = "utter_"


@dataclass(frozen=True)
class Topic:
    """One entry of the register: `faq/depression` is said by the reply `utter_faq/depression` and sent by `/faq/depression`.

    What has no topic (`utter_fallback_person`, the intent `request_callback`) has the kind "".
    """

    kind: str
    name: str

    @classmethod
    def of(cls, label: str) -> "Topic":
        """The topic that a label (`faq/depression`), a reply (`utter_faq/depression`) or a payload (`/faq/depression`) names."""
        kind, slash, name = label.removeprefix("/").removeprefix(_REPLY).partition("/")
        return cls(kind, name) if slash else cls("", kind)

    @property
    def label(self) -> str:
        """faq/depression"""
        return f"{self.kind}/{self.name}" if self.kind else self.name

    @property
    def reply(self) -> str:
        """The name of its reply, utter_faq/depression."""
        return _REPLY + self.label

    @property
    def payload(self) -> str:
        """What its button sends, /faq/depression."""
        return "/" + self.label

    @property
    def widest(self) -> "Topic":
        """The topic that figures count it with: itself, or the one it is a part of."""
        label = self.label
        if self.kind == TOOL:  # a step of a tool is part of the topic that offers the tool
            name = self.name.partition("/")[0]
            label = "faq/coping_general" if name == "ends" else f"faq/{name}"
        return Topic.of(PART_OF.get(label, label))

    @property
    def is_answerable(self) -> bool:
        """Whether it has an answer of its own; not a crisis, not small talk, not a miss."""
        return self.kind in ANSWERABLE

    @property
    def is_fallback(self) -> bool:
        """Whether its reply says that a message was not understood."""
        return not self.kind and self.name.startswith("fallback")

    @property
    def outcome(self) -> str:
        """One of KINDS, "fallback" or "other": few values, as figures and labels of metrics must be."""
        return "fallback" if self.is_fallback else self.kind if self.kind in KINDS else "other"
