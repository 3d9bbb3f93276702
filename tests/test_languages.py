"""No line of one language stands in a reply of the other: every reply, in every state, by words that only one has."""

import re

import pytest

from infusion_guide.clinic import hours as clinic_hours
from infusion_guide.clinic.hours import by_opening_hours
from infusion_guide.clinic.settings import Settings
from infusion_guide.replies import book
from infusion_guide.replies import complete as completion
from infusion_guide.replies.book import names
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.ledger import authorities, claims, sections
from infusion_guide.replies.sources import described
from infusion_guide.tools.words import words as tool_words
from tests.test_every_reply import TALKS

# Function words, which no line is long without. "a" and "no" stand in both languages, names and titles in neither list.
WORDS = {
    "en": re.compile(
        r"\b(the|you|your|and|is|are|of|to|it|that|with|for|not|can|this|what|have|they|from|please|I'm|don't|if|or|on)\b", re.I
    ),
    "es": re.compile(
        r"\b(el|los|las|usted|su|sus|que|una?|por|para|con|del|está|puede|y|en|es|se|lo|si|sí|le|qué|aquí|más)\b", re.I
    ),
}
# What is said in the other language on purpose: names of its organizations, keywords, and the lines that offer the language.
BOTH = {"utter_language_spanish", "utter_language_other"}
NAMES = re.compile(
    r"SMART Recovery|Find a Helpline|Vet Centers?|Al-Anon|\b(START|STOP)\b|Childhelp|Ketamine Infusion Therapy[^\"]*"
)
CLINIC = Settings(clinic_name="Clinica Sol", clinic_phone="555-010-0142", clinic_hours="Mon-Fri 9-17, Sat 9-12")
UNNAMED = Settings(clinic_phone="555-010-0142")


def words_for(language):
    """What fills a reply's braces in a talk in `language`."""
    hours = {**by_hours(language), "section": sections(language)["Introduction"]}
    return {
        **hours,
        **tool_words({}, ["utter_uncovered/cost"], language),
        "claims": claims()["once-anesthetic"].words_in(language),
        "authority": authorities()["fda"].name_es if language == "es" else authorities()["fda"].name,
        "callback_reference": "K7M-2QX",
        "callback_step": 1,
        "callback_steps": 4,
        "callback_name": "Ana",
        "callback_contact": "ana@example.org",
        "callback_time": book.button_title("/form_answer/mornings", language),
        "callback_topic": book.line("utter_callback_skipped", language=language),
    }


def by_hours(language):
    found = by_opening_hours("utter_clinic_hours", language=language)
    return {"closes": "", "next_opening": "", "clinic_hours": "", **found}


def foreign(text, language):
    """The lines of `text` with two words or more of the other language, or of another than `language` throughout."""
    other = WORDS["es" if language == "en" else "en"]
    lines = [NAMES.sub("", line) for line in text.split("\n")]
    return [line for line in lines if len(other.findall(line)) > 1]


@pytest.mark.parametrize("clinic", [CLINIC, UNNAMED], ids=["named", "unnamed"])
@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("language", WORDS)
def test_a_reply_is_in_one_language(monkeypatch, language, talk, clinic):
    for module in (completion, book, clinic_hours):
        monkeypatch.setattr(module, "settings", lambda: clinic)
    told, words = by_hours(language) if clinic.clinic_hours else {"response": "utter_clinic_hours"}, words_for(language)
    wrong = []
    for name in set(names()) - BOTH:
        now = TALKS[talk]
        offered = {"utter_tell_me_more": book.variations("utter_faq/ptsd")[0].next, "utter_fallback_choices": ["faq/ptsd"]}
        for turn in range(sum(each.language == language for each in book.variations(name)) or 1):
            said = [*[name] * turn, *now.get("said", [])]
            situation = Situation(
                **{**now, "said": said},
                language=language,
                notice=True,
                quiet=True,
                kept_back="faq/ptsd",
                hours=told,
                offered=offered.get(name, ()),
                words=words,
            )
            reply = complete(name, situation)
            titles = [button.title for button in reply.buttons]
            wrong += [f"{name} {turn}: {line}" for line in foreign("\n".join([reply.text, *titles]), language)]
            assert reply.language == language, name
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.parametrize("language", WORDS)
def test_what_a_reply_rests_on_is_told_in_its_language(language):
    for name in names():
        for source in described(dict.fromkeys(each for said in book.variations(name) for each in said.sources), language):
            assert not foreign("\n".join([source.label, *source.told]), language), (name, source.told)


def test_every_reply_button_claim_and_fact_has_both_languages():
    lacking = [name for name in names() if {each.language for each in book.variations(name)} != {"en", "es"}]
    lacking += [name for name in names() if len({len(each.buttons) for each in book.variations(name) if not each.careful}) > 2]
    lacking += [claim.id for claim in claims().values() if claim.say != "never" and not claim.claim_es]
    lacking += [c.id for c in claims().values() if c.say == "qualified" and not c.qualification_es]
    lacking += [each.id for each in authorities().values() if len(each.facts) != len(each.facts_es) or not each.name_es]
    assert not lacking
    assert set(sections("en")) == set(sections("es"))
