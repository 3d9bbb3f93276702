"""Choices and orders that look drawn at random, and follow from each text alone."""

import hashlib


def number_of(text: str) -> int:
    """The same number for the same text, whatever else there is: to sort by, or to choose one of many."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
