"""Whether somebody only tells something."""

import pytest

from infusion_guide.text.telling import begins_with_people, only_tells


@pytest.mark.parametrize(
    "text",
    ["my sister drove me here", "He kept me going.", "i work nights though", "Mi hija vive lejos", "Llevo un mes sin dormir"],
)
def test_told(text):
    assert only_tells(text)


@pytest.mark.parametrize(
    "text",
    [
        *("does it hurt", "my sister drove me, is that ok", "i work nights?", "my boss asks how long it takes", ""),
        *("i want a call", "the price", "mi hija puede venir", "yo quiero saber el precio", "12 34", "i need a visit"),
    ],
)
def test_asked_or_neither(text):
    assert not only_tells(text)


def test_who_begins():
    assert (
        begins_with_people("  My son, how is he") and not begins_with_people("the son of mine") and not begins_with_people("?!")
    )
