"""The patterns of data/safety: what they must never miss, and what they must leave alone."""

import pytest
import spacy

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu.safety_guard import Patterns

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
    assert found and found["level"] == "alarm", found
    assert found["topic"] == topic or topic in ("someone_else", "overdose", "withdrawal_emergency")


@pytest.mark.parametrize(
    "text", ["I can't do this anymore", "whats the point of anything", "nobody would even notice", "end it all"]
)
def test_check_in_wording(text):
    assert PATTERNS.find(text)["level"] in ("check_in", "alarm")


@pytest.mark.parametrize(
    "text",
    ["killing time at the airport", "dying to know more", "how do I kill the boss in that video game", "a murder in my novel"],
)
def test_harmless_wording(text):
    assert PATTERNS.find(text)["level"] == "harmless"


@pytest.mark.parametrize(
    "text",
    ["does ketamine help with depression", "how much does it cost", "what is a low dose", "is it safe", "thanks, bye", "", "   "],
)
def test_ordinary_wording(text):
    assert PATTERNS.find(text) is None
