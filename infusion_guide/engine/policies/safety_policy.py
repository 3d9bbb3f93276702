"""Puts the crisis reply before everything else, whatever form, rule or story is under way."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from rasa.core.featurizers.tracker_featurizers import TrackerFeaturizer
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.replies.care import next_in_crisis

CRISIS_INTENT = "crisis"


def actions_since_user(tracker: DialogueStateTracker) -> List[str]:
    """Names of the actions run since the last user message, oldest first."""
    names: List[str] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted):
            names.insert(0, event.action_name)
    return names


class FixedPolicy(Policy):
    """A policy that decides by fixed logic: nothing to train, nothing to store. Subclasses implement `decide`."""

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Optional[TrackerFeaturizer] = None,
    ) -> None:
        super().__init__(config, model_storage, resource, execution_context, featurizer)

    @staticmethod
    def supported_data() -> SupportedData:
        """See parent."""
        return SupportedData.ML_AND_RULE_DATA

    def train(self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Nothing to learn."""
        with self._model_storage.write_to(self._resource):
            return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FixedPolicy:
        """See parent."""
        return cls(config, model_storage, resource, execution_context)

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """The name of the next action, or None to leave it to other policies."""
        raise NotImplementedError

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Full confidence in what `decide` says; none where it says nothing."""
        probabilities = self._default_predictions(domain)
        action = self.decide(tracker)
        if action is not None:
            probabilities[domain.index_for_action(action)] = 1.0
        # RulePolicy marks what a form wants next the same way, and such predictions overrule all others whatever their
        # priority: without the mark a form would go on asking for a phone number.
        return self._prediction(probabilities, is_no_user_prediction=action is not None)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class SafetyPolicy(FixedPolicy):
    """A crisis leaves any form, says its reply and listens. No rule or form needs to remember to allow it."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Above every other policy (RulePolicy has 6)."""
        return {"priority": 100}

    def decide(self, tracker: DialogueStateTracker) -> Optional[str]:
        """See parent."""
        if tracker.latest_message is None or tracker.latest_message.intent.get("name") != CRISIS_INTENT:
            return None
        return next_in_crisis(actions_since_user(tracker), bool(tracker.active_loop_name))
