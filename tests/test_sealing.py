"""What is stored is plain, redacted or encrypted as STORED_WORDS says, and nothing is lost when keys change."""

import json
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.storage import sealing
from infusion_guide.storage.sealing import Unreadable, seal, unseal

KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
EVENT = {"event": "user", "text": "I am Maria Example, 555-010-0199", "timestamp": 1.5, "parse_data": {"entities": []}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def stored_words(monkeypatch):
    """Sets STORED_WORDS and ENCRYPTION_KEY."""

    def choose(words, key=""):
        chosen = Settings(stored_words=words, encryption_key=key)
        monkeypatch.setattr(sealing, "settings", lambda: chosen)

    return choose


@pytest.mark.parametrize(
    "words, key", [("plain", ""), ("redacted", ""), ("encrypted", KEY)], ids=["plain", "redacted", "encrypted"]
)
def test_what_was_sealed_is_unsealed(stored_words, words, key):
    stored_words(words, key)

    @given(json_values)
    @examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def same(value):
        assert unseal(seal(value)) == json.loads(json.dumps(value))

    same()


def test_encrypted_words_cannot_be_read(stored_words):
    stored_words("encrypted", KEY)
    first, second = seal(EVENT), seal(EVENT)
    assert "Maria" not in first and first != second
    assert unseal(first) == unseal(second) == EVENT


def test_plain_words_of_before_still_read(stored_words):
    stored_words("plain")
    before = [seal(value) for value in (EVENT, False, "fernet", None, [])]
    stored_words("encrypted", KEY)
    assert [unseal(stored) for stored in before] == [EVENT, False, "fernet", None, []]


def test_encrypted_words_read_after_going_back_to_plain(stored_words):
    stored_words("encrypted", KEY)
    stored = seal(EVENT)
    stored_words("plain", KEY)
    assert unseal(stored) == EVENT


def test_a_new_key_goes_before_the_old_one(stored_words):
    stored_words("encrypted", KEY)
    old = seal(EVENT)
    stored_words("encrypted", f"{NEW_KEY} {KEY}")
    new = seal(EVENT)
    assert unseal(old) == unseal(new) == EVENT
    stored_words("encrypted", NEW_KEY)  # once everything older is purged
    assert unseal(new) == EVENT
    with pytest.raises(Unreadable, match="ENCRYPTION_KEY"):
        unseal(old)


@pytest.mark.parametrize("key", ["", NEW_KEY], ids=["none", "another"])
def test_a_wrong_key_is_an_error_and_not_an_empty_conversation(stored_words, key):
    stored_words("encrypted", KEY)
    stored = seal(EVENT)
    stored_words("plain", key)
    with pytest.raises(Unreadable, match="ENCRYPTION_KEY") as error:
        unseal(stored)
    assert not key or key not in str(error.value)


def test_damaged_words_are_an_error(stored_words):
    stored_words("encrypted", KEY)
    with pytest.raises(Unreadable, match="ENCRYPTION_KEY"):
        unseal(seal(EVENT)[:-3] + "xyz")


def test_redacted_changes_the_patients_words_only(stored_words):
    stored_words("redacted")
    assert unseal(seal(EVENT))["text"] == "I am [name], [phone]"
    bot = {"event": "bot", "text": "You can call the clinic at 555-010-0100."}
    assert unseal(seal(bot)) == bot
    assert unseal(seal([{"text": bot["text"]}])) == [{"text": bot["text"]}]  # the replies of a turn


def test_redacted_keeps_no_answer_to_the_form(stored_words):
    """Names and numbers that look like neither: what answers the form goes whole, and so does the summary that repeats it."""
    stored_words("redacted")
    parsed = {"text": "just x", "intent": {"name": "form_answer"}, "form_answer": "words", "parts": ["just x"]}
    event = {"event": "user", "text": "just x", "timestamp": 1.5, "parse_data": parsed}
    kept = {"intent": {"name": "form_answer"}, "form_answer": "words"}
    assert unseal(seal(event)) == {**event, "text": "[answer to the form]", "parse_data": kept}
    said = {"event": "bot", "text": "Shall I send it? Name: X", "metadata": {"utter_action": "utter_ask_callback_send"}}
    hidden = {**said, "text": "[answer to the form]"}
    assert unseal(seal(said)) == hidden and unseal(seal([said])) == [hidden]
    other = {**said, "metadata": {"utter_action": "utter_ask_callback_name"}}
    assert unseal(seal(other)) == other
    ordinary = {**event, "parse_data": {**parsed, "form_answer": ""}}
    assert unseal(seal(ordinary))["text"] == "just x"
    without = {"event": "user", "text": "I am Maria Example", "parse_data": None}
    assert unseal(seal(without)) == {**without, "text": "I am [name]"}


@pytest.mark.parametrize(
    "key, says",
    [
        ("", "Stored conversations are encrypted, but ENCRYPTION_KEY is missing. Put the key back in .env."),
        (
            NEW_KEY,
            "A stored conversation was encrypted with a key that is not in ENCRYPTION_KEY (or was damaged). "
            "Put the former key back, after the present one and a blank.",
        ),
    ],
    ids=["no key", "another key"],
)
def test_what_cannot_be_read_says_what_to_do(stored_words, key, says):
    stored_words("encrypted", KEY)
    stored = seal(EVENT)
    stored_words("plain", key)
    with pytest.raises(Unreadable) as raised:
        unseal(stored)
    assert str(raised.value) == says


def test_a_key_of_the_right_form_that_is_none(stored_words):
    with pytest.raises(Unreadable) as raised:
        sealing._keys("no-key")
    assert str(raised.value) == "ENCRYPTION_KEY holds something that is no key. `make key` prints one for .env."


def test_words_that_are_no_event_are_sealed_too(stored_words):
    stored_words("redacted")
    assert unseal(sealing.seal_words("I am Maria Example")) == "I am [name]"
    stored_words("plain")
    assert unseal(sealing.seal_words("I am Maria Example")) == "I am Maria Example"
    stored_words("encrypted", KEY)
    assert "Maria" not in sealing.seal_words("I am Maria Example")


def test_the_command_prints_a_key(stored_words):
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "infusion_guide.storage.sealing"], cwd=ROOT, capture_output=True, text=True
    )
    key = printed.stdout.strip()
    stored_words("encrypted", key)
    assert unseal(seal(EVENT)) == EVENT
