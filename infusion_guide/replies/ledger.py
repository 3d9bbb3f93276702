"""The ledger: what may be said and who says it, claims of the clinic's document and facts of public authorities."""

from dataclasses import dataclass
from functools import cache
from typing import Dict, Iterable, Tuple

from infusion_guide.clinic.data import DATA, read_yaml


@dataclass(frozen=True)
class Claim:
    """One thing that may be said, or must `never`; the head of data/document.yml says what its fields mean."""

    id: str
    section: str
    claim: str
    qualification: str
    say: str
    waits: bool = False
    claim_es: str = ""
    qualification_es: str = ""

    def words_in(self, language: str) -> str:
        """What a patient may read of it in `language`; in English what has no other words."""
        if language != "es" or not self.claim_es:
            return self.words
        return f"{self.claim_es} {self.qualification_es}" if self.say == "qualified" else self.claim_es

    @property
    def words(self) -> str:
        """What a patient may read of it: the claim, and what must be said with it."""
        return f"{self.claim} {self.qualification}" if self.say == "qualified" else self.claim

    @property
    def caution(self) -> str:
        """What a careful clinician adds, "" for nothing; patients read it with a `qualified` claim."""
        return "" if self.qualification.startswith("None needed") else self.qualification


@dataclass(frozen=True)
class Authority:
    """A public authority with the facts that replies may state; patients read its `name`."""

    id: str
    name: str
    facts: Tuple[str, ...]
    source: str
    name_es: str = ""
    facts_es: Tuple[str, ...] = ()


@cache
def claims() -> Dict[str, Claim]:
    """Claims of the clinic's document (data/document.yml) by id."""
    return {claim["id"]: Claim(**claim) for claim in read_yaml(DATA / "document.yml")["claims"]}


@cache
def authorities() -> Dict[str, Authority]:
    """Public authorities (data/authorities.yml) by id."""
    found = read_yaml(DATA / "authorities.yml")["authorities"]
    return {
        entry["id"]: Authority(**{**entry, "facts": tuple(entry["facts"]), "facts_es": tuple(entry["facts_es"])})
        for entry in found
    }


@cache
def sections(language: str = "en") -> Dict[str, str]:
    """Short names of the document's sections, which patients read, by heading."""
    found: Dict[str, str] = read_yaml(DATA / "document.yml")["sections_es" if language == "es" else "sections"]
    return found


def must_wait(sources: Iterable[str]) -> bool:
    """Whether one of `sources` is a claim that is not said to a person who was in danger a moment ago."""
    return any(source in claims() and claims()[source].waits for source in sources)
