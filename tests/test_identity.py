"""Only ids that we issued open a conversation, and only on their own channel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from infusion_guide.clinic import identity


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setattr(identity, "secret", lambda: b"k" * 32)


def test_a_ticket_opens_its_conversation_on_its_channel_only():
    ticket = identity.issue("web")
    assert identity.conversation_of("web", ticket) == f"web:{ticket.split('.')[0]}"
    assert identity.issue("web") != ticket
    with pytest.raises(identity.NotIssued):
        identity.conversation_of("rest", ticket)


def test_a_ticket_ends_and_a_fresh_one_opens_the_same_conversation(monkeypatch):
    ticket = identity.issue("web")
    conversation = identity.conversation_of("web", ticket)
    hours, now = identity.settings().session_hours, TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + hours * 3600 - 10)
    renewed = identity.issue("web", identity.conversation_of("web", ticket))
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + hours * 3600 + 10)
    assert identity.conversation_of("web", renewed) == conversation
    with pytest.raises(identity.NotIssued, match="expired"):
        identity.conversation_of("web", ticket)


def test_another_key_opens_nothing(monkeypatch):
    ticket = identity.issue("web")
    monkeypatch.setattr(identity, "secret", lambda: b"x" * 32)
    with pytest.raises(identity.NotIssued):
        identity.conversation_of("web", ticket)


@given(st.one_of(st.text(max_size=300), st.none(), st.integers(), st.lists(st.text())))
def test_nothing_else_opens_anything(value):
    with pytest.raises(identity.NotIssued):
        identity.conversation_of("web", value)


@given(st.integers(0, 60), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_ticket_opens_nothing(place, character):
    ticket = identity.issue("web")
    changed = ticket[: place % len(ticket)] + character + ticket[place % len(ticket) + 1 :]
    if changed != ticket:
        with pytest.raises(identity.NotIssued):
            identity.conversation_of("web", changed)


def test_a_phone_number_is_not_its_conversations_id():
    conversation = identity.conversation_with("sms", "+15555550123")
    assert conversation.startswith("sms:")
    assert "15555550123" not in conversation
    assert (
        conversation
        == identity.conversation_with("sms", "+15555550123")
        != identity.conversation_with("whatsapp", "+15555550123")
    )


def test_the_kept_key_is_made_once_and_private(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(identity, "_KEPT", tmp_path / "key")
    monkeypatch.setattr(identity, "settings", lambda: type("S", (), {"secret_key": ""})())
    identity.secret.cache_clear()
    try:
        first = identity.secret()
        identity.secret.cache_clear()
        assert identity.secret() == first and len(first) == 64
        assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    finally:
        identity.secret.cache_clear()


OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def secret_key(monkeypatch):
    """Sets SECRET_KEY."""

    def choose(written):
        monkeypatch.undo()
        monkeypatch.setattr(identity, "settings", lambda: type("S", (), {"secret_key": written, "session_hours": 24})())
        identity.secret.cache_clear()

    yield choose
    identity.secret.cache_clear()


def test_attack_14_a_new_secret_key_before_the_old_one_finds_messaging_conversations(secret_key):
    secret_key(OLD)
    before, ticket = identity.conversation_with("sms", "+15555550123"), identity.issue("web")
    secret_key(f"{NEW} {OLD}")
    assert identity.secret() == NEW.encode() and identity.conversation_with("sms", "+15555550123") == before
    with pytest.raises(identity.NotIssued):  # the former key may have leaked
        identity.conversation_of("web", ticket)
    secret_key(NEW)  # and without it
    assert identity.conversation_with("sms", "+15555550123") != before


def test_a_former_key_that_was_put_back_late_still_finds_both(secret_key):
    secret_key(OLD)
    first = identity.conversation_with("sms", "+15555550123")
    secret_key(NEW)
    second = identity.conversation_with("sms", "+15555550123")
    secret_key(f"{NEW} {OLD}")
    assert set(identity.conversations_with("sms", "+15555550123")) == {first, second}


def test_a_sentence_is_one_key(secret_key):
    sentence = "the quick brown fox jumps over the lazy dog"
    secret_key(sentence)
    assert identity.keys() == (sentence.encode(),) and identity.secret() == sentence.encode()
