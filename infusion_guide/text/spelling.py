"""Reads letters back into words where people hide, squeeze or space them: the one normaliser before anything is understood."""

import html
import re
from collections import defaultdict
from typing import Container, Dict, List, Mapping, Optional

# What an emoji says where it says something about danger; all others stay as they are.
_EMOJI = {
    "\N{PISTOL}": "gun", "\N{PILL}": "pills", "\N{HOCHO}": "knife", "\N{COFFIN}": "coffin", "\N{HEADSTONE}": "grave",
    "\N{SYRINGE}": "needle", "\N{DROP OF BLOOD}": "blood", "\N{RAZOR}": "razor", "\N{BOMB}": "bomb", "\N{AMBULANCE}": "ambulance",
}  # fmt: skip
_LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "$": "s", "!": "i", "@": "a", "*": ""})
_DISGUISED = re.compile(r"[a-z]*[01345$7!@*][a-z01345$7!@*']*[a-z]|[a-z]+[0345$7@]+", re.IGNORECASE)
_NUMBERED = re.compile(r"\d+[a-z]|[a-z]\d+", re.IGNORECASE)  # 3x, b12: an amount or a name
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .*_-]{1,2}){2,}[^\W\d_](?![^\W_])")
_SPOKEN = re.compile(
    r"\b(?:um+|(?<!uh )(?<!uh-)uh+(?![ -]h?uh)|question mark|exclamation (?:mark|point)|full stop|new (?:line|paragraph))\b", re.I
)
_SPOKEN_STOP = re.compile(r"(?<=\w) (?:period|comma)(?= )", re.IGNORECASE)
_STRETCHED = re.compile(r"\b(?![ivx]+\b)[^\W\d_]*?([^\W\d_])\1{2,}[^\W\d_]*", re.IGNORECASE)  # schedule III is no stretched word
_RUN = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_MEANT = 20  # times that a word must stand in the sentences for a slip to be read as it: "stubbing" is no "stabbing"
_MISSPELT = 4  # letters from which an unknown word may be a known one with a slip
_UNDERSTOOD = 0.4  # share of known words from which a text is in a language that is known here
_SQUEEZED = 9  # letters from which an unknown word may be several that lost their blanks
_AFTER_I = frozenset("want wanna need am cant can will just feel hate have dont do took take think wish should could".split())  # noqa: SIM905
_OF_ONESELF = frozenset(["me", "my", "myself"])
_COMMON = 9  # times that a word stands at least among the training sentences where it is looked for inside another
_NEVER_LAST = frozenset(["a", "i", "my", "the"])
_SHORT_WORDS = frozenset("a i im me my to so no is it in on of up do we he be am go u ur".split())  # noqa: SIM905


