"""What the id of a source means: a claim of the clinic's document, facts of an authority, or the clinic's own words."""

from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from infusion_guide.replies.book import line
from infusion_guide.replies.ledger import Claim, authorities, claims, sections

# Kinds of sources. The clinic's own words have this very id, too.
CLINIC, DOCUMENT, AUTHORITY = "clinic", "document", "authority"

_LABELS = {CLINIC: "utter_clinic_source", DOCUMENT: "utter_document_source", AUTHORITY: "utter_authority_source"}


@dataclass(frozen=True)
class Source:
    """What a reply rests on: `name` is the section's short name or the authority's; the clinic itself has neither."""

    kind: str
    name: str = ""
    claims: Tuple[Claim, ...] = ()

    @property
    def label(self) -> str:
        """What a patient reads of it at first, in English."""
        return self.said_in("en")

    def said_in(self, language: str) -> str:
        """What a patient reads of it at first."""
        return line(_LABELS[self.kind], {"section": self.name, "authority": self.name}, language=language).rstrip(".")

    @property
    def where(self) -> str:
        """What staff call it."""
        return {CLINIC: "The clinic itself", DOCUMENT: f"The clinic's document: {self.name}"}.get(self.kind, self.name)


def sources(ids: Iterable[str]) -> List[Source]:
    """What `ids` mean, in their order; one that nothing is known of any more is left out."""
    return [found for found in map(_source, ids) if found]


def _source(known: str) -> Optional[Source]:
    if known == CLINIC:
        return Source(CLINIC)
    if known in claims():
        return Source(DOCUMENT, sections()[claims()[known].section], (claims()[known],))
    if known in authorities():
        said = authorities()[known]
        return Source(AUTHORITY, said.name, tuple(Claim(known, "", fact, "None needed.", "plainly") for fact in said.facts))
    return None


def described(ids: Iterable[str]) -> List[Source]:
    """What `ids` mean, for a list: claims of one section, and facts of one authority, stand together."""
    found: Dict[Tuple[str, str], Source] = {}
    for source in sources(ids):
        before = found.get((source.kind, source.name))
        found[source.kind, source.name] = replace(source, claims=before.claims + source.claims) if before else source
    return list(found.values())


def without_source_line(text: str, shown: Sequence[Source]) -> str:
    """A reply's `text` without the line that names the document's section, for where its sources are `shown`."""
    labels = {source.said_in(language) for source in shown for language in ("en", "es")}
    return "\n".join(line for line in text.split("\n") if line.rstrip(".") not in labels)
