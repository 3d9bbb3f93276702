"""What arrives is cleaned, and only our own buttons are obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from infusion_guide.nlu.message_reader import BUTTON, MAX_CHARACTERS, READING, MessageReader, clean

OFFERED = BotUttered("Did you mean?", {"buttons": [{"title": "Depression", "payload": "/faq/depression"}]})


def read(text, *events):
    tracker = DialogueStateTracker.from_events("x", list(events))
    return MessageReader().process([Message({"text": text})], tracker)[0]


@given(st.text())
def test_cleaning_leaves_only_readable_characters(text):
    assert all(unicodedata.category(c)[0] != "C" for c in clean(text))
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize("text", ["/restart", "/crisis", '/faq{"topic": "x"}', "//session_start", " /back", "/faq/depression"])
def test_typed_commands_are_words(text):
    message = read(text)
    assert message.get(BUTTON) is None
    assert not message.get("text").startswith("/")


def test_an_offered_button_is_obeyed():
    assert read("/faq/depression", OFFERED).get(BUTTON) == "faq/depression"
    assert read("/faq/ptsd", OFFERED).get(BUTTON) is None


@pytest.mark.parametrize("text", ["", "   ", "\u0000", "\U0001f600\U0001f600", "?!...", "\u202e"])
def test_no_words(text):
    assert read(text).get(READING) == "empty"


def test_too_long():
    assert read("a b " * MAX_CHARACTERS).get(READING) == "too_long"
    assert len(read("a b " * 50_000).get("text")) <= 10_001
