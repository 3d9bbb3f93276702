"""Keywords for the floor of the comparison, taken from the shortest training sentences."""

import re
from functools import lru_cache
from typing import Any, Dict, Set

from infusion_guide.clinic.data import DATA, read_yaml

# Rasa searches each message for every keyword with `re`, whose cache holds 512 patterns: beyond, each is compiled anew
# for each message. All of data/nlu as keywords would not even train (":(" is no pattern).
A_KIND = 30
_PLAIN = re.compile(r"[a-z]+( [a-z]+)?")


@lru_cache(maxsize=1)
def keyword_examples() -> Dict[str, Any]:
    """Rasa training data: for each kind at most A_KIND keywords of one or two words that belong to no other kind."""
    short: Dict[str, Set[str]] = {}
    for path in sorted((DATA / "nlu").glob("**/*.yml")):
        for entry in read_yaml(path)["nlu"]:
            sentences = [line.strip()[2:].lower() for line in entry["examples"].splitlines()]
            short.setdefault(entry["intent"].split("/")[0], set()).update(s for s in sentences if _PLAIN.fullmatch(s))
    clear = {
        kind: sorted((k for k in keywords if _only_in(k, kind, short)), key=lambda k: (len(k), k))[:A_KIND]
        for kind, keywords in short.items()
    }
    blocks = [{"intent": kind, "examples": "".join(f"- {k}\n" for k in found)} for kind, found in clear.items() if found]
    return {"version": "3.1", "nlu": blocks}


def _only_in(keyword: str, kind: str, short: Dict[str, Set[str]]) -> bool:
    """Whether no sentence of another kind holds `keyword` as whole words: Rasa stops at two such (KeyError)."""
    return not any(f" {keyword} " in f" {other} " for name, others in short.items() if name != kind for other in others)
