"""Every reply as the patient reads it: complete, plain, short, leading on; crisis wording pinned word for word."""

import re

import pytest

from infusion_guide.callbacks.fields import CONTACT, NAME, TIME, TOPIC
from infusion_guide.clinic.settings import Settings
from infusion_guide.replies import book, pins
from infusion_guide.replies import rules as reply_rules
from infusion_guide.replies.complete import Situation, complete
from tests.rooms import responses

REPLIES = responses()
PIECES = ("utter_referral_", "utter_careful_note", "utter_clinic_answer_intro", "utter_document_source")
WHOLE = sorted(name for name in REPLIES if not name.startswith(PIECES))
MEDICAL = ("utter_faq/", "utter_uncovered/", "utter_advice/", "utter_misuse/")
PROFESSIONAL = re.compile(
    r"doctor|nurse|clinician|clinic at|front desk|pharmacist|counselor|therapist|specialist|professional",
    re.I,
)
KEYWORDS = {
    "section": "Other Uses",
    "claims": "It may help.",
    "authority": "FDA",
    "callback_reference": "K7M-2QX",
    "clinic_hours": "Monday to Friday 9 AM to 5 PM, Saturday 9 AM to noon",
    "closes": "today at 5 PM",
    "next_opening": "Monday at 9 AM",
}
FORM = {**dict.fromkeys((NAME, CONTACT, TIME, TOPIC), "none"), "callback_step": 1, "callback_steps": 4}


def told(name, turn=0, **situation):
    """The message of reply `name` at its `turn`-th use in a conversation."""
    return complete(name, Situation(said=[name] * turn, words={**KEYWORDS, **FORM}, **situation)).as_message()


def every_variation():
    for name in WHOLE:
        for turn in range(len(REPLIES[name])):
            yield name, turn, False
            if name.startswith("utter_chitchat"):
                yield name, turn, True


@pytest.mark.parametrize("name, turn, careful", list(every_variation()))
def test_reply_is_complete_plain_and_short(name, turn, careful):
    text = told(name, turn, careful=careful)["text"]
    assert text and "{" not in text and "  " not in text
    assert reply_rules.grade(text) <= reply_rules.HARDEST_GRADE, text
    assert len(text.split()) <= 66, f"{len(text.split())} words"
    assert not reply_rules.wording(text)
    assert not re.search(r"[\u2018\u2019\u201c\u201d\u2013\u2014\u2026]", text), "plain punctuation only (SMS)"


@pytest.mark.parametrize("name", [n for n in WHOLE if n.startswith(MEDICAL)])
def test_medical_reply_ends_at_a_professional(name):
    last = told(name)["text"].splitlines()[-1]
    assert PROFESSIONAL.search(last), last


def test_referral_changes_from_turn_to_turn():
    lines = [told("utter_faq/depression", turn)["text"].splitlines()[-1] for turn in range(4)]
    assert all(first != second for first, second in zip(lines, lines[1:]))


def test_a_single_line_is_said_in_the_language_asked_for():
    for name in ("utter_referral_clinician", "utter_careful_note"):
        written = [(each.language, each.text.strip()) for each in book.variations(name)]
        for language in ("en", "es"):
            said = {book.line(name, turn=turn, language=language) for turn in range(len(written))}
            assert said == {book.fill(text) for spoken, text in written if spoken == language}


def test_messaging_platforms_are_told_what_they_are():
    notice = told("utter_messaging_notice")["text"]
    assert "not private" in notice and "911" in notice and "988" in notice


def test_same_small_talk_is_not_said_twice_running():
    for name in (n for n in WHOLE if n.startswith("utter_chitchat/")):
        assert told(name, 0)["text"] != told(name, 1)["text"]


def test_answers_show_their_section():
    reply = told("utter_faq/ptsd")
    assert 'From the clinic\'s document: "Other Uses".' in reply["text"] and "ptsd-symptoms" in reply["metadata"]["sources"]


def test_buttons_have_titles_and_payloads():
    for name in WHOLE:
        for button in told(name).get("buttons", []):
            assert button["title"] and len(button["title"]) <= 30 and button["payload"].startswith("/")


PINNED = pins.pinned()


HELP_LINES = ("911", "988", "1-800-222-1222")


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", [n for n in WHOLE if n.startswith("utter_crisis/")])
def test_crisis_wording_is_pinned(name, language):
    for turn, pinned in enumerate(PINNED[language][name]):
        text = told(name, turn, language=language)["text"]
        assert text == pinned, pins.changed()
        if name.startswith("utter_crisis/care_"):  # what follows a reply that named them all
            assert any(number in text for number in HELP_LINES), text
            continue
        assert "911" in text and "988" in text
        if language == "es":
            assert "marque 2" in text or "marcar 2" in text
            assert "AYUDA" in text


# What every reply about a risk of suicide holds (the rubric VERA-MH), in the words of both languages.
RUBRIC = {
    "somebody trusted": r"trust|friend|person first|confianza|amigo|esa persona",
    "not being alone": r"(be|sit|stay) (near|with)|alone|person is|estar con|busque|siéntese con|quede|vaya con|no la deje",
    "distance from what could hurt": r"away|out of reach|hand them|keep what|lejos|aleje|apártese|dele lo que|guarde lo que",
    "a professional": r"counselor|trained person|doctor|therapist|they can help|preparado|médico|consejero|ahí le ayudan",
    "the crisis line, by text too": r"text {crisis_line}|AYUDA",
    "emergencies": r"{emergency_number}",
}


@pytest.mark.parametrize("name", ["utter_crisis/suicide", "utter_crisis/self_harm", "utter_crisis/someone_else"])
@pytest.mark.parametrize("what", RUBRIC)
def test_every_wording_for_a_person_at_risk_names(name, what):
    for variation in REPLIES[name]:
        text = " ".join(variation["text"].split())
        assert re.search(RUBRIC[what], text, re.I), f"{name} lacks {what}: {text}"


def test_in_danger_treatment_is_nothing_to_wait_for():
    for name in (name for name in REPLIES if name.startswith("utter_crisis/")):
        said = " ".join(variation["text"] for variation in REPLIES[name])
        assert not re.search(r"ketamin|infusi", said, re.I), name
        if name == "utter_crisis/care_relief":
            assert not re.search(r"\b(works?|helps?|relief|fast|quick\w*|within|alivi\w+|rápid\w+|funciona)\b", said, re.I)


def test_crisis_numbers_come_from_settings(monkeypatch):
    monkeypatch.setattr(book, "settings", lambda: Settings(emergency_number="112", crisis_line="116123"))
    text = told("utter_crisis/suicide")["text"]
    assert "112" in text and "116123" in text and "911" not in text


def test_the_reply_after_a_crisis_names_the_crisis_line_at_its_end():
    said = ["utter_crisis/suicide"]
    for name in WHOLE:
        words = {**KEYWORDS, **FORM}
        reply = complete(name, Situation(said=said, careful=True, words=words))
        assert "988" in reply.text or reply.topic.kind == "crisis", name


def test_the_clinics_own_answer_takes_the_place():
    reply = told("utter_uncovered/cost", own="One visit costs 1 dollar.")
    assert reply["text"].startswith("From the clinic: One visit costs 1 dollar.") and "give prices" not in reply["text"]
    assert PROFESSIONAL.search(reply["text"].splitlines()[-1])


def test_every_brace_is_filled_by_the_settings_or_by_who_says_the_reply():
    assert {brace for name in REPLIES for brace in book.unfilled(name)} == {*KEYWORDS, *FORM}
