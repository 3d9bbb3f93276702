"""A crisis outranks forms, rules and fallbacks."""

import pytest
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.graph import ExecutionContext
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.safety_policy import SafetyPolicy

DOMAIN = Domain.from_dict(
    {
        "intents": ["crisis", "faq", "give_name"],
        "slots": {"name": {"type": "text", "mappings": [{"type": "from_text"}]}},
        "forms": {"call_back_form": {"required_slots": ["name"]}},
        "actions": ["utter_crisis", "utter_faq"],
    }
)
IN_FORM = [
    ActionExecuted("action_listen"),
    UserUttered("call me", intent={"name": "give_name"}),
    ActionExecuted("call_back_form"),
    ActiveLoop("call_back_form"),
    BotUttered("Your name?"),
    ActionExecuted("action_listen"),
]


@pytest.fixture
def policy(tmp_path):
    return SafetyPolicy(SafetyPolicy.get_default_config(), None, None, ExecutionContext(None, None))


def predicted(policy, *events) -> PolicyPrediction:
    tracker = DialogueStateTracker.from_events("x", [*IN_FORM, *events], slots=DOMAIN.slots)
    return policy.predict_action_probabilities(tracker, DOMAIN)


def action(prediction):
    return DOMAIN.action_names_or_texts[prediction.probabilities.index(max(prediction.probabilities))]


def test_a_crisis_leaves_the_form_says_its_reply_and_listens(policy):
    crisis = UserUttered("I want to die", intent={"name": "crisis"})
    first = predicted(policy, crisis)
    assert action(first) == "action_deactivate_loop" and first.max_confidence == 1.0
    done = [crisis, ActionExecuted("action_deactivate_loop"), ActiveLoop(None)]
    assert action(predicted(policy, *done)) == "utter_crisis"
    assert action(predicted(policy, *done, ActionExecuted("utter_crisis"))) == "action_listen"


def test_anything_else_is_left_to_the_form(policy):
    assert predicted(policy, UserUttered("Ann", intent={"name": "give_name"})).max_confidence == 0.0


@pytest.mark.parametrize("intent, winner", [("crisis", "action_deactivate_loop"), ("give_name", "call_back_form")])
def test_it_wins_over_the_form_in_rasas_own_ensemble(policy, intent, winner):
    events = [*IN_FORM, UserUttered("x", intent={"name": intent})]
    tracker = DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)
    learned = {key: {} for key in ("rules", "rules_for_loop_unhappy_path", "rules_not_in_stories")}
    rules = RulePolicy(RulePolicy.get_default_config(), None, None, ExecutionContext(None, None), lookup=learned)
    predictions = [p.predict_action_probabilities(tracker, DOMAIN) for p in (rules, policy)]
    assert action(DefaultPolicyPredictionEnsemble().combine_predictions(predictions, tracker, DOMAIN)) == winner
