"""How patients answer the call-back form is read as they mean it; sentences by authors who have not seen the wording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infusion_guide.callbacks import reading as form
from infusion_guide.callbacks.callback import new_reference
from infusion_guide.callbacks.contact import contact_in, shown
from infusion_guide.callbacks.fields import CHANGES, CONSENT, CONTACT, LONGEST, NAME, SEND, SLOTS, TIME, TOPIC
from infusion_guide.clinic.data import read_yaml
from infusion_guide.clinic.settings import ROOT

STEPS = {"consent": CONSENT, "name": NAME, "contact": CONTACT, "time": TIME, "topic": TOPIC, "summary": SEND}
GIVEN = {NAME: "Maria"}


def answers(author):
    return read_yaml(ROOT / "tests" / "callback" / f"{author}.yml")["answers"]


def read(step, text):
    """The reading of `text` in the authors' words."""
    found = form.reading(STEPS[step], text, "nlu_fallback", GIVEN)
    if found == form.WORDS:
        return "unusable" if step == "contact" and not contact_in(text) else "answer"
    return (found or "question").replace("change_", "")


def value(step, text):
    return contact_in(text).split(" ext.")[0] if step == "contact" else form.name_in(text)


@pytest.mark.parametrize("author, least", [("development", 0.98), ("heldout", 0.85), ("spanish", 0.95)])
def test_answers_are_read_as_they_are_meant(author, least):
    given_ = answers(author)
    wrong = [
        f"{a['step']}: {a['text']} ({read(a['step'], a['text'])})" for a in given_ if read(a["step"], a["text"]) != a["reading"]
    ]
    assert len(wrong) <= (1 - least) * len(given_), "\n".join(wrong)


@pytest.mark.parametrize("author, least", [("development", 0.98), ("heldout", 0.85), ("spanish", 0.95)])
def test_names_and_numbers_are_taken_out(author, least):
    given_ = [a for a in answers(author) if "value" in a and read(a["step"], a["text"]) == "answer"]
    wrong = [a["text"] for a in given_ if value(a["step"], a["text"]).lower() != str(a["value"]).lower()]
    assert len(wrong) <= (1 - least) * len(given_), wrong


def test_the_two_authors_share_no_sentence():
    development = {form.plain(a["text"]) for a in answers("development")}
    both = [a["text"] for a in answers("heldout") if form.plain(a["text"]) in development and len(a["text"].split()) > 2]
    assert not both


@pytest.mark.parametrize(
    "step, text, found",
    [
        (SEND, "send it but no voicemail", "change_time"),
        (SEND, "yes but please don't call me after 5", "change_time"),
        (SEND, "wait, no message on my phone", "change_time"),
        (SEND, "call me after 5 and leave no message", "change_time"),
        (CONSENT, "ok but no voicemail", "agree"),
        (CONTACT, "212 555 0142 but don't leave a message", "words"),
        (TIME, "please don't call me after 5, my husband is home", "words"),
        (TIME, "don't call me at home", "words"),
    ],
)
def test_a_wish_that_protects_somebody_is_never_dropped(step, text, found):
    assert form.reading(step, text, "nlu_fallback", GIVEN) == found
    wish = form.wish_in(text)
    assert wish and "0142" not in wish and wish in form.with_wish("mornings", wish)


def test_another_time_is_no_other_name():
    assert form.reading(SEND, "call me after 5 instead", "nlu_fallback", GIVEN) == "change_time"
    assert form.reading(SEND, "they should call me Mia", "nlu_fallback", GIVEN) == "change_name"


@pytest.mark.parametrize("text", ["I need to cancel my appointment", "I can't stop this", "how to stop smoking"])
def test_a_topic_with_a_word_of_leaving_is_a_topic(text):
    assert form.reading(TOPIC, text, "nlu_fallback", GIVEN) == "words"
    assert form.wish_in(text) is None


@pytest.mark.parametrize(
    "text, contact",
    [
        ("(212) 555-0142", "+12125550142"),
        ("1 212 555 0142 ext. 24", "+12125550142 ext. 24"),
        ("+44 20 7946 0958", "+442079460958"),
        ("write to Maria.X@Example.org.", "Maria.X@example.org"),
        ("555-0142", None),
        ("911", None),
        ("maria@", None),
        ("\u0661\u0662\u0663", None),
        ("", None),
    ],
)
def test_contact_is_checked_and_normalised(text, contact):
    assert contact_in(text) == contact


@pytest.mark.parametrize(
    "contact, written",
    [
        ("+12125550142", "(212) 555-0142"),
        ("+12125550142 ext. 24", "(212) 555-0142 ext. 24"),
        ("+442079460958", "+44 20 7946 0958"),
        ("maria@example.org", "maria@example.org"),
        ("not a number", "not a number"),
    ],
)
def test_contact_is_shown_as_people_write_it(contact, written):
    assert shown(contact) == written


@given(st.text(max_size=300), st.sampled_from(SLOTS))
def test_any_text_is_read_and_kept_in_bounds(text, step):
    found = form.reading(step, text, "nlu_fallback", GIVEN)
    assert found is None or found == form.WORDS or found in CHANGES or found.isalpha()
    assert len(form.name_in(text)) <= LONGEST[NAME]
    assert "\n" not in form.words_in(text, TOPIC) and len(form.words_in(text, TOPIC)) <= LONGEST[TOPIC]
    contact = contact_in(text)
    assert contact is None or contact_in(contact) == contact  # what was normalised stays as it is


@pytest.mark.parametrize(
    "text, asked",
    [
        ("what happens now?", "after_next"),
        ("ok so how long till they call", "after_when"),
        ("nobody called yet", "after_when"),
        ("i need to change my number", "after_change"),
        ("¿y ahora qué?", "after_next"),
        ("cuanto tardan en llamarme", "after_when"),
        ("todavía no me llaman", "after_when"),
        ("quiero cambiar mi numero", "after_change"),
        ("how long does one infusion take", None),
        ("¿cuánto dura una infusión?", None),
        ("can ketamine change my mood", None),
    ],
)
def test_what_is_asked_of_a_request_that_was_sent(text, asked):
    assert form.after_request(text) == asked


def test_references_are_easy_to_read_out():
    drawn = {new_reference() for _ in range(200)}
    assert len(drawn) == 200 and not any(set("AEIOULNSZ0125") & set(reference) for reference in drawn)
