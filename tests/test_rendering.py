"""Answers on messaging platforms: every reply of the assistant within every platform's limits, never a payload in sight."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.channels.rendering import Bubble, Limits, bubbles, chosen
from infusion_guide.replies.book import button_title
from infusion_guide.replies.reply import Button, Reply
from tests.rooms import responses

SMALL = Limits(text=200, buttons=3, title=12)


def reply(text="Which one?", *titles):
    return Reply("", text, tuple(Button(title, f"/faq/{title.lower()}") for title in titles))


def test_what_fits_is_a_button_and_the_rest_a_list():
    (found,) = bubbles([reply("Which one?", "Price", "Side effects of it", "Safety", "PTSD", "Anxiety")], SMALL)
    assert [button.title for button in found.buttons] == ["Price", "Safety", "PTSD"]
    assert found.text.endswith("Or answer with a number:\n1. Side effects of it\n2. Anxiety")


def test_without_buttons_everything_is_a_list():
    (found,) = bubbles([reply("Which one?", "Price", "Safety")], Limits(1600))
    assert not found.buttons and found.text.endswith("1. Price\n2. Safety")


def test_buttons_stand_below_the_last_message():
    found = bubbles([reply("One."), reply("Two.", "Price")], SMALL)
    assert found == [Bubble("One."), Bubble("Two.", (Button("Price", "/faq/price"),))]


@pytest.mark.parametrize(
    "words, meant",
    [
        ("1", "/faq/long title here"),
        ("2.", "/faq/anxiety attack"),
        ("3", None),
        ("0", None),
        ("price", "/faq/price"),
        ("PRICE?", "/faq/price"),
        (" Anxiety attack ", "/faq/anxiety attack"),
        ("what is the price", None),
        ("", None),
    ],
)
def test_a_number_or_the_words_choose(words, meant):
    assert chosen(words, [reply("?", "Price", "Long title here", "Anxiety attack")], SMALL) == meant


@given(st.text(min_size=1, max_size=2000), st.integers(20, 300))
def test_long_texts_are_cut_and_nothing_is_lost(text, longest):
    found = bubbles([reply(text)], Limits(longest))
    assert all(0 < len(bubble.text) <= longest for bubble in found)
    assert re.sub(r"\s", "", "".join(bubble.text for bubble in found)) == re.sub(r"\s", "", text)


def test_texts_are_cut_between_lines_then_sentences():
    lines = "A first line that is here.\nA second line. With two sentences in it."
    assert [b.text for b in bubbles([reply(lines)], Limits(30))] == [
        "A first line that is here.",
        "A second line.",
        "With two sentences in it.",
    ]


def test_every_button_of_ours_has_words():
    for variations in responses().values():
        for variation in variations:
            for label in variation["metadata"].get("next", []):
                assert not button_title(f"/{label}").startswith("/"), label
