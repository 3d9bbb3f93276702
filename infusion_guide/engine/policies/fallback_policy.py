"""Chooses what to say when a message was not understood: choices, other words, a person; never the same twice running."""

from typing import Any, Dict, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import FixedPolicy, actions_since_user
from infusion_guide.nlu.gate import CHOICES
from infusion_guide.nlu.history import said
from infusion_guide.replies.care import next_fallback
from infusion_guide.replies.topic import Topic


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
        parsed = tracker.latest_message.parse_data or {}
        reply = next_fallback(tracker.latest_message.intent.get("name"), bool(parsed.get(CHOICES)), said(tracker))
        return ACTION_LISTEN_NAME if reply and any(Topic.of(name).is_fallback for name in actions_since_user(tracker)) else reply
