"""The crisis reply that needs nothing but this process."""

import pytest

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import book, first_aid


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("i want to kill myself", "suicide"),
        ("I TOOK THE WHOLE BOTTLE OF PILLS", "overdose"),
        ("i cant breathe help", "medical_emergency"),
    ],
)
def test_alarming_words_get_the_pinned_reply(text, topic):
    reply = first_aid.crisis_reply(text)
    assert reply.name == f"utter_crisis/{topic}"
    assert settings().emergency_number in reply.text or settings().crisis_line in reply.text
    assert "{" not in reply.text


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("quiero morirme", "suicide"),
        ("Ya no quiero vivir", "suicide"),
        ("mi hermano se quiere matar", "someone_else"),
        ("tomé muchas pastillas", "overdose"),
        ("no puedo respirar", "medical_emergency"),
    ],
)
def test_spanish_words_get_the_spanish_reply(text, topic):
    reply = first_aid.crisis_reply(text)
    assert reply.name == f"utter_crisis/{topic}"
    assert any(word in reply.text for word in ("llame", "Llame"))


@pytest.mark.parametrize(
    "text",
    ["me muero de hambre", "cuanto cuesta", "how much does it cost", "", "\u0000", "this traffic is killing me", "a" * 100_000],
)
def test_other_words_get_none(text):
    assert first_aid.crisis_reply(text) is None


def test_every_honest_word_names_the_crisis_line():
    for reply in (first_aid.technical_problem(), first_aid.too_many_messages()):
        assert settings().crisis_line in reply.text and settings().emergency_number in reply.text


def test_every_crisis_reply_can_be_said_without_the_assistant(monkeypatch):
    first_aid.warm_up()
    for module in (first_aid, book):
        monkeypatch.setattr(module, "read_yaml", lambda path: 1 / 0)  # the disk is gone
    assert first_aid.crisis_reply("i want to die").text
