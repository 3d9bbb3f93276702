"""The page "Answers": every reply with its source, review and use; signing; the clinic's own answers."""

import html
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infusion_guide.replies import review
from infusion_guide.replies.book import names, variations
from infusion_guide.replies.ledger import claims
from infusion_guide.staff import answers
from infusion_guide.storage import clinic_answers, counts, tables
from tests.staff_pages import StaffPages

COST = "/staff/answers/uncovered/cost"
HOSTILE = ["<script>alert(1)</script>", "</textarea><b>", '"><img src=x>', "{{ 7*7 }}", "{% raw %}", "\ud800"]
PRICE = "One visit costs 400 dollars. That covers the drip and the nurse's time."


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture
def clinician(pages):
    return pages.signed_in("clinician")


@pytest.fixture(autouse=True)
def empty(pages):
    for table in (tables.clinic_answers, tables.reviews, tables.audit, tables.facts):
        pages.run(lambda connection, table=table: connection.execute(table.delete()))


def words_of(answered):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def notes(pages):
    return [(row.staff, row.action, row.object, row.detail) for row in pages.rows(tables.audit)]


def write(browser, text, seen=0, path=COST, **fields):
    browser.get(f"{path}/own")
    return browser.post(f"{path}/own", {"text": text, "seen": seen, **(fields or {"save": 1})})


def test_only_clinicians_and_admins_read_and_only_clinicians_write(pages):
    digest = review.digest("utter_uncovered/cost", "")
    for role, reads, writes in (("front_desk", 403, 403), ("admin", 200, 403), ("clinician", 200, 303)):
        browser = pages.signed_in(role)
        for path in ("/staff/answers", COST, "/staff/sign-off", "/staff/sign-off.css"):
            assert browser.get(path).status_code == reads, (role, path)
        browser.get("/staff/password")
        assert browser.post(f"{COST}/sign", {"digest": digest}).status_code == writes
        assert browser.post(f"{COST}/own", {"text": PRICE, "seen": 0, "save": 1}).status_code == writes
        assert browser.post(f"{COST}/put-back", {"version": 1, "seen": 1}).status_code == writes
        assert browser.get(f"{COST}/own").status_code == {303: 200}.get(writes, writes)
    stranger = pages.browser()
    assert stranger.get("/staff/answers").status_code == 303 and stranger.get(COST).status_code == 303


def test_nothing_changes_without_the_token(pages, clinician):
    clinician.get(COST)
    digest = review.digest("utter_uncovered/cost", "")
    assert clinician.post(f"{COST}/sign", {"digest": digest, "csrf_token": ""}).status_code == 403
    assert clinician.post(f"{COST}/own", {"text": PRICE, "seen": 0, "csrf_token": "x"}).status_code == 403
    assert not pages.rows(tables.reviews) and not pages.rows(tables.clinic_answers)


def test_every_reply_is_listed_with_its_source_and_found_by_words_and_kind(clinician):
    page = clinician.get("/staff/answers")
    for name in names():
        assert f'href="/staff/answers/{name[len("utter_") :]}"' in page.text
    assert f"{len(names())} replies" in page.text
    found = clinician.get("/staff/answers?q=FLASHBACKS+and&kind=faq").text
    assert "/staff/answers/faq/ptsd" in found and "/staff/answers/faq/anxiety" not in found and "FDA" in found
    lines = clinician.get("/staff/answers?kind=lines").text
    assert "/staff/answers/fallback_person" in lines and "/staff/answers/faq/" not in lines
    assert "No reply fits" in clinician.get("/staff/answers?q=zzzz").text


def test_a_reply_is_shown_whole(clinician):
    page = words_of(clinician.get("/staff/answers/chitchat/thanks"))
    readings = review.readings("utter_chitchat/thanks")
    careful = next(number for number, reading in enumerate(readings, 1) if reading.when == "after a crisis")
    assert f"Variation {careful} of {len(readings)}, after a crisis" in page and "988" in page and "Buttons:" in page
    page = words_of(clinician.get("/staff/answers/faq/ptsd"))
    claim = claims()["ptsd-symptoms"]
    assert claim.claim in page and claim.qualification in page
    assert "Food and Drug Administration (FDA)" in page and "Nobody has reviewed these words" in page
    assert "to somebody who writes Spanish" in words_of(clinician.get("/staff/answers/crisis/suicide"))


@pytest.mark.parametrize("label", ["nothing", "faq/ptsd/", "faq/%2e%2e/ptsd", "..%2f..%2fsettings", "uncovered/cost/own/own"])
def test_other_addresses_are_nothing(clinician, label):
    assert clinician.get(f"/staff/answers/{label}").status_code == 404


