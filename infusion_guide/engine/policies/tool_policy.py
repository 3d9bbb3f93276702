"""Comes back to the open step of a guided tool after something in between was answered; remembers that tools must wait."""

from typing import Any, Dict, Optional

from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import FixedPolicy, actions_since_user
from infusion_guide.tools.reading import must_wait
from infusion_guide.tools.steps import ANSWERS, HOW, TOOL, WAITS, State

ACTION = "action_tool"
LEAVES = ("crisis", "request_callback", "talk_to_person")  # intents that end a tool at once


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class ToolPolicy(FixedPolicy):
    """As FormPolicy does for forms. How a patient is now is asked once: who speaks of something else is not asked again."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Above RulePolicy (6) and FallbackPolicy (50), which would listen after the answer; below SafetyPolicy (100)."""
        return {"priority": 60}

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """See parent."""
        done = actions_since_user(tracker)
        if tracker.active_loop_name or not done:
            return None
        if done[-1] == ACTION:
            return ACTION_LISTEN_NAME
        left = tracker.latest_message and tracker.latest_message.intent.get("name") in LEAVES
        state = State.of(tracker.current_slot_values())
        return ACTION if state and state.step != HOW and not left else None

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """See parent. Its events count whatever policy decides: a tool that was left is emptied, and WAITS stays set."""
        prediction = super().predict_action_probabilities(tracker, domain, rule_only_data, **kwargs)
        heard, slots = tracker.latest_message, tracker.current_slot_values()
        if heard and heard.intent.get("name") in LEAVES and slots.get(TOOL):
            prediction.events += [SlotSet(TOOL, None), SlotSet(ANSWERS, None)]
        if heard and heard.text and not slots.get(WAITS) and must_wait(heard.text):
            prediction.events.append(SlotSet(WAITS, True))
        return prediction
