"""What waits for a decision, as staff look at it: grouped, redacted, and what reads like danger apart."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from infusion_guide.replies.topic import Topic
from infusion_guide.storage.misses import Miss, opened
from infusion_guide.storage.taught import same
from infusion_guide.teaching.groups import Sorter, digest

_one_at_a_time = threading.Lock()
_MOST_KNOWN = 2000  # wordings
_known: Dict[bytes, str] = {}  # redacted, by the digest of the words


@dataclass(frozen=True)
class Group:
    """Missed questions that say the same, newest first."""

    misses: List[Miss]

    @property
    def id(self) -> int:
        """The newest row's id: the group's name as long as nothing new comes."""
        return self.misses[0].id

    @property
    def ids(self) -> List[int]:
        """Ids of all rows."""
        return [miss.id for miss in self.misses]

    @property
    def reasons(self) -> Dict[str, int]:
        """How many of each reason, the most frequent first."""
        return dict(Counter(miss.reason for miss in self.misses).most_common())

    @property
    def said(self) -> str:
        """The reply that most of them got (utter_...)."""
        return Counter(miss.said for miss in self.misses).most_common(1)[0][0]

    @property
    def guess(self) -> Optional[str]:
        """What most of them were taken for (uncovered/cost), if that is known."""
        known = Counter(miss.label for miss in self.misses if miss.label)
        return known.most_common(1)[0][0] if known else None

    def wordings(self, most: int) -> List[str]:
        """At most so many different wordings, redacted, the most frequent first. Takes milliseconds each: in a thread."""
        often = Counter(same(miss.words) or miss.words for miss in self.misses)
        first = {same(miss.words) or miss.words: miss.words for miss in reversed(self.misses)}
        return list(dict.fromkeys(redacted(first[key]) for key, _ in often.most_common(most)))


@dataclass(frozen=True)
class Sorted:
    """The desk: `groups` by size, `dangerous` newest first, and how many rows cannot be read."""

    groups: List[Group]
    dangerous: List[Miss]
    unreadable: int


class Desk:
    """Sorts rows; keeps what is costly to work out. One for a process."""

    def __init__(self) -> None:
        self.sorter = Sorter()
        self._wording: Dict[bytes, bool] = {}  # whether it is the guard's

    def sort(self, stored: Sequence[Miss]) -> Sorted:
        """What `misses.undecided` found, sorted: two seconds for the first, 5 ms for each new one. In a thread."""
        misses, unreadable = opened(stored)
        known = self._wording
        self._wording = {key: known[key] if key in known else warns(words) for key, words in _wordings(misses)}
        dangerous = [miss for miss in misses if self._wording[digest(miss.words)] or _taken_for_danger(miss)]
        apart = {miss.id for miss in dangerous}
        ordinary = [miss for miss in misses if miss.id not in apart]
        groups = self.sorter.groups([miss.words for miss in ordinary])
        return Sorted([Group([ordinary[position] for position in group]) for group in groups], dangerous, unreadable)


def _wordings(misses: Sequence[Miss]) -> Iterator[Tuple[bytes, str]]:
    return iter({digest(miss.words): miss.words for miss in misses}.items())


def warns(words: str) -> bool:
    """Whether the guard's patterns (data/safety/) find anything. The first time takes two seconds: in a thread."""
    from infusion_guide.replies.first_aid import crisis_reply  # spaCy, only for who opens the page

    return crisis_reply(words) is not None


def _taken_for_danger(miss: Miss) -> bool:
    """Whether the classifier's best guess, which the guard alone may act on, or the reply that was given says danger."""
    return "crisis" in (Topic.of(miss.label or "").kind, Topic.of(miss.said).kind)


def redacted(words: str) -> str:
    """`words` without what tells who wrote them. The first time takes two seconds: in a thread."""
    from infusion_guide.text.redaction import redact  # spaCy's names: 90 MB, only for who opens the page

    key = digest(words)  # not the words: what is remembered here outlives their erasure
    with _one_at_a_time:
        if key not in _known:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[key] = redact(words)
        return _known[key]
