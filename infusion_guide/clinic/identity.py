"""Who a message belongs to: ids that we issued and can verify, one name space for each channel."""

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from typing import Any, Iterable, List, Optional, Set, Tuple

from itsdangerous import BadSignature, TimestampSigner

from infusion_guide.clinic.checks import SHORTEST_SECRET
from infusion_guide.clinic.settings import ROOT, settings

_KEPT = ROOT / ".secret_key"
_LONGEST = 200
_ended: Set[str] = set()  # digests of conversations that were erased; a few a day


class NotIssued(ValueError):
    """The id is not one of ours for this channel."""


@lru_cache(maxsize=1)
def secret() -> bytes:
    """SECRET_KEY, of several the first; outside production, without one, the key in .secret_key (made the first time)."""
    if settings().secret_key:
        return _given(settings().secret_key)[0]
    try:
        descriptor = os.open(_KEPT, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _KEPT.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    return _KEPT.read_bytes()


def keys() -> Tuple[bytes, ...]:
    """`secret` and after it the former keys. These sign nothing and open no ticket: one of them may have leaked."""
    return _given(settings().secret_key) or (secret(),)


def _given(written: str) -> Tuple[bytes, ...]:
    """The keys of SECRET_KEY. A sentence is one key, as it was before there could be several: its words are too short."""
    parts = written.split()
    whole = parts if all(len(part) >= SHORTEST_SECRET for part in parts) else [written]
    return tuple(part.encode() for part in whole)


def issue(channel: str, conversation: Optional[str] = None) -> str:
    """A ticket: what the visitor keeps and sends with each message, for example kX3...Q.aSJ0Zw.sQ2...

    Of a new conversation, or a fresh one of `conversation`; it opens the conversation for SESSION_HOURS.
    """
    name = conversation[len(channel) + 1 :] if conversation else secrets.token_urlsafe(18)
    return _signer(channel).sign(name).decode()


def conversation_of(channel: str, ticket: Any, erased_too: bool = False) -> str:
    """The conversation that `ticket` opens, for example web:kX3...Q; `erased_too`: or opened before it was erased.

    Raises:
        NotIssued: it was not issued by us for this channel, or more than SESSION_HOURS ago, or its conversation was erased.
    """
    if not isinstance(ticket, str) or len(ticket) > _LONGEST:
        raise NotIssued("This is not the id of a conversation.")
    try:
        name = _signer(channel).unsign(ticket.encode("utf-8", "replace"), max_age=settings().session_hours * 3600)
    except BadSignature:  # or SignatureExpired, its child
        raise NotIssued("This id was not issued here, or has expired.") from None
    conversation = f"{channel}:{name.decode()}"
    if not erased_too and digest(conversation) in _ended:
        raise NotIssued("The conversation of this id was erased.")
    return conversation


def digest(conversation: str) -> str:
    """The name under which it is remembered that a conversation was erased: SHA-256, hexadecimal."""
    return hashlib.sha256(conversation.encode()).hexdigest()


def end_all(digests: Iterable[str]) -> None:
    """From now on the tickets of these conversations open nothing in this process (storage/ended.py)."""
    _ended.update(digests)


def conversation_with(channel: str, address: str) -> str:
    """The conversation with the verified sender `address` of a messaging platform, for example sms:9f2c...

    A phone number is not stored as an id: the id is its keyed hash (HMAC-SHA-256, half of it), under the oldest of `keys`,
    so that conversations and opt-outs are found again after a change of SECRET_KEY.
    """
    return conversations_with(channel, address)[-1]


def conversations_with(channel: str, address: str) -> List[str]:
    """What `conversation_with` gives for each of `keys`: a former key may have been put back only later."""
    named = f"{channel} {address}".encode()
    return [f"{channel}:{hmac.new(key, named, hashlib.sha256).hexdigest()[:32]}" for key in keys()]


def _signer(channel: str) -> TimestampSigner:
    return TimestampSigner(secret(), salt=f"conversation {channel}", digest_method=hashlib.sha256)
