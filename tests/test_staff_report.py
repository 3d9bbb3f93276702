"""The staff page Report: any days for every role, its file, its tables, and what the audit log keeps."""

import csv
import io

import pytest

from infusion_guide.storage import tables
from tests.report_example import PERIOD, fill
from tests.staff_pages import NAMES, StaffPages

DAYS = f"from={PERIOD.first}&to={PERIOD.last}"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        fill(found.database)
        yield found


@pytest.fixture
def noted(pages):
    """The rows of the audit log that were written in this test: who, what, of which days, in which form."""
    before = len(pages.rows(tables.audit))
    return lambda: [
        (row.staff, row.action, row.object, row.detail)
        for row in pages.rows(tables.audit)[before:]
        if not row.action.startswith("sign")
    ]


def _cells(answered):
    assert answered.status_code == 200 and answered.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answered.content.decode("utf-8-sig"))))


def test_every_role_sees_it_under_the_strict_policy(pages, noted):
    for role in NAMES:
        assert pages.signed_in(role).get("/staff/report?to=2024-01-01").status_code == 200
    answered = pages.signed_in("front_desk").get(f"/staff/report?{DAYS}")
    text = answered.text
    assert "img-src 'self' data:" in answered.headers["content-security-policy"]
    assert "style=" not in text and "<style" not in text and text.count("<script") == 1 and "<svg" not in text
    assert "the assistant answered 366 of 514 questions (71%)." in text and "Price" in text
    assert text.count("<figure>") == text.count('<img src="data:image/svg+xml;base64,') == 10
    assert 'value="2026-10-24"' in text and 'value="2026-11-22"' in text and 'aria-current="page">Report<' in text
    assert "&lt;5" not in text.replace('stands there as "&lt;5"', "") and "Every number here is exact" in text
    assert pages.signed_in("front_desk").get("/staff/report/report.css").headers["content-type"].startswith("text/css")
    assert noted() == []


@pytest.mark.parametrize("path", ["/staff/report", "/staff/report/file", "/staff/report.csv", "/staff/report.csv?table=topics"])
def test_nobody_sees_it_without_signing_in(pages, path):
    answered = pages.browser().get(path)
    assert answered.status_code == 303 and answered.headers["location"].startswith("/staff/sign-in")


def test_the_file_is_the_report_alone(pages, noted):
    answered = pages.signed_in("clinician").get(f"/staff/report/file?{DAYS}")
    name = 'attachment; filename="report-2026-10-24-to-2026-11-22.html"'
    assert answered.headers["content-disposition"] == name
    assert answered.text.startswith("<!doctype html>") and "366 of 514" in answered.text and "/staff/" not in answered.text
    assert "Small numbers stay hidden" in answered.text and "&lt;5" in answered.text
    assert noted() == [("carla", "exported the report", "2026-10-24 to 2026-11-22", "as a page")]


def test_tables_for_a_spreadsheet(pages, noted):
    front_desk = pages.signed_in("front_desk")
    answered = front_desk.get(f"/staff/report.csv?{DAYS}")
    assert answered.headers["content-disposition"] == 'attachment; filename="report-2026-10-24-to-2026-11-22.csv"'
    every = _cells(answered)
    assert every[0] == ["Table", "Row", "Column", "Value"] and ["outcomes", "Answered", "Number", "366"] in every
    assert len({row[0] for row in every[1:]}) == 11
    assert not any(row[3] in ("1", "2", "3", "4") for row in every) and any(row[3] == "<5" for row in every)
    one = front_desk.get(f"/staff/report.csv?{DAYS}&table=topics")
    assert one.headers["content-disposition"] == 'attachment; filename="report-2026-10-24-to-2026-11-22-topics.csv"'
    assert _cells(one)[:2] == [["Topic", "Times", "What happens"], ["What it is", "153", "answered"]]
    assert [row[3] for row in noted()] == ["all tables", "table topics"]
    assert front_desk.get(f"/staff/report.csv?{DAYS}&table=people").status_code == 404


@pytest.mark.parametrize(
    "asked, words",
    [
        ("from=2026-13-01", "Write it as YYYY-MM-DD"),
        ("from=2026-11-02&to=2026-11-01", "Please swap them"),
        ("from=2020-01-01&to=2026-11-01", "A report covers at most 800"),
        ("to=%3Cb%3Ex", "&#39;&lt;b&gt;x&#39; is not a date"),
    ],
)
def test_wrong_days_are_told_at_the_form(pages, noted, asked, words):
    browser = pages.signed_in("admin")
    answered = browser.get(f"/staff/report?{asked}")
    assert answered.status_code == 400 and words in answered.text
    assert 'id="problem"' in answered.text and 'aria-describedby="problem"' in answered.text
    assert browser.get(f"/staff/report.csv?{asked}").status_code == 400
    assert browser.get(f"/staff/report/file?{asked}").status_code == 400 and noted() == []


def test_days_without_anything_are_a_page_too(pages):
    answered = pages.signed_in("admin").get("/staff/report?from=2030-01-01&to=2030-01-31")
    assert answered.status_code == 200 and "nobody asked the assistant a question" in answered.text
    cells = _cells(pages.signed_in("admin").get("/staff/report.csv?from=2030-01-01&to=2030-01-31"))
    assert cells == [["Table", "Row", "Column", "Value"]]
