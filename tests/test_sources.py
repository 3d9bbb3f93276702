"""What the id of a source means, for patients, for a channel that shows it beside an answer, and for staff."""

import dataclasses

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import book
from infusion_guide.replies.ledger import authorities, claims
from infusion_guide.replies.sources import CLINIC, Source, described, without_source_line


def test_a_claim_comes_with_its_section_and_qualification():
    (found,) = described(["ptsd-symptoms"])
    assert found.label == 'From the clinic\'s document: "Other Uses"' and found.where == "The clinic's document: Other Uses"
    claim = claims()["ptsd-symptoms"]
    assert found.claims == (claim,) and claim.words == f"{claim.claim} {claim.caution}" and claim.caution == claim.qualification


def test_a_plain_claim_is_told_without_what_clinicians_know_besides():
    claim = claims()["once-anesthetic"]
    assert claim.words == claim.claim and claim.caution == claim.qualification
    assert claims()["addiction-illness"].caution == ""  # "None needed."


def test_claims_of_one_section_stand_together_and_authorities_by_themselves():
    found = described(["ptsd-symptoms", "fda", "anxiety-disorders", "fda-benzodiazepines"])
    of_the_fda = authorities()["fda"].facts + authorities()["fda-benzodiazepines"].facts
    assert [len(source.claims) for source in found] == [2, len(of_the_fda)]
    assert tuple(claim.words for claim in found[1].claims) == of_the_fda
    assert "Food and Drug Administration" in found[1].label and found[1].where == authorities()["fda"].name


def test_the_clinics_own_answer_is_the_clinics(monkeypatch):
    monkeypatch.setattr(book, "settings", lambda: dataclasses.replace(settings(), clinic_name="Harbor Clinic"))
    assert described([CLINIC]) == [Source(CLINIC)]
    assert Source(CLINIC).label == "From Harbor Clinic" and Source(CLINIC).where == "The clinic itself"


def test_no_source_and_one_that_the_ledger_no_longer_knows_are_no_words():
    assert described([]) == described(["withdrawn-claim"]) == []


def test_the_line_that_names_the_section_is_not_said_twice():
    text = 'It may help.\nFrom the clinic\'s document: "Other Uses".\nPlease ask your doctor.'
    assert without_source_line(text, described(["ptsd-symptoms"])) == "It may help.\nPlease ask your doctor."


def test_who_writes_spanish_reads_it_in_spanish_and_not_twice():
    (found,) = described(["ptsd-symptoms"])
    assert found.said_in("es") == 'Del documento de la clínica, en inglés: "Otros usos"' != found.said_in("en") == found.label
    assert without_source_line(f"Puede aliviar.\n{found.said_in('es')}.", [found]) == "Puede aliviar."
