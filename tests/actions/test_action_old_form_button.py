import pytest

from actions.action_old_form_button import ActionOldFormButton
from infusion_guide.callbacks.fields import REFERENCE
from tests.actions.trackers import run


@pytest.mark.parametrize(
    "slots, choice, reply",
    [
        ({REFERENCE: "K7M-3QX"}, "send", "utter_callback_sent_before"),
        ({REFERENCE: "K7M-3QX"}, "stop", "utter_callback_sent_before"),
        ({}, "send", "utter_callback_over"),
        ({REFERENCE: "K7M-3QX"}, "after_change", "utter_callback_after_change"),
        ({REFERENCE: "K7M-3QX"}, "after_next", "utter_callback_after_next"),
        ({REFERENCE: "K7M-3QX"}, "after_when", "utter_callback_after_when"),
        ({}, "after_when", "utter_callback_over"),
    ],
)
def test_nothing_is_sent_again(slots, choice, reply):
    said, events = run(ActionOldFormButton(), latest={"form_answer": choice}, slots=slots)
    assert said == [{"response": reply}] and events == []
