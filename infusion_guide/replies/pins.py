"""In a crisis is said what a clinician signed, word for word: data/safety/pinned_replies.yml. Nothing else is served.

`python -m infusion_guide.replies.pins` (`make pin`) writes that file anew, after a clinician signed changed words.
"""

from typing import Dict, List

import yaml

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import Settings
from infusion_guide.replies.book import names, variations
from infusion_guide.replies.topic import Topic

FILE = DATA / "safety" / "pinned_replies.yml"
_HEADER = "# Emergency wording, word for word. A change here needs a clinician's signature; then `make pin` writes it.\n"

Words = Dict[str, Dict[str, List[str]]]  # by language, by the reply's name: its wordings in the order in which they are said


def pinned() -> Words:
    """The words that were signed, with the numbers of the United States in them."""
    found: Words = read_yaml(FILE)
    return found


def written() -> Words:
    """The words that data/responses/crisis/ holds, in the same form."""
    found: Words = {}
    for name in names():
        for variation in variations(name) if Topic.of(name).kind == "crisis" else ():
            wordings = found.setdefault(variation.language, {}).setdefault(name, [])
            wordings.append(variation.text.strip().format(**Settings().words()))
    return found


def changed() -> str:
    """A sentence that names the first reply whose words are not the signed ones; "" when all are."""
    now, signed = written(), pinned()
    for language in sorted({*now, *signed}):
        said, meant = now.get(language, {}), signed.get(language, {})
        for name in sorted({*said, *meant}):
            if said.get(name) != meant.get(name):
                return (
                    f"The words of {name} ({language}, data/responses/crisis/) are not those that were signed "
                    "(data/safety/pinned_replies.yml): take the change back, or let a clinician sign it and run `make pin`."
                )
    return ""


if __name__ == "__main__":
    FILE.write_text(_HEADER + yaml.safe_dump(written(), allow_unicode=True, width=10**6), encoding="utf-8")
    print("Pinned. `git diff data/safety/pinned_replies.yml` shows what a clinician has to have signed.")
