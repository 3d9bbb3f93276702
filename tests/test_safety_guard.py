"""The patterns of data/safety: what they must never miss and must leave alone; and what the guard hands to its verdict."""

import numpy as np
import pytest
import spacy
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.core.events import BotUttered, SlotSet
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu.danger import NONE
from infusion_guide.nlu.safety_guard import SafetyGuard
from infusion_guide.text.danger_patterns import Patterns

PATTERNS = Patterns(spacy.blank("en"), read_yaml(DATA / "safety" / "patterns.yml"))


@pytest.mark.parametrize(
    "text, topic",
    [
        ("I want to kill myself", "suicide"),
        ("thinking of ending my life tonight", "suicide"),
        ("I dont want to live anymore", "suicide"),
        ("everyone is better off without me", "suicide"),
        ("i am suicidl", "suicide"),
        ("kms", "suicide"),
        ("I keep cutting myself", "self_harm"),
        ("urges to self-harm again", "self_harm"),
        ("he overdosed", "overdose"),
        ("i took the whole bottle of pills", "overdose"),
        ("she won't wake up", "overdose"),
        ("chest pain since noon", "medical_emergency"),
        ("i cant breathe", "medical_emergency"),
        ("my boyfriend hits me", "violence_abuse"),
        ("i was raped", "violence_abuse"),
        ("my son is threatening to kill himself", "someone_else"),
        ("stopped drinking and now im shaking", "withdrawal_emergency"),
    ],
)
def test_alarm_wording(text, topic):
    found = PATTERNS.find(text)
    assert found and found.level == "alarm", found
    assert found.topic == topic or topic in ("someone_else", "overdose", "withdrawal_emergency")


@pytest.mark.parametrize(
    "text", ["I can't do this anymore", "whats the point of anything", "nobody would even notice", "end it all"]
)
def test_check_in_wording(text):
    assert PATTERNS.find(text).level in ("check_in", "alarm")


@pytest.mark.parametrize(
    "text",
    ["killing time at the airport", "dying to know more", "how do I kill the boss in that video game", "a murder in my novel"],
)
def test_harmless_wording(text):
    assert PATTERNS.find(text).level == "harmless"


@pytest.mark.parametrize(
    "text",
    ["does ketamine help with depression", "how much does it cost", "what is a low dose", "is it safe", "thanks, bye", "", "   "],
)
def test_ordinary_wording(text):
    assert PATTERNS.find(text) is None


class Sure:
    """A classifier that finds the same in every text: one row for the whole, one for each part."""

    labels = ["check_in", "none", "suicide"]

    def __init__(self, *rows):
        self._rows = np.array(rows)

    def probabilities(self, message):
        return self._rows


def guarded(rows, text="well", language="en", events=(), second=None, **thresholds):
    """What the guard sets on one message; the topic classifier's opinion is the same unless `second` holds another."""
    config = {**SafetyGuard.get_default_config(), **thresholds}
    crises = [{topic: sure for topic, sure in zip(Sure.labels, row) if topic != NONE} for row in second or rows]
    message = Message({"text": text, "reading": "text", "language": language, "crises": crises})
    tracker = DialogueStateTracker.from_events("x", list(events), slots=[AnySlot("careful", mappings=[])])
    guard = SafetyGuard(config, None, None, Sure(*rows))
    guard.process([message], SpacyModel(spacy.blank("en"), "en"), tracker)
    return message.as_dict(only_output_properties=True)["safety"]


UNSURE = [0.0, 0.5, 0.5]  # an alarm only where the conversation is careful
HARDLY = [0.2, 0.8, 0.0]
ASKED = BotUttered("...", metadata={"utter_action": "utter_crisis/check_in"})
ANSWERED = BotUttered("...", metadata={"utter_action": "utter_faq/ptsd"})


def test_all_that_the_verdict_needs_reaches_it():
    assert guarded([UNSURE]) == {"level": "check_in", "topic": "suicide", "score": 0.5, "doubt": 0.5, "reassured": False}
    assert guarded([UNSURE], events=[SlotSet("careful", True)])["level"] == "alarm"
    assert guarded([UNSURE], events=[ASKED])["level"] == "alarm"
    assert guarded([UNSURE], events=[ASKED, ANSWERED])["level"] == "check_in"
    assert guarded([HARDLY, [0.0, 0.05, 0.95]])["level"] == "alarm"
    assert guarded([HARDLY], text="i want to kill myself", pattern_check_in=0.1)["level"] == "check_in"
    assert guarded([HARDLY], text="i want to kill myself", language="es", pattern_check_in=0.1)["level"] == "quiet"
    assert guarded([HARDLY], check_in=0.19)["level"] == "check_in"


def test_two_opinions_count_alike():
    """Half of what either finds; what the second gives no crisis topic is nothing dangerous."""
    alone, both = guarded([UNSURE], second=[[0.0, 1.0, 0.0]]), guarded([UNSURE])
    assert (alone["score"], both["score"]) == (0.25, 0.5)
    assert guarded([[0.0, 1.0, 0.0]], second=[[0.0, 0.0, 1.0]])["score"] == 0.5
    assert guarded([UNSURE], second=[[0.0, 0.0, 1.0]])["level"] == "alarm"


def test_buttons_are_not_guarded():
    message = Message({"text": "faq ptsd", "reading": "button"})
    tracker = DialogueStateTracker.from_events("x", [], slots=[])
    SafetyGuard(SafetyGuard.get_default_config(), None, None, None).process(
        [message], SpacyModel(spacy.blank("en"), "en"), tracker
    )
    assert message.get("safety") is None
