"""Whether a reply may be said: with SERVE_UNSIGNED=false, an answer whose present words no clinician signed is not."""

from functools import cache
from typing import FrozenSet, Iterable, Tuple

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import review
from infusion_guide.replies.topic import Topic

INSTEAD = "utter_unsigned"  # said in the place of what nobody has signed

_signed: FrozenSet[Tuple[str, str]] = frozenset()


def use_signed(signatures: Iterable[Tuple[str, str]]) -> None:
    """From now on these are signed: names of replies with digests of their words (storage/clinic_answers.py keeps it fresh)."""
    global _signed
    _signed = frozenset(signatures)


def may_say(name: str, own: str) -> bool:
    """Whether the reply `name` may be said, with the clinic's `own` text in its place or "".

    Only answers wait for a signature: a person in danger is helped, greeted and led through a form in any case.
    """
    if settings().serve_unsigned or own or not Topic.of(name).is_answerable:
        return True
    return (name, _digest(name)) in _signed or review.is_signed_in_file(name)


@cache
def _digest(name: str) -> str:
    return review.digest(name, "")