def test_use_and_thumbs_of_the_last_days_are_counted(pages, clinician):
    def counted(connection):
        now = time.time()
        rows = [("reply", 7, now), ("up", 3, now), ("down", 2, now), ("down", -1, now), ("reply", 90, now - 31 * 86_400)]
        for what, count, at in rows:
            counts.put(connection, [counts.Count("web", what, "utter_uncovered/cost", count, at // 3600 * 3600)])

    pages.run(counted)
    assert "said 7 times, 3 thumbs up, 1 thumbs down" in words_of(clinician.get(COST))
    row = re.search(r'<tr>(?:(?!</tr>).)*uncovered/cost".*?</tr>', clinician.get("/staff/answers?q=price").text, re.S)[0]
    assert re.findall(r'class="number">(\d+)<', row) == ["7", "3", "1"]


# ---- Signing ----


def sign(browser, path=COST):
    digest = re.search(r'name="digest" value="(\w+)"', browser.get(path).text)[1]
    return browser.post(f"{path}/sign", {"digest": digest})


def test_a_clinician_signs_and_it_counts_until_the_words_change(pages, clinician):
    page = clinician.get(COST).text
    assert "Not signed yet" in page and "Overdue" not in page  # nothing is overdue that was never due
    assert sign(clinician).status_code == 303
    page = clinician.get(COST)
    assert "Signed. Thank you." in page.text and "signed on this page" in page.text
    assert "carla" in page.text and "Not signed yet" not in page.text
    for wanted in ("overdue", "unsigned", "open"):
        assert "uncovered/cost" not in clinician.get(f"/staff/answers?q=price&review={wanted}").text
    digest = review.digest("utter_uncovered/cost", "")
    assert notes(pages) == [("carla", "signed a reply", "utter_uncovered/cost", digest[:12])]

    write(clinician, PRICE)
    page = clinician.get(COST)
    assert "as its author" in page.text and "signed on this page" not in page.text
    write(clinician, "", seen=1)
    assert "signed on this page" in clinician.get(COST).text  # the words that were signed are said again


def test_words_that_changed_meanwhile_are_not_signed(pages, clinician):
    clinician.get(COST)
    refused = clinician.post(f"{COST}/sign", {"digest": review.digest("utter_uncovered/cost", "other words")})
    assert refused.status_code == 409 and "nothing was signed" in refused.text and not pages.rows(tables.reviews)


def test_a_review_grows_old(pages, clinician, monkeypatch):
    sign(clinician)
    pages.run(lambda connection: connection.execute(tables.reviews.update().values(at=time.time() - 400 * 86_400)))
    assert "Overdue for review" in clinician.get(COST).text
    assert "uncovered/cost" in clinician.get("/staff/answers?q=price&review=overdue").text


# ---- The clinic's own answer ----


def own_words(name):
    """The assistant's own words of a reply, in the place of which the clinic's stand."""
    return " ".join(variations(name)[0].text.split())


def test_an_answer_is_shown_beforehand_saved_and_noted(pages, clinician):
    preview = write(clinician, PRICE, preview=1)
    assert preview.status_code == 200 and not pages.rows(tables.clinic_answers)
    reading, in_spanish = review.readings("utter_uncovered/cost", PRICE)
    for read in (reading, in_spanish):
        assert " ".join(" ".join(read.lines).split()) in words_of(preview)
    assert reading.lines[0] == f"From the clinic: {PRICE}" and "13 words" in preview.text

    assert write(clinician, f" {PRICE}\n").headers["location"] == COST
    assert [(row.topic, row.version, row.text, row.written_by) for row in pages.rows(tables.clinic_answers)] == [
        ("uncovered/cost", 1, PRICE, "carla")
    ]
    assert notes(pages) == [("carla", "wrote the clinic's answer", "uncovered/cost", "version 1")]
    page = words_of(clinician.get(COST))
    assert "Patients read it so within 30 seconds" in page and f"From the clinic: {PRICE}" in page
    assert "Added: One visit" in page and own_words("utter_uncovered/cost") not in page
    assert PRICE in words_of(clinician.get("/staff/sign-off"))


def test_broken_rules_are_said_beside_the_field_and_nothing_is_saved(pages, clinician):
    text = "You qualify. Take 40 mg of ketamine. Call 555-867-5309 {now}."
    refused = write(clinician, text)
    assert refused.status_code == 422 and not pages.rows(tables.clinic_answers) and not notes(pages)
    problems = html.unescape(re.search(r'<ul class="problem" id="text-problem">(.*?)</ul>', refused.text, re.S)[1])
    for words in ("“You qualify”", "“40 mg”", "“Take 40 mg of ketamine”", "“555-867-5309”", "braces"):
        assert words in problems
    assert 'aria-describedby="text-hint text-problem"' in refused.text and html.escape(text, quote=False) in refused.text
    assert write(clinician, "word " * 400).status_code == 422


def test_versions_are_kept_compared_and_put_back(pages, clinician):
    write(clinician, PRICE)
    write(clinician, PRICE.replace("400", "450"), seen=1)
    page = clinician.get(COST).text
    assert re.search(r"<del>.*?400</del>.*?<ins>.*?450</ins>", page, re.S) and "Version 2, carla" in page
    clinician.post(f"{COST}/put-back", {"version": 1, "seen": 2})
    write(clinician, "", seen=3)
    assert [row.text for row in pages.rows(tables.clinic_answers)] == [PRICE, PRICE.replace("400", "450"), PRICE, ""]
    assert [note[3] for note in notes(pages)][2:] == ["version 3, version 1 put back", "version 4, withdrawn"]
    page = words_of(clinician.get(COST))
    assert "Withdrawn." in page and own_words("utter_uncovered/cost") in page and "There is none." in page


def test_an_older_version_must_keep_todays_rules(pages, clinician):
    pages.run(lambda connection: clinic_answers.save(connection, "uncovered/cost", "It cures you.", "carla", 0))
    pages.run(lambda connection: clinic_answers.save(connection, "uncovered/cost", PRICE, "carla", 1))
    clinician.get(COST)
    refused = clinician.post(f"{COST}/put-back", {"version": 1, "seen": 2})
    assert refused.status_code == 422 and "promise nothing" in refused.text and len(pages.rows(tables.clinic_answers)) == 2
    assert clinician.post(f"{COST}/put-back", {"version": 9, "seen": 2}).status_code == 404
    for version in ("x", "9" * 30):
        assert clinician.post(f"{COST}/put-back", {"version": version, "seen": 2}).status_code == 400


def test_of_two_who_write_the_second_loses_no_word(pages, clinician):
    clinician.get(f"{COST}/own")
    pages.run(lambda connection: clinic_answers.save(connection, "uncovered/cost", PRICE, "dora", 0))
    refused = clinician.post(f"{COST}/own", {"text": "We send you an estimate.", "seen": 0, "save": 1})
    assert refused.status_code == 409 and "dora saved another version" in refused.text
    assert "We send you an estimate." in refused.text and 'name="seen" type="hidden" value="1"' in refused.text
    assert len(pages.rows(tables.clinic_answers)) == 1


def test_saving_the_same_again_changes_nothing(pages, clinician):
    write(clinician, PRICE)
    write(clinician, PRICE, seen=1)
    assert len(pages.rows(tables.clinic_answers)) == 1 and "Nothing was changed." in clinician.get(COST).text


@pytest.mark.parametrize("label", ["faq/ptsd", "crisis/suicide", "advice/dosing", "fallback_person", "uncovered/nothing"])
def test_only_topics_that_the_document_leaves_out_can_have_one(pages, clinician, label):
    clinician.get(COST)
    path = f"/staff/answers/{label}"
    assert clinician.get(f"{path}/own").status_code == 404
    assert clinician.post(f"{path}/own", {"text": PRICE, "seen": 0}).status_code == 404
    assert not pages.rows(tables.clinic_answers)


def test_a_difference_is_told_word_by_word():
    assert answers.difference("It costs 400 dollars.", "It costs 450 dollars.") == [
        ("same", "It costs"),
        ("removed", "400"),
        ("added", "450"),
        ("same", "dollars."),
    ]
    assert answers.difference("", "New.") == [("added", "New.")] and answers.difference("", "") == []


@given(text=st.text(max_size=120) | st.sampled_from(HOSTILE))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_shown_back_escaped_and_breaks_no_page(pages, clinician, text):
    """Typed, stored by a version whose rules were others, shown in every place."""
    sent = text.encode("utf-8", "replace").decode().replace("\0", "")  # with one, no page ever sees the form
    typed = write(clinician, sent, preview=1)
    assert typed.status_code in (200, 422)
    pages.run(lambda connection: connection.execute(tables.clinic_answers.delete()))
    kept = answers.reply_rules.tidy(sent)
    pages.run(lambda connection: clinic_answers.save(connection, "uncovered/cost", kept, "carla", 0))
    shown = [clinician.get(path) for path in (COST, f"{COST}/own", "/staff/answers?q=price", "/staff/sign-off")]
    for answered in (typed, *shown):
        assert not re.search(r"<(script>|img|b\b)", answered.text) and answered.text.count("</main>") == 1
    for answered in (*shown[:2], shown[3]):
        assert answered.status_code == 200 and kept in words_of_escaped(answered)


def words_of_escaped(answered):
    """What a browser shows: tags gone, then entities read; white space as one blank."""
    return " ".join(html.unescape(re.sub(r"<(?:/?[a-z!][^>]*)>", "", answered.text)).split())
