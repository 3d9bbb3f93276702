"""Chooses what to say when a message was not understood: choices, other words, a person; never the same twice running."""

from typing import Any, Dict, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import FixedPolicy, actions_since_user
from infusion_guide.nlu.gate import CHOICES
from infusion_guide.nlu.history import said
from infusion_guide.replies.care import FORM_QUESTION, LEAVE_FORM, MOST_FORM_MISSES, form_misses, next_fallback
from infusion_guide.replies.topic import Topic

_END_FORM = "action_end_callback"  # which says where the phone is


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FallbackPolicy(FixedPolicy):
    """Answers the intents that say "not understood": nlu_fallback, empty_message and too_long_message.

    A question of the form that got nothing else five times is given up, with the phone number.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Above RulePolicy (6), below SafetyPolicy (100)."""
        return {"priority": 50}

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """See parent."""
        if tracker.latest_message is None:
            return None
        parsed = tracker.latest_message.parse_data or {}
        told, done = said(tracker), actions_since_user(tracker)
        if LEAVE_FORM in done:
            return ACTION_LISTEN_NAME if _END_FORM in done else _END_FORM
        asked = [name for name in told if not name.startswith(FORM_QUESTION)]  # which stand between one miss and the next
        reply = next_fallback(tracker.latest_message.intent.get("name"), bool(parsed.get(CHOICES)), asked)
        if reply and tracker.active_loop_name and not done and form_misses(told) >= MOST_FORM_MISSES - 1:
            return LEAVE_FORM
        return ACTION_LISTEN_NAME if reply and any(Topic.of(name).is_fallback for name in done) else reply
