"""Chooses what to say when a message was not understood: choices, other words, a person; never the same twice running."""

from typing import Any, Dict, List, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import FixedPolicy, actions_since_user
from infusion_guide.nlu.history import said
from infusion_guide.replies.complete import misses_running
from infusion_guide.replies.topic import Topic

CHOICES = "choices"


def next_fallback(intent: str, has_choices: bool, replies: List[str]) -> str:
    """The reply for one more message that was not understood, given the replies said so far.

    First miss: "did you mean" when there is something to offer, else what the assistant can do. Second: the other of
    the two. Then a person's phone number, and a last line that alternates with it.
    """
    running = misses_running(replies)
    last = running[-1] if running else None
    if intent == "empty_message":
        return "utter_fallback_empty_again" if last == "utter_fallback_empty" else "utter_fallback_empty"
    if intent == "too_long_message":
        return "utter_fallback_too_long_again" if last == "utter_fallback_too_long" else "utter_fallback_too_long"
    if len(running) < 2:
        if has_choices and "utter_fallback_choices" not in running:
            return "utter_fallback_choices"
        if "utter_fallback_rephrase" not in running:
            return "utter_fallback_rephrase"
    return "utter_fallback_person_again" if last == "utter_fallback_person" else "utter_fallback_person"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FallbackPolicy(FixedPolicy):
    """Answers the intents that say "not understood": nlu_fallback, empty_message and too_long_message."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Above RulePolicy (6), below SafetyPolicy (100)."""
        return {"priority": 50}

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """See parent."""
        if tracker.latest_message is None:
            return None
        intent = tracker.latest_message.intent.get("name")
        if intent not in ("nlu_fallback", "empty_message", "too_long_message"):
            return None
        if any(Topic.of(name).is_fallback for name in actions_since_user(tracker)):
            return ACTION_LISTEN_NAME
        choices = (tracker.latest_message.parse_data or {}).get(CHOICES)
        return next_fallback(intent, bool(choices), said(tracker))
