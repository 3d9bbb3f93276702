"""A guided tool is come back to after a question in between; danger, a call-back and the wish for a person end it."""

import pytest
from rasa.engine.graph import ExecutionContext
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.engine.policies.tool_policy import ToolPolicy
from infusion_guide.tools.steps import ANSWERS, TOOL, WAITS
from tests.rooms import ROOT

DOMAIN = Domain.load(str(ROOT / "domain.yml"))
OPEN = [ActionExecuted("action_listen"), SlotSet(TOOL, "breathing/first")]


def predicted(*events):
    policy = ToolPolicy(ToolPolicy.get_default_config(), None, None, ExecutionContext(None, None))
    return policy.predict_action_probabilities(DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots), DOMAIN)


def action(prediction):
    best = max(prediction.probabilities)
    return DOMAIN.action_names_or_texts[prediction.probabilities.index(best)] if best else None


def heard(intent="faq", text="x"):
    return UserUttered(text, intent={"name": intent})


@pytest.mark.parametrize(
    "events, then",
    [
        ([*OPEN, heard()], None),  # the answer first
        ([*OPEN, heard(), ActionExecuted("utter_faq")], "action_tool"),
        ([*OPEN, heard("nlu_fallback"), ActionExecuted("utter_fallback_rephrase")], "action_tool"),
        ([*OPEN, heard(), ActionExecuted("utter_faq"), ActionExecuted("action_tool")], "action_listen"),
        ([heard("tool_answer"), ActionExecuted("action_tool")], "action_listen"),
        ([heard(), ActionExecuted("utter_faq")], None),
        ([SlotSet(TOOL, "breathing/how"), heard(), ActionExecuted("utter_faq")], None),
        ([*OPEN, ActiveLoop("callback_form"), heard(), ActionExecuted("utter_faq")], None),
        ([*OPEN, heard("crisis"), ActionExecuted("utter_crisis")], None),
        ([*OPEN, heard("talk_to_person"), ActionExecuted("action_talk_to_person")], None),
    ],
)
def test_what_comes_next(events, then):
    assert action(predicted(*events)) == then


@pytest.mark.parametrize("intent", ["crisis", "request_callback", "talk_to_person"])
def test_what_ends_a_tool_empties_its_slots(intent):
    assert predicted(*OPEN, heard(intent)).events == [SlotSet(TOOL, None), SlotSet(ANSWERS, None)]
    assert predicted(heard(intent)).events == predicted(*OPEN, heard()).events == []


def test_that_tools_must_wait_is_remembered_once():
    assert predicted(heard(text="I have an eating disorder")).events == [SlotSet(WAITS, True)]
    assert predicted(SlotSet(WAITS, True), heard(text="I have an eating disorder")).events == []
