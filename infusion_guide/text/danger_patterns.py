"""The wording that the safety guard must never miss (data/safety/), compiled; free of Rasa, so that every process can look."""

import itertools
from typing import Any, Dict, List, Optional

from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc

from infusion_guide.text.wording import ALARM, CHECK_IN, HARMLESS, REASSURED, Wording


def _alternatives(notation: str) -> List[Dict[str, Any]]:
    """One word of the notation as the spaCy token specs it may stand for (see data/safety/patterns.yml)."""
    if notation == "...":
        return [{"IS_SPACE": False, "OP": "?"}] * 3
    optional = notation.endswith("?") and len(notation) > 1
    names = [name.rstrip("?") for name in notation.split("|")]
    fuzzy = [name[1:] for name in names if name.startswith("~")]
    plain = [name for name in names if not name.startswith("~")]
    spec: Dict[str, Any] = {"LOWER": {"FUZZY": {"IN": fuzzy}}} if fuzzy else {"LOWER": {"IN": plain}}
    if len(plain) == 1 and not fuzzy:
        spec = {"LOWER": plain[0]}  # the same, compared by the matcher itself instead of by a call for each token
    if optional:
        spec["OP"] = "?"
    return [spec]


class Patterns:
    """The wording of data/safety/patterns.yml, compiled to spaCy matchers.

    The matchers read a plain word split (white space and punctuation, contractions kept whole), because patients
    leave out apostrophes and blanks where a trained tokenizer expects them.
    """

    def __init__(self, nlp: Language, wording: Dict[str, Any]) -> None:
        self._nlp = nlp
        self._matcher = Matcher(nlp.vocab)
        for level in (ALARM, CHECK_IN):
            for topic, lines in wording[level].items():
                self._matcher.add(f"{level} {topic}", [self._compile(line) for line in lines])
        for level in (HARMLESS, REASSURED):
            self._matcher.add(f"{level} -", [self._compile(line) for line in wording[level]])

    @staticmethod
    def _compile(line: str) -> List[Dict[str, Any]]:
        return list(itertools.chain.from_iterable(_alternatives(word) for word in line.split()))

    def find(self, text: str) -> Optional[Wording]:
        """The strongest wording in `text`, or None; harmless wording outranks all."""
        words = "".join(c if c.isalnum() or c in "'-" else " " for c in text).split()
        if not words:
            return None
        found = {self._nlp.vocab.strings[match[0]] for match in self._matcher(Doc(self._nlp.vocab, words=words))}
        for level in (HARMLESS, ALARM, REASSURED, CHECK_IN):
            for name in sorted(found):
                if name.startswith(level + " "):
                    return Wording(level, name.split(" ", 1)[1])
        return None
