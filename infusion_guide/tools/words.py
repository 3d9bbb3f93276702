"""What a conversation puts into the words of a tool, and whether one may be offered in it."""

from functools import cache
from typing import Any, Dict, FrozenSet, List, Mapping, Sequence

from infusion_guide.replies.book import names, topic_title, unfilled
from infusion_guide.replies.guided import ASK
from infusion_guide.replies.topic import TOOL, Topic
from infusion_guide.tools.steps import ANSWERS, tools

GATHERED = "gathered"  # the questions that this talk could not answer
_MOST = 6
_LEFT_OPEN = ("uncovered", "advice")  # kinds of topics that a clinician answers

# After these a person may be in withdrawal: a doctor comes first, not a tool.
_WITHDRAWAL = {
    "faq/withdrawal",
    "uncovered/ketamine_withdrawal",
    "crisis/withdrawal_emergency",
    "crisis/check_in_drink",
}


@cache
def _asked() -> FrozenSet[str]:
    return frozenset(step.name for steps in tools().values() for step in steps.values() if step.kind == ASK)


def words(slots: Mapping[str, Any], said: Sequence[str], language: str) -> Dict[str, str]:
    """What fills the braces of tools: answers by the step that asked, "" for none; `said`: names of the replies so far."""
    return {**dict.fromkeys(_asked(), ""), GATHERED: "; ".join(gathered(said, language)), **(slots.get(ANSWERS) or {})}


def quotes(reply: str) -> bool:
    """Whether words that a patient gave to a tool stand in the reply of that name."""
    return Topic.of(reply).kind == TOOL and reply in names() and not _asked().isdisjoint(unfilled(reply))


def gathered(said: Sequence[str], language: str) -> List[str]:
    """The titles of what was asked and could not be answered, the newest, in the order they were asked."""
    topics = dict.fromkeys(topic.label for topic in map(Topic.of, said) if topic.kind in _LEFT_OPEN)
    return [topic_title(label, language).rstrip(".") for label in topics][-_MOST:]


def may_be_offered(waits: bool, said: Sequence[str]) -> bool:
    """Whether a tool may be offered: nobody named an eating disorder (`waits`), and the replies `said` were on no withdrawal.

    That nobody is in danger is up to who asks: a careful conversation offers none (replies/complete.py).
    """
    return not waits and not any(Topic.of(name).label in _WITHDRAWAL for name in said)
