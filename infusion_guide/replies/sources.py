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
    language: str = "en"

    @property
    def label(self) -> str:
        """What a patient reads of it at first, in its language."""
        return self.said_in(self.language)

    def said_in(self, language: str) -> str:
        """What a patient reads of it at first."""
        name = sections(language)[self.claims[0].section] if self.kind == DOCUMENT and self.claims else self.name
        return line(_LABELS[self.kind], {"section": name, "authority": self.name}, language=language).rstrip(".")

    @property
    def told(self) -> Tuple[str, ...]:
        """What a patient may read of its claims."""
        return tuple(claim.words_in(self.language) for claim in self.claims)

    @property
    def where(self) -> str:
        """What staff call it."""
        return {CLINIC: "The clinic itself", DOCUMENT: f"The clinic's document: {self.name}"}.get(self.kind, self.name)


def sources(ids: Iterable[str], language: str = "en") -> List[Source]:
    """What `ids` mean, in their order, for a reader of `language`; one that nothing is known of any more is left out."""
    return [found for found in (_source(known, language) for known in ids) if found]


def _source(known: str, language: str) -> Optional[Source]:
    if known == CLINIC:
        return Source(CLINIC, language=language)
    if known in claims():
        return Source(DOCUMENT, sections(language)[claims()[known].section], (claims()[known],), language)
    if known in authorities():
        said = authorities()[known]
        facts = zip(said.facts, said.facts_es)
        told = tuple(Claim(known, "", fact, "None needed.", "plainly", claim_es=spanish) for fact, spanish in facts)
        return Source(AUTHORITY, said.name_es if language == "es" else said.name, told, language)
    return None


def described(ids: Iterable[str], language: str = "en") -> List[Source]:
    """What `ids` mean for a reader of `language`, for a list: what belongs to one section or authority stands together."""
    found: Dict[Tuple[str, str], Source] = {}
    for source in sources(ids, language):
        before = found.get((source.kind, source.name))
        found[source.kind, source.name] = replace(source, claims=before.claims + source.claims) if before else source
    return list(found.values())


def without_source_line(text: str, shown: Sequence[Source]) -> str:
    """A reply's `text` without the line that names the document's section, for where its sources are `shown`."""
    labels = {source.said_in(language) for source in shown for language in ("en", "es")}
    return "\n".join(line for line in text.split("\n") if line.rstrip(".") not in labels)
