"""What a channel shows beside an answer: where it comes from, with the claims as patients may read them."""

import dataclasses

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import book as words
from infusion_guide.replies import sources


def reply(name, *named, text="Hello."):
    return {"text": text, "metadata": {"utter_action": name, "sources": list(named)}}


def test_a_claim_comes_with_its_section_and_qualification():
    (found,) = sources.described(reply("utter_faq/ptsd", "ptsd-symptoms"))
    assert found["label"] == 'From the clinic\'s document: "Other Uses"'
    claim = words.claims()["ptsd-symptoms"]
    assert found["claims"] == [f"{claim['claim']} {claim['qualification']}"]


def test_claims_of_one_section_stand_together_and_authorities_by_themselves():
    found = sources.described(reply("utter_faq/evidence", "ptsd-symptoms", "fda", "anxiety-disorders"))
    assert [len(source["claims"]) for source in found] == [2, len(words.authorities()["fda"]["facts"])]
    assert "Food and Drug Administration" in found[1]["label"]


def test_the_clinics_own_answer_is_the_clinics(monkeypatch):
    monkeypatch.setattr(words, "settings", lambda: dataclasses.replace(settings(), clinic_name="Harbor Clinic"))
    assert sources.described(reply("utter_uncovered/cost", words.CLINIC)) == [{"label": "From Harbor Clinic", "claims": []}]


def test_no_source_no_words():
    assert sources.described(reply("utter_chitchat/greet")) == sources.described({"text": "Hello."}) == []


def test_the_line_that_names_the_section_is_not_said_twice():
    text = 'It may help.\nFrom the clinic\'s document: "Other Uses".\nPlease ask your doctor.'
    shown = sources.described(reply("utter_faq/ptsd", "ptsd-symptoms"))
    assert sources.without_source_line(text, shown) == "It may help.\nPlease ask your doctor."
