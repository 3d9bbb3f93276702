"""What is read of the conversation so far: its topic, its language, whether somebody was in danger, what was asked."""

import dataclasses

import pytest
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.clinic.settings import settings
from infusion_guide.nlu import history
from infusion_guide.replies import language
from infusion_guide.replies.book import names
from infusion_guide.replies.topic import Topic


def talk(*replies):
    """A conversation in which `replies` were said, oldest first."""
    return DialogueStateTracker.from_events(
        "x", [BotUttered("...", metadata={"utter_action": f"utter_{each}"}) for each in replies]
    )


def heard(*languages):
    """A conversation of messages in `languages`; None: a button, whose language nobody looks for."""
    parsed = [{"language": language} if language else {} for language in languages]
    return DialogueStateTracker.from_events(
        "x", [UserUttered("...", parse_data={"intent": {"name": "x"}, **each}) for each in parsed]
    )


@pytest.mark.parametrize(
    "said, topic",
    [
        ([], None),
        (["faq/ptsd"], "faq/ptsd"),
        (["faq/ptsd", "uncovered/cost"], "uncovered/cost"),
        (["faq/ptsd", "fallback_rephrase"], "faq/ptsd"),  # a miss leaves the conversation where it was
        (["faq/ptsd", "chitchat/thanks"], "faq/ptsd"),
        (["faq/ptsd", "chitchat/explain", "chitchat/frustrated", "chitchat/react_negative"], "faq/ptsd"),
        (["faq/ptsd", "chitchat/grief"], "chitchat/grief"),  # a feeling is what the talk is about then
        (["crisis/suicide", "chitchat/thanks"], "crisis/suicide"),
        (["crisis/suicide", "crisis/care_call"], "crisis/care_call"),
        (["crisis/check_in", "check_in_ok"], "crisis/check_in"),
        (["chitchat/greet"], None),
        (["talk_to_person"], None),
    ],
)
def test_the_topic_that_a_conversation_is_at(said, topic):
    assert history.topic_before(talk(*said)) == topic


def test_passing_replies_are_small_talk_of_the_register():
    assert {Topic.of(label).reply for label in history._PASSING} <= set(names())
    assert {Topic.of(label).kind for label in history._PASSING} == {"chitchat"}


@pytest.mark.parametrize(
    "said, alarmed",
    [
        ([], False),
        (["faq/ptsd"], False),
        (["crisis/check_in"], False),  # which asks
        (["crisis/check_in_body"], False),
        (["crisis/check_in", "crisis/care_who"], False),  # which answers
        (["crisis/suicide"], True),
        (["crisis/overdose", "crisis/care_call", "faq/ptsd", "check_in_ok"], True),
    ],
)
def test_whether_a_full_alarm_was_given(said, alarmed):
    assert history.alarmed(talk(*said)) is alarmed


@pytest.mark.parametrize(
    "said, asked",
    [
        ([], False),
        (["crisis/check_in"], True),
        (["faq/ptsd", "crisis/check_in_pill"], True),
        (["crisis/check_in", "faq/ptsd"], False),
        (["crisis/suicide"], False),
        (["crisis/care_safe"], False),
    ],
)
def test_whether_the_gentle_question_was_just_asked(said, asked):
    assert history.just_checked_in(talk(*said)) is asked


@pytest.mark.parametrize(
    "languages, spoken",
    [
        ([], "en"),
        (["es"], "es"),
        (["es", "en"], "en"),
        (["en", "es", None], "es"),  # a button changes nothing
        (["es", "other"], "es"),  # nothing is reviewed in another language
        (["other"], "en"),
    ],
)
def test_the_language_of_a_conversation(languages, spoken):
    assert history.spoken(heard(*languages)) == spoken


def test_a_clinic_may_begin_in_spanish(monkeypatch):
    monkeypatch.setattr(language, "settings", lambda: dataclasses.replace(settings(), language="es"))
    assert history.spoken(heard()) == history.spoken(heard(None)) == "es" and history.spoken(heard("en")) == "en"
