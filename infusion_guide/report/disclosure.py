"""Counts below five are shown as "<5", and no reader can work them out from the rest.

A hidden number is worth little when a total and all other numbers beside it are shown: a subtraction finds it. So this is
complementary suppression with an audit (Hundepool et al., Handbook on Statistical Disclosure Control, 2nd edition, 2024,
chapters 4 and 5): we compute what a reader can conclude about every number from everything that is shown, and as long as
that leaves a single value for a number from 1 to 4, another number of the same table is shown less exactly, the smallest
one first: "about 40" (rounded to the nearest five), "<10", or more coarsely where that is not enough. Rounding instead of
hiding it, because a rounded number still tells a clinic something.

A true zero says nothing of a person and stays "0". The audit is exact for totals whose parts have parts of their own (a
tree), which is how figures.py builds every report: no two tables share a total in any other way. What it cannot know is
another report: two whose dates differ by one day can be subtracted from each other, and the page says so.
"""

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

SMALL = 5  # counts below are hidden

# How coarsely a number may be shown, step by step; at the last one nothing is known of it.
_WIDTHS = (1, 5, 10, 50, 100, 1000, 10**9)
_FEW = 10  # numbers below are not rounded but shown as "<10"

Parts = Dict[str, "Count"]
Range = Tuple[int, int]  # least and greatest possible value


@dataclass(eq=False)
class Count:
    """How often something happened, and how often in each of its `breakdowns`: the parts of each add up to `number`.

    Counts that hang together must have gone through `protect`, or `reveal`, as one tree before `text` or `size` is shown.
    """

    number: int
    breakdowns: Dict[str, Parts] = field(default_factory=dict)
    step: int = 0  # of _WIDTHS
    exact: bool = False  # for readers who may see every number (`reveal`)

    @classmethod
    def of(cls, **breakdowns: Parts) -> "Count":
        """The count whose parts are given, by the name of the breakdown; the sums of all breakdowns must be the same.

        Raises:
            ValueError: they are not.
        """
        sums = {sum(part.number for part in parts.values()) for parts in breakdowns.values()}
        if len(sums) != 1:
            raise ValueError(f"The breakdowns {', '.join(breakdowns)} add up to different numbers.")
        return cls(sums.pop(), breakdowns)

    @property
    def shown(self) -> Range:
        """What the text says about the number."""
        width = _WIDTHS[self.step]
        if self.exact or self.number == 0 or (width == 1 and self.number >= SMALL):
            return self.number, self.number
        if width == 1:
            return 1, SMALL - 1
        if self.number < max(width, _FEW):
            return 0, max(width, _FEW) - 1
        return self._rounded - width // 2, self._rounded - width // 2 + width - 1

    @property
    def text(self) -> str:
        """What a reader reads: 412, <5, <10, about 40."""
        low, high = self.shown
        if low == high:
            return f"{self.number:,}"
        if high >= _WIDTHS[-1] - 1:
            return "not shown"
        if low <= 1:
            return f"<{high + 1:,}"
        return f"about {self._rounded:,}"

    @property
    def size(self) -> float:
        """What is drawn or divided: the same for all numbers that are shown by the same text."""
        low, high = self.shown
        if low == high:
            return float(low)
        if high >= _WIDTHS[-1] - 1:
            return 0.0
        return (low + high) / 2 if low <= 1 else float(self._rounded)

    @property
    def hidden(self) -> bool:
        """Whether the text gives no more than an upper bound."""
        low, high = self.shown
        return low <= 1 and low != high

    @property
    def _rounded(self) -> int:
        width = _WIDTHS[self.step]
        return (self.number + width // 2) // width * width

    def __iter__(self) -> Iterator["Count"]:
        """This count and all below it, from the top."""
        yield self
        for parts in self.breakdowns.values():
            for part in parts.values():
                yield from part


def share(part: Count, whole: Count) -> str:
    """`part` of `whole` in percent of what is shown, for example 78%; empty where that would rest on fewer than five."""
    if part.hidden or whole.hidden or whole.size < SMALL:
        return ""
    return f"{min(100, round(100 * part.size / whole.size))}%"


def reveal(*wholes: Count) -> None:
    """Shows every number of each tree as it is: to staff behind the sign-in, never in what leaves these pages."""
    for whole in wholes:
        for count in whole:
            count.exact = True


def protect(*wholes: Count) -> None:
    """Shows numbers of each tree less exactly until nothing in it gives away a number from 1 to 4."""
    for whole in wholes:
        while cause := _cause(whole):
            _blur_one(cause)


def known(whole: Count) -> Dict[Count, Range]:
    """What a reader can conclude about every number of the tree from all that is shown of it.

    Up the tree, a sum lies between the sums of its parts' bounds; down the tree, a part is what the sum leaves for it.
    """
    ranges = _from_below(whole)
    for count in whole:
        low, high = ranges[count]
        for parts in count.breakdowns.values():
            lows, highs = _sums(parts, ranges)
            left = {part: (low - highs + ranges[part][1], high - lows + ranges[part][0]) for part in parts.values()}
            ranges.update({part: _both(ranges[part], bounds) for part, bounds in left.items()})
    return ranges


def _from_below(whole: Count) -> Dict[Count, Range]:
    """What a reader can conclude about every number from what is shown of itself and below it."""
    ranges = {count: count.shown for count in whole}
    for count in reversed(list(whole)):
        for parts in count.breakdowns.values():
            ranges[count] = _both(ranges[count], _sums(parts, ranges))
    return ranges


def _cause(whole: Count) -> Optional[Parts]:
    """Parts that give a number from 1 to 4 away: its own, lowest first, or else those beside it, highest first."""
    ranges = _from_below(whole)
    for count in reversed(list(whole)):
        if _given_away(ranges[count]):
            return next(parts for parts in count.breakdowns.values() if ranges[count][0] in _sums(parts, ranges))
    ranges = known(whole)
    beside = (parts for count in whole for parts in count.breakdowns.values())
    return next((parts for parts in beside if any(_given_away(ranges[part]) for part in parts.values())), None)


def _given_away(known_range: Range) -> bool:
    low, high = known_range
    return low == high and 0 < low < SMALL


def _sums(parts: Parts, ranges: Dict[Count, Range]) -> Range:
    return sum(ranges[part][0] for part in parts.values()), sum(ranges[part][1] for part in parts.values())


def _both(one: Range, other: Range) -> Range:
    return max(one[0], other[0]), min(one[1], other[1])


def _blur_one(parts: Parts) -> None:
    """Shows one of `parts` less exactly: not a hidden one if possible, not one twice if possible, the smallest."""
    able: List[Count] = [part for part in parts.values() if part.number and part.step < len(_WIDTHS) - 1]
    if not able:
        return
    chosen = min(able, key=lambda part: (part.number < SMALL, part.step, part.number))
    chosen.step += 1
    for own in chosen.breakdowns.values():  # they would give it away again
        _blur_one(own)