def _shorter(word: str) -> List[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


def _one_slip(written: str, meant: str) -> bool:
    """Whether one letter too many, too few or wrong, or two neighbours swapped, lie between the words; the first letter holds."""
    if written[0] != meant[0] or written == meant:
        return False
    if abs(len(written) - len(meant)) == 1:
        return True  # they share what is left without one letter
    if len(written) != len(meant):
        return False
    differ = [i for i in range(len(written)) if written[i] != meant[i]]
    swapped = len(differ) == 2 and differ[1] == differ[0] + 1 and written[differ[0]] == meant[differ[1]]
    return len(differ) == 1 or (swapped and written[differ[1]] == meant[differ[0]])


class Speller:
    """Plain spelling, by the words that were ever learned.

    `words`: how often each known word, in small letters, stands in the training sentences; `others`: words that exist besides.
    Whatever does not become known words stays as it was written: names, numbers and medicines ("b12", "20mg", "5-HT") are left
    alone, and so is a text of which most words are unknown: it is in another language.
    """

    def __init__(self, words: Mapping[str, int], others: Container[str] = ()) -> None:
        self._words, self._others = words, others
        self._longest = max(map(len, words), default=0)
        self._near: Dict[str, List[str]] = defaultdict(list)  # words that may be meant, less one letter
        for word in words:
            if words[word] >= _MEANT and len(word) >= _MISSPELT and word.isalpha():
                for left in {word, *_shorter(word)}:
                    self._near[left].append(word)

    def plain(self, text: str) -> str:
        """`text` with entities and telling emoji as words, spaced and disguised letters joined, lost blanks put back.

        >>> Speller({"want": 9, "to": 9, "suicidal": 2}).plain("i w4nt t0, s u i c i d a l")
        'i want to, suicidal'
        """
        written, text = text, html.unescape(text)
        for emoji, word in _EMOJI.items():
            text = text.replace(emoji + "\N{VARIATION SELECTOR-16}", emoji).replace(emoji, f" {word} ")
        text = _STRETCHED.sub(self._unstretched, text)
        text = _SPACED.sub(self._joined, text)
        text = _DISGUISED.sub(self._undisguised, text)
        text = re.sub(r"(?<![\w.,/$-])1(?= [a-z])(?=(?: [a-z']+){2})", self._one, text)
        text = _SPOKEN_STOP.sub(".", _SPOKEN.sub(" ", text)) if _SPOKEN.search(text) else text
        text = re.sub(rf"[a-zA-Z']{{{_SQUEEZED},}}", self._spread, text)
        if self._mostly_known(text):
            text = re.sub(rf"(?<![\w'-])[a-z]{{{_MISSPELT},}}(?![\w'-])", self._corrected, text)  # others are names
        return re.sub(r"\s+", " ", text).strip() or written

    def _mostly_known(self, text: str) -> bool:
        words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())
        return sum(map(self._known, words)) >= _UNDERSTOOD * len(words)

    def _known(self, word: str) -> bool:
        return word in self._words

    def _unstretched(self, found: "re.Match[str]") -> str:
        twice, once = _RUN.sub(r"\1\1", found.group(0)), _RUN.sub(r"\1", found.group(0))
        return once if self._known(once.lower()) and not self._known(twice.lower()) else twice

    def _joined(self, found: "re.Match[str]") -> str:
        letters = re.sub(r"[^\w]|_", "", found.group(0))
        small = letters.lower()
        if self._known(small):
            return letters
        split = self._split(small)
        return " ".join(split) if split else found.group(0)

    def _undisguised(self, found: "re.Match[str]") -> str:
        word = found.group(0)
        if not re.search(r"[a-zA-Z]", word) or self._known(word.lower()) or (_NUMBERED.fullmatch(word) and word.lower() != "t0"):
            return word
        trailing = re.search(r"[!*]+$", word)
        core, rest = (word[: trailing.start()], trailing.group(0)) if trailing else (word, "")
        plain = core.translate(_LOOKALIKES).lower()
        for reading in (plain, core.translate(_LOOKALIKES | {ord("1"): "l", ord("!"): "l"}).lower()):
            if self._known(reading) and len(reading) > 1:
                return reading + rest
        return word

    @staticmethod
    def _one(found: "re.Match[str]") -> str:
        return "i" if found.string[found.start() + 2 :].replace("'", "").split()[0] in _AFTER_I else "1"

    def _spread(self, found: "re.Match[str]") -> str:
        word = found.group(0)
        if self._known(word.lower()) or word.lower() in self._others:
            return word
        split = self._split(word.lower(), _COMMON)
        # Long words and names fall into words, too ("park in son", "interact i on"); who lost the blanks speaks of themselves.
        if not split or len(split) < 3 or split[-1] in _NEVER_LAST:
            return word
        begins = (split[0] == "i" and split[1] in _AFTER_I) or (len(split) > 3 and split[0] in ("im", "ive"))
        begins = begins or (split[0] == "my" and len(split[1]) > 3)
        return " ".join(split) if begins or _OF_ONESELF.intersection(split[1:]) else word

    def _corrected(self, found: "re.Match[str]") -> str:
        """The commonest known word that is one letter, or two letters the other way round, from an unknown one; else itself."""
        word = found.group(0)
        if self._known(word) or word in self._others:
            return word
        near = {each for left in (word, *_shorter(word)) for each in self._near.get(left, ()) if _one_slip(word, each)}
        return max(sorted(near), key=lambda each: self._words[each], default=word)

    def _split(self, letters: str, least: int = 3) -> Optional[List[str]]:
        """The fewest known words that `letters` is made of, or None; of one or two letters only common ones."""
        best: List[Optional[List[str]]] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - self._longest), end):
                before, word = best[start], letters[start:end]
                if before is None or not (word in _SHORT_WORDS if len(word) < 3 else self._words.get(word, 0) >= least):
                    continue
                if best[end] is None or len(before) + 1 < len(best[end] or ()):
                    best[end] = [*before, word]
        return best[-1]
