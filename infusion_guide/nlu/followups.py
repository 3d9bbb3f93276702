"""What people say after a reply, and the topic that answers it (data/followups/), as training examples. Free of Rasa."""

from pathlib import Path
from typing import Iterator, NamedTuple, Optional

from infusion_guide.clinic.data import DATA, read_yaml

FOLLOWUPS = DATA / "followups"
ANY = "any"  # `after` of a file whose messages may follow every reply


class FollowUp(NamedTuple):
    """`text` said after the reply on the topic `after` (None: after any) is answered by `label`."""

    text: str
    after: Optional[str]
    label: str


def followups(folder: Path = FOLLOWUPS) -> Iterator[FollowUp]:
    """Every example of the folder, in the order of its files."""
    for path in sorted(folder.glob("**/*.yml")):
        written = read_yaml(path)
        after = None if written["after"] == ANY else written["after"]
        for label, texts in written["said"].items():
            yield from (FollowUp(str(text), after, label) for text in texts)
