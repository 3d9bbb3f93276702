"""What the wording of data/safety/ that stands in a text says."""

from dataclasses import dataclass

# What a wording or a verdict says. HARMLESS and REASSURED are levels of wordings alone, QUIET is one of verdicts alone.
ALARM = "alarm"
CHECK_IN = "check_in"
QUIET = "quiet"
HARMLESS = "harmless"
REASSURED = "reassured"


@dataclass(frozen=True)
class Wording:
    """A wording of data/safety/ that stands in a text: its level, and its crisis topic ("-" where it has none)."""

    level: str
    topic: str
