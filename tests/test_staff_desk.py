"""The front desk hears: a stream of numbers, lists that renew themselves, calls that nobody answered, the next request."""

import contextlib
import dataclasses
import json
import re
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from infusion_guide.clinic import hours as clinic_hours
from infusion_guide.clinic.settings import settings
from infusion_guide.staff import live, requests
from infusion_guide.storage import desk as desk_storage
from infusion_guide.storage import tables
from tests.staff_pages import StaffPages
from tests.test_staff_requests import insert, references

AWAY = "http://elsewhere.example"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def empty(pages):
    pages.empty(tables.requests, tables.audit, tables.conversations)


@pytest.fixture
def put(pages):
    return lambda reference, **given: pages.database.run_now(lambda connection: insert(connection, reference, **given))


@pytest.fixture
def desk(pages):
    browser = pages.signed_in("front_desk")
    browser.get("/staff/password")
    return browser


def crisis(connection, sender, minutes=0, **changed):
    at = time.time() - 60 * minutes
    row = {"sender_id": sender, "version": 1, "state": "{}", "started": at, "updated": at, "crisis": at, **changed}
    connection.execute(tables.conversations.insert().values(**row))


@contextlib.contextmanager
def heard(browser):
    """The events of a stream, one after another."""
    with browser.request("GET", live.EVENTS, stream=True) as answered:
        assert answered.status_code == 200 and answered.headers["content-type"].startswith("text/event-stream")
        assert answered.headers["cache-control"] == "no-store" and answered.headers["x-accel-buffering"] == "no"
        lines = answered.iter_lines(chunk_size=1, decode_unicode=True)
        yield (json.loads(line[6:]) if line.startswith("data: ") else line for line in lines if line)


def after(events, wanted):
    """Seconds until an event with `wanted`."""
    begun = time.monotonic()
    for event in events:
        if isinstance(event, dict) and wanted.items() <= event.items():
            return time.monotonic() - begun
    raise AssertionError("the stream ended")


# ---- The stream ----


def test_a_request_and_a_crisis_are_heard_within_two_seconds(pages, desk, put):
    with heard(desk) as events:
        after(events, {"requests": 0, "crises": 0})
        put("NEW-222")
        assert after(events, {"requests": 1}) < 2
        pages.run(crisis, "web:a")
        assert after(events, {"crises": 1}) < 2
        pages.signed_in("clinician").get("/staff/conversations/one?id=web:a")
        assert after(events, {"crises": 0}) < 2


def test_an_event_holds_numbers_alone(desk, put):
    put("NEW-222", name="Maria", topic="prices")
    with heard(desk) as events:
        state = next(event for event in events if isinstance(event, dict))
    assert set(state) == {field.name for field in dataclasses.fields(desk_storage.State)}
    assert all(isinstance(value, (int, float)) for value in state.values())


@pytest.mark.parametrize("path", [live.EVENTS, "/staff/requests/list", "/staff/conversations/list"])
def test_only_who_is_signed_in_hears_and_no_other_website(pages, desk, path):
    assert pages.browser().get(path).status_code == 401
    for site in ("cross-site", "same-site"):
        assert desk.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert pages.signed_in("front_desk").get("/staff/conversations/list").status_code == 403


def test_what_stands_open_keeps_no_session_alive(pages, desk, put):
    put("NEW-222")
    long_ago = time.time() - 600
    pages.run(lambda connection: connection.execute(sa.update(tables.staff_sessions).values(seen=long_ago)))
    assert references(desk.get("/staff/requests/list")) == ["NEW-222"]
    with heard(desk) as events:
        after(events, {"requests": 1})
    assert {row.seen for row in pages.rows(tables.staff_sessions)} == {long_ago}


@pytest.mark.parametrize("path", [live.EVENTS, "/staff/requests/list", "/staff/conversations/list"])
def test_a_session_with_something_left_to_do_hears_nothing(pages, desk, put, monkeypatch, path):
    put("NEW-222")
    chosen = dataclasses.replace(settings(), staff_second_factor=True)
    with monkeypatch.context() as patch:
        patch.setattr(live, "settings", lambda: chosen)
        for role in ("front_desk", "clinician"):
            assert pages.signed_in(role).get(path).status_code == 401
    browser = pages.browser()
    browser.sign_in("carla")
    pages.run(lambda connection: connection.execute(sa.update(tables.staff).values(must_change=True)))
    assert browser.get(path).status_code == 401
    pages.run(lambda connection: connection.execute(sa.update(tables.staff).values(must_change=False)))


def test_the_stream_ends_with_the_session(pages, monkeypatch, put):
    monkeypatch.setattr(live, "BEAT", 0.2)
    browser = pages.browser()
    browser.sign_in("carla")
    with heard(browser) as events:
        after(events, {"requests": 0})
        browser.post("/staff/sign-out")
        assert "event: signed-out" in list(events)


def test_nobody_listens_nobody_looks(pages, desk):
    with heard(desk) as events:
        after(events, {"requests": 0})
        looking = pages.app.state.live._task
        assert not looking.done()
    end = time.monotonic() + 5
    while not looking.done() and time.monotonic() < end:
        time.sleep(0.05)
    assert looking.done()


