import pytest
from rasa_sdk.events import FollowupAction, SlotSet

from actions.action_begin_callback import ActionBeginCallback
from infusion_guide.callbacks import callback
from infusion_guide.callbacks.fields import COUNT, MOST_REQUESTS, SLOTS, TOPIC
from infusion_guide.clinic.settings import Settings
from infusion_guide.replies.book import topic_title
from tests.actions.trackers import bot, run


def test_nothing_of_an_earlier_request_is_left():
    assert run(ActionBeginCallback()) == ([], [SlotSet(slot, None) for slot in SLOTS])


def test_the_topic_is_that_of_the_talk():
    def topic(*labels):
        return run(ActionBeginCallback(), [bot(f"utter_{label}") for label in labels])[1][len(SLOTS) :]

    assert topic("uncovered/cost", "chitchat/thanks") == [SlotSet(TOPIC, topic_title("uncovered/cost"))]
    assert topic("uncovered/cost", "misuse/sell") == []  # nothing that nobody should have to put beside a name
    assert topic("faq/ptsd", "advice/dosing") == []


@pytest.mark.parametrize("languages, said", [("en", "utter_callback_language"), ("en,es", "utter_callback_in_spanish")])
def test_whoever_writes_spanish_hears_who_calls(monkeypatch, languages, said):
    monkeypatch.setattr(callback, "settings", lambda: Settings(clinic_languages=languages))
    spanish = {"event": "user", "text": "...", "parse_data": {"language": "es"}}
    assert run(ActionBeginCallback(), [spanish])[0] == [{"response": said}]


def test_after_several_requests_the_form_stays_closed():
    said, events = run(ActionBeginCallback(), slots={COUNT: MOST_REQUESTS})
    assert said == [{"response": "utter_callback_enough"}]
    assert events[-1] == FollowupAction("action_listen")
