"""Comes back to a form after a question in between was answered."""

from typing import Any, Dict, Optional

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import FixedPolicy, actions_since_user


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FormPolicy(FixedPolicy):
    """Rasa asks for a rule for each thing that people may say in the middle of a form; this is all of them."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Above RulePolicy (6) and FallbackPolicy (50), which would listen after the answer; below SafetyPolicy (100)."""
        return {"priority": 60}

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """See parent."""
        done = actions_since_user(tracker)
        answered = bool(done) and done[-1] != tracker.active_loop_name
        return tracker.active_loop_name if tracker.active_loop_name and answered else None
