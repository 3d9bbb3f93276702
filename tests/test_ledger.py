"""Every fact has its source, every claim its use, and the sentence that must not be said is not said."""

import re

from infusion_guide.replies import rules as reply_rules
from infusion_guide.replies.clinic_answers import clinic_answers
from infusion_guide.replies.ledger import authorities, claims, sections
from tests.rooms import ROOT, responses

REPLIES = responses()
USED = {source for variations in REPLIES.values() for v in variations for source in v["metadata"]["sources"]}
FACTUAL = ("utter_faq/", "utter_crisis/")


def test_claims_are_complete():
    for claim in claims().values():
        assert claim.say in ("plainly", "qualified", "never")
        assert claim.section in sections() and claim.claim and claim.qualification


def test_what_patients_read_of_the_ledger_is_plain_and_qualified():
    for claim in claims().values():
        assert reply_rules.grade(claim.words) <= reply_rules.HARDEST_GRADE or claim.say == "never", claim.words
        if claim.say == "qualified":
            assert claim.qualification in claim.words and len(claim.qualification.split()) > 4
            assert not re.search(r"\bsay\b(?! how long)", claim.qualification), "not for patients"


def test_sources_exist():
    unknown = USED - set(claims()) - set(authorities())
    assert not unknown, f"replies name unknown sources: {sorted(unknown)}"


def test_every_answer_with_facts_names_its_source():
    for name, variations in REPLIES.items():
        for variation in variations:
            if name.startswith(FACTUAL):
                assert variation["metadata"]["sources"], f"{name} states facts without a source"
            if re.search(r"\bFDA\b|\bNIDA\b|\bDEA\b|SAMHSA|Poison Help", variation["text"]):
                named = {authorities()[s].name for s in variation["metadata"]["sources"] if s in authorities()}
                assert named, f"{name} names an authority that it does not cite"


def test_every_claim_is_used_unless_it_must_not_be_said():
    for claim in claims().values():
        if claim.say == "never":
            assert claim.id not in USED, f"{claim.id} must never be said"
        else:
            assert claim.id in USED, f"no answer uses the claim {claim.id}"


def test_every_authority_is_used():
    assert set(authorities()) <= USED, sorted(set(authorities()) - USED)


def test_no_reply_recommends_infusion_in_a_crisis():
    wording = re.compile(
        r"(crisis|relapse)[^.]*\b(infusion|ketamine)|\b(infusion|ketamine)[^.]*\b(crisis|at risk of relapse)", re.I
    )
    for name, variations in REPLIES.items():
        for variation in variations:
            assert not wording.search(variation["text"]), f"{name} joins crisis and infusion"


def test_facts_in_uncovered_replies_come_from_an_authority_or_claim():
    fact = re.compile(r"\b(causes?|reduces|cures|works for|is safe|is addictive|percent|%|\d+ ?mg|hours before)\b", re.I)
    for name, variations in REPLIES.items():
        if name.startswith("utter_uncovered/"):
            for variation in variations:
                assert not fact.search(variation["text"]), f"{name}: {fact.search(variation['text']).group(0)}"


def test_clinic_answers_are_for_uncovered_topics():
    for label, answer in clinic_answers().items():
        assert f"utter_{label}" in REPLIES and label.startswith("uncovered/"), f"data/clinic/answers.yml: {label}"
        assert answer.reviewed_by and re.match(r"\d{4}-\d\d-\d\d$", answer.reviewed_on), label
        assert not reply_rules.broken(answer.text), f"data/clinic/answers.yml: {label}"


def test_every_number_in_a_reply_comes_from_settings():
    number = re.compile(r"\d{3,}")
    for name, variations in REPLIES.items():
        for variation in variations:
            assert not number.search(variation["text"]), f"{name}: write phone numbers as placeholders, see settings.py"
    assert (ROOT / ".env.example").read_text(encoding="utf-8").count("=") >= 11
