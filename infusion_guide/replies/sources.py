"""Where an answer comes from, for a channel that can show it beside the answer."""

from typing import Any, Dict, List

from infusion_guide.replies.library import CLINIC, authorities, claim_words, claims, line, section_labels
from infusion_guide.replies.reply import Reply

Source = Dict[str, Any]  # "label": what to read at first; "claims": what the source says, maybe none


def described(reply: Reply) -> List[Source]:
    """The sources of one reply: the clinic's own answer, or sections and authorities.

    Claims of the ledger come with what must be said with them.
    """
    found: Dict[str, List[str]] = {}
    for source in reply.sources:
        if source == CLINIC:
            found[_label("utter_clinic_source")] = []
        elif source in claims():
            label = _label("utter_document_source", section=section_labels()[claims()[source]["section"]])
            found.setdefault(label, []).append(claim_words(source))
        elif source in authorities():
            label = _label("utter_authority_source", authority=authorities()[source]["name"])
            found.setdefault(label, []).extend(authorities()[source]["facts"])
    return [{"label": label, "claims": words} for label, words in found.items()]


def without_source_line(text: str, sources: List[Source]) -> str:
    """A reply's `text` without the line that names the document's section, for where its described `sources` are shown."""
    labels = {source["label"] for source in sources}
    return "\n".join(line for line in text.split("\n") if line.rstrip(".") not in labels)


def _label(name: str, **words: str) -> str:
    """The response `name` as a label: without its full stop."""
    return line(name, **words).rstrip(".")
