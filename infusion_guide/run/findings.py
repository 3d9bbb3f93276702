"""What a check of the doctor found."""

from dataclasses import dataclass

OK, NOTE, FIX = "OK", "NOTE", "FIX"
SKEW = 5.0  # seconds between two clocks that are the same to us


@dataclass(frozen=True)
class Finding:
    """What a check found: `status` OK, NOTE or FIX, and plain words."""

    status: str
    words: str
