from rasa_sdk.events import FollowupAction, SlotSet

from actions.action_begin_callback import ActionBeginCallback
from infusion_guide.callbacks.fields import COUNT, MOST_REQUESTS, SLOTS
from tests.actions.trackers import run


def test_nothing_of_an_earlier_request_is_left():
    assert run(ActionBeginCallback()) == ([], [SlotSet(slot, None) for slot in SLOTS])


def test_after_several_requests_the_form_stays_closed():
    said, events = run(ActionBeginCallback(), slots={COUNT: MOST_REQUESTS})
    assert said == [{"response": "utter_callback_enough"}]
    assert events[-1] == FollowupAction("action_listen")
