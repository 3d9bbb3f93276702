"""Joined questions are taken apart, one question is left whole."""

import pytest
import spacy

from infusion_guide.nlu.question_splitter import MAX_PARTS, split

NLP = spacy.blank("en")
NLP.add_pipe("sentencizer")


@pytest.mark.parametrize(
    "text, parts",
    [
        ("how much is it and does it hurt", ["how much is it", "does it hurt"]),
        ("What is it? And is it safe?", ["What is it?", "And is it safe?"]),
        ("does it help with anxiety and depression", []),
        ("is it safe", []),
        ("", []),
    ],
)
def test_split(text, parts):
    assert split(NLP(text)) == parts


def test_long_stories_keep_their_end():
    parts = split(NLP("I was ill. " * 20 + "Is it for me?"))
    assert len(parts) == MAX_PARTS and parts[-1] == "Is it for me?"
