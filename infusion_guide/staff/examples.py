"""Who is led to a reply: sentences that the assistant learned for it (data/nlu/), a few of them, far apart in their file."""

from functools import cache
from typing import Dict, List, Tuple

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.replies.topic import Topic

MOST = 5
_SPANISH = 2  # of them, where there are some


@cache
def led_here(name: str) -> Tuple[Tuple[str, str], ...]:
    """(language, sentence) of at most MOST sentences that lead to the reply `name`; none for what no sentence leads to."""
    found = _sentences(Topic.of(name).label)
    spanish = _spread(found.get("es", []), _SPANISH)
    english = _spread(found.get("en", []), MOST - len(spanish))
    return tuple([("en", each) for each in english] + [("es", each) for each in spanish])


def _sentences(label: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for path in (DATA / "nlu" / f"{label}.yml", DATA / "nlu" / "es" / f"{label}.yml"):
        for block in read_yaml(path)["nlu"] if path.exists() else []:
            if block.get("intent") == label:
                language = (block.get("metadata") or {}).get("language", "en")
                lines = (line.strip().removeprefix("- ").strip() for line in block["examples"].splitlines())
                found.setdefault(language, []).extend(line for line in lines if line)
    return found


def _spread(lines: List[str], count: int) -> List[str]:
    if len(lines) <= count:
        return lines
    return [lines[(2 * number + 1) * len(lines) // (2 * count)] for number in range(count)]