def test_a_list_is_renewed_without_its_page_and_the_log_says_so(pages, desk, put):
    put("NEW-222")
    page = desk.get("/staff/requests")
    assert 'data-live="/staff/requests/list?show=new&amp;page=1"' in page.text
    rows = desk.get("/staff/requests/list?show=new&page=1")
    assert references(rows) == ["NEW-222"] and "<html" not in rows.text and "<header" not in rows.text
    assert [row.action for row in pages.rows(tables.audit)] == ["saw requests", "saw requests"]


def test_a_page_works_without_the_script(desk, put):
    put("NEW-222")
    page = desk.get("/staff/requests").text
    assert "(1) Requests" in page and 'id="sound"' in page and re.search(r'id="sound"[^>]* hidden', page)
    assert re.search(r"data-print hidden", page) and page.count("<script") == 1
    served = desk.get(live.SCRIPT)
    assert served.headers["content-type"].startswith("text/javascript")
    assert "innerHTML" not in served.text and "eval" not in served.text and "http" not in served.text


# ---- Crises that nobody has opened ----


def test_a_crisis_is_pointed_at_until_somebody_has_opened_it(pages, desk):
    carla = pages.signed_in("clinician")
    pages.run(crisis, "web:a", 30)
    pages.run(crisis, "web:old", 60 * 24 * 8)
    page = carla.get("/staff/conversations").text
    assert "Nobody has opened this crisis talk yet" in page and page.count("30 minutes ago") == 1
    carla.get("/staff/conversations/one?id=web:a")
    assert "Nobody has opened" not in carla.get("/staff/conversations").text
    pages.run(lambda connection: connection.execute(sa.update(tables.conversations).values(crisis=time.time() + 1)))
    assert "Nobody has opened" in carla.get("/staff/conversations").text  # a second crisis


# ---- Calls that nobody answered ----


def press(desk, reference, choice="morning"):
    desk.get(f"/staff/requests/{reference}")
    return desk.post(f"/staff/requests/{reference}/tried", {"next": choice})


def test_tried_no_answer_comes_again_for_everybody_when_its_time_is_there(pages, desk, put):
    put("AAA-222", minutes=300)
    put("BBB-222", minutes=5)
    assert press(desk, "AAA-222").status_code == 303
    page = desk.get("/staff/requests/AAA-222").text
    assert "Kept: tried, no answer." in page and "Tried once, no answer. Next try" in page
    assert "fiona tried, no answer." in re.sub(r"\s+", " ", page) and ">Next request<" in page
    listed = desk.get("/staff/requests")
    assert references(listed) == ["BBB-222", "AAA-222"] and "(1) Requests" in listed.text  # it is not due
    pages.run(lambda connection: connection.execute(sa.update(tables.requests).values(next_try=time.time() - 1)))
    listed = desk.get("/staff/requests")
    assert references(listed)[0] == "AAA-222" and "(2) Requests" in listed.text and "Call again now." in listed.text
    press(desk, "AAA-222")
    assert "Tried 2 times" in desk.get("/staff/requests").text
    desk.post("/staff/requests/AAA-222/take")
    assert pages.rows(tables.requests)[0].next_try is None


def test_what_another_has_or_closed_is_not_tried(pages, desk, put):
    put("TKN-222", status="taken", by="carla")
    put("DNE-222", status="done", by="carla")
    for reference, words in (("TKN-222", "carla has this request."), ("DNE-222", "carla closed this request.")):
        assert 'action="/staff/requests/' + reference + '/tried"' not in desk.get(f"/staff/requests/{reference}").text
        press(desk, reference)
        assert f"Nothing was changed. {words}" in desk.get(f"/staff/requests/{reference}").text
    assert press(desk, "TKN-222", "never").status_code == 400
    assert press(desk, "NON-222").status_code == 404
    assert {row.tries for row in pages.rows(tables.requests)} == {0}


def test_the_next_try_falls_into_opening_hours(monkeypatch):
    chosen = dataclasses.replace(settings(), clinic_hours="Mon-Fri 9:00-17:00", clinic_timezone="America/New_York")
    monkeypatch.setattr(clinic_hours, "settings", lambda: chosen)
    friday = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)  # 4 PM
    told = {
        name: (words, f"{at.astimezone(requests.clinic_zone()):%a %H}")
        for name, (words, at) in requests.next_tries(friday).items()
    }
    assert told == {"hours": ("When the clinic is open again", "Mon 09")}  # every other choice is that moment, too
    tuesday = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    assert [words for words, _ in requests.next_tries(tuesday).values()] == [
        "In two hours",
        "Tomorrow morning",
        "Tomorrow afternoon",
        "In three days",
    ]


def test_after_done_the_next_one_is_a_press_away(desk, put):
    put("AAA-222", minutes=300)
    put("BBB-222", minutes=200)
    assert desk.get("/staff/requests/next").headers["location"] == "/staff/requests/AAA-222"
    desk.get("/staff/requests/AAA-222")
    desk.post("/staff/requests/AAA-222/done")
    page = desk.get("/staff/requests/AAA-222").text
    assert 'href="/staff/requests/next"' in page and "BBB-222 has waited longest of the others" in page
    desk.post("/staff/requests/BBB-222/done")
    assert "Nobody else is waiting." in desk.get("/staff/requests/BBB-222").text
    desk.get("/staff/requests/next")
    assert "Nobody is waiting for a call now." in desk.get("/staff/requests").text
