"""The first day: a checklist that ticks itself off, on its page and where a page is empty; blanks that make an answer."""

import dataclasses
import html
import re

import pytest

from infusion_guide.clinic.settings import settings
from infusion_guide.replies import rules
from infusion_guide.replies.book import names
from infusion_guide.staff import first_day
from infusion_guide.staff.starters import STARTERS
from infusion_guide.storage import clinic_answers, counts, tables
from tests.staff_pages import StaffPages

COST = "/staff/answers/uncovered/cost/own"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def empty(pages):
    for table in (tables.clinic_answers, tables.reviews, tables.facts, tables.requests):
        pages.run(lambda connection, table=table: connection.execute(table.delete()))


def words_of(answered):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


@pytest.mark.parametrize("path", ["/staff/requests", "/staff/conversations", "/staff/answers", first_day.HERE])
def test_an_empty_page_is_a_checklist(pages, path):
    page = words_of(pages.signed_in("clinician").get(path))
    assert "First day: 1 of 9 done" in page and "An account for everybody" in page
    assert "Nobody has talked to it yet" in page
    assert '"tag warm">Overdue' not in pages.signed_in("clinician").get(path).text  # nothing that was never due


def test_the_front_desk_sees_it_without_links_it_may_not_open(pages):
    page = pages.signed_in("front_desk").get(first_day.HERE).text
    assert "First day" in page and "/staff/answers" not in page and "/staff/sign/" not in page


def test_each_line_ticks_itself_off(pages, monkeypatch):
    clinician = pages.signed_in("clinician")
    told = {"clinic_phone": "212-555-0142", "clinic_hours": "Mon-Fri 9:00-17:00", "notice_webhook": "https://x.example/n"}
    monkeypatch.setattr(first_day, "settings", lambda: dataclasses.replace(settings(), **told))
    for label in STARTERS:
        pages.run(lambda c, label=label: clinic_answers.save(c, label, "We tell you on the phone.", "carla", 0))
    for what in ("conversation", "request"):
        pages.run(lambda c, what=what: counts.put(c, [counts.Count("web", what)]))
    page = words_of(clinician.get(first_day.HERE))
    assert "First day: 8 of 9 done" in page and "10 of 10 have an answer of your own" in page
    assert f"10 of {len(names())} replies are signed" in page  # as their author
    assert "First day" not in clinician.get("/staff/answers").text.split("<table")[0].replace(">First day<", "")


# ---- Blanks ----


def test_the_ten_questions_are_topics_that_may_have_an_own_answer():
    assert len(STARTERS) == 10
    for label in STARTERS:
        assert f"utter_{label}" in names() and label.startswith("uncovered/")


@pytest.mark.parametrize("label", STARTERS)
def test_the_examples_make_an_answer_that_may_be_saved(label):
    starter = STARTERS[label]
    text = starter.text({blank.name: blank.example for blank in starter.blanks})
    assert not rules.broken(text), text
    assert starter.text({}) == "" and starter.text({starter.blanks[0].name: "  "}) == ""
    for blank in starter.blanks:
        assert not rules.broken(starter.text({blank.name: blank.example})), blank


def test_blanks_are_filled_in_read_changed_and_saved(pages):
    clinician = pages.signed_in("clinician")
    assert "Fill in the blanks: What does it cost?" in clinician.get(COST).text
    made = clinician.post(COST, {"seen": 0, "compose": 1, "price": "400 dollars.", "covers": "the drip"})
    assert made.status_code == 200 and not pages.rows(tables.clinic_answers)
    assert "One visit costs 400 dollars. That covers the drip." in made.text
    assert "How patients will read it" in made.text
    refused = clinician.post(COST, {"seen": 0, "compose": 1, "price": "40 mg of ketamine"})
    assert refused.status_code == 422 and "name no dose" in refused.text
    assert "at least one blank" in clinician.post(COST, {"seen": 0, "compose": 1}).text
    assert "Fill in the blanks" not in clinician.get("/staff/answers/uncovered/veterans/own").text
