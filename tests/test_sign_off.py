"""The list that a clinician signs: complete, printable, self-contained, and bound to the words by a digest."""

import dataclasses
import re
from datetime import date
from html import unescape

import pytest

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import review
from infusion_guide.replies.book import Variation, variations
from infusion_guide.replies.clinic_answers import ClinicAnswer
from infusion_guide.replies.ledger import claims
from infusion_guide.replies.topic import Topic
from infusion_guide.staff import sign_off
from infusion_guide.storage import clinic_answers, reviews, tables
from infusion_guide.storage.database import Database
from tests.rooms import responses

OWN = {"uncovered/cost": ClinicAnswer("One visit costs 400 dollars & tax.", "Dr. A", "2026-01-31")}


@pytest.fixture(scope="module")
def made():
    return sign_off.as_file(sign_off.contents(review.entries(OWN, {}), OWN, 1_800_000_000.0))


def plain(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_every_reply_stands_there_as_patients_read_it_with_a_box_beside_it(made):
    text, words = plain(made), settings().words()
    for name, written in responses().items():
        label = Topic.of(name).label
        assert f">{label}</span>" in made
        for variation in written:
            filled = re.sub(r"{(\w+)}", lambda brace: words.get(brace[1], f"[{brace[1].replace('_', ' ')}]"), variation["text"])
            assert label in OWN or " ".join(filled.split()) in text, label
    assert made.count('<dl class="sign">') >= len(responses()) + len(claims())


def test_sources_ledger_settings_safety_and_own_answers_stand_there(made):
    text = plain(made)
    for claim in claims().values():
        assert claim.claim in text and claim.qualification in text
    assert text.count("Must never be said.") == sum(claim.say == "never" for claim in claims().values())
    for value in (settings().crisis_line, settings().treatment_helpline, "better off dead", "no puedo|puede|logro respirar"):
        assert value in text
    assert "One visit costs 400 dollars & tax." in text and "Written by Dr. A, 2026-01-31" in text
    assert "I don't have the prices" not in text  # it is not said while the clinic has its own
    assert "{" not in re.sub(r"<style>.*?</style>", "", made, flags=re.S)


def test_the_file_needs_nothing_else_and_prints(made):
    assert "<style>" in made and "@page" in made and "break-inside" in made
    assert not re.search(r"<(script|link rel=.stylesheet|img|iframe)|https?://|url\(", made)


def test_the_digest_changes_with_any_word(monkeypatch):
    def digest(own, **changed):
        monkeypatch.setattr(sign_off, "settings", lambda: dataclasses.replace(settings(), **changed))
        return sign_off.contents(review.entries(own, {}), own, 0.0)["digest"]

    other = {"uncovered/cost": dataclasses.replace(OWN["uncovered/cost"], text="One visit costs 500 dollars.")}
    assert len({digest({}), digest(OWN), digest(other), digest(OWN, clinic_phone="555-010-4567")}) == 4
    assert digest(OWN) == digest(OWN)


def test_the_digest_of_a_reply_is_of_its_words_not_of_the_topics_it_offers(monkeypatch):
    written = variations("utter_faq/ptsd")[0].written

    def digest(**changed):
        metadata = {**written["metadata"], **{key: value for key, value in changed.items() if key != "text"}}
        found = {**written, "text": changed.get("text", written["text"]), "metadata": metadata}
        monkeypatch.setattr(review, "variations", lambda _: [Variation.of(found)])
        return review.digest("utter_faq/ptsd", "")

    assert digest() == digest(next=["faq/anxiety"])
    assert len({digest(), digest(text="Other words."), digest(sources=["fda"]), digest(refer="none"), digest(title="P")}) == 5


def test_reviews_count_for_the_words_they_were_given_for():
    name = "utter_uncovered/cost"
    today = date(2026, 11, 23)
    signed = {(name, review.digest(name, "")): ("carla", date(2026, 11, 1))}
    reply = {reply.name: reply for reply in review.entries({}, signed)}[name]
    assert (reply.review.by, reply.review.how) == ("carla", "signature") and not reply.is_overdue(today)
    own = {reply.name: reply for reply in review.entries(OWN, signed)}[name]
    assert (own.review.by, own.review.how) == ("Dr. A", "own answer")  # the signature was for other words
    assert reply.is_overdue(date(2027, 11, 2)) and not reply.is_overdue(date(2027, 11, 1))
    never = {reply.name: reply for reply in review.entries({}, {})}[name]
    other = {reply.name: reply for reply in review.entries({}, {(name, "0" * 64): ("carla", date(2026, 11, 1))})}[name]
    assert never.state(today) == "unsigned" and not never.is_overdue(today) and never.needs_signature(today)
    assert other.state(today) == "changed" and reply.state(today) == "signed" and own.state(today) == "signed"


def test_a_signature_in_the_file_counts(tmp_path, monkeypatch):
    (tmp_path / "faq").mkdir()
    (tmp_path / "faq" / "ptsd.yml").write_text("# Rests on: fda\n# Reviewed by: Dr. B\n# Reviewed on: 2026-02-28\n")
    monkeypatch.setattr(review, "RESPONSES", tmp_path)
    review._header.cache_clear()
    try:
        assert review._header("utter_faq/ptsd") == review.Review("Dr. B", date(2026, 2, 28), "file")
    finally:
        review._header.cache_clear()
    assert review.months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert review.months_before(date(2026, 11, 23), 12) == date(2025, 11, 23)


@pytest.mark.parametrize("there", [True, False])
def test_the_command_writes_the_list_and_says_when_the_database_was_not_asked(there, tmp_path, monkeypatch, capsys):
    kept = Database(f"sqlite:///{tmp_path}/a.db")
    if there:
        tables.metadata.create_all(kept.engine)
        kept.run_now(lambda connection: clinic_answers.save(connection, "uncovered/cost", "It costs 1 dollar.", "carla", 0))
        digest = review.digest("utter_faq/ptsd", "")
        kept.run_now(lambda connection: reviews.sign(connection, "utter_faq/ptsd", digest, "carla"))
    monkeypatch.setattr(sign_off, "database", lambda: kept)
    monkeypatch.setattr(sign_off, "ROOT", tmp_path)
    monkeypatch.setattr(sign_off, "LIST", tmp_path / "results" / "sign-off.html")
    assert sign_off.main() == 0
    html = sign_off.LIST.read_text(encoding="utf-8")
    assert ("It costs 1 dollar." in html) == ("Last reviewed by carla" in html) == there
    assert ("database did not answer" in capsys.readouterr().out) != there
    kept.engine.dispose()
