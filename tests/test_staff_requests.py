"""The page Requests: found, taken by one person only, noted, exported; and what the audit log says of it."""

import csv
import dataclasses
import io
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from infusion_guide.callbacks.callback import Callback
from infusion_guide.clinic import clock
from infusion_guide.clinic.settings import settings
from infusion_guide.report import csv_export
from infusion_guide.staff import rendering
from infusion_guide.storage import callbacks, privacy, sealing, tables
from infusion_guide.storage.database import Database
from tests.staff_pages import StaffPages

KEY = Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        found.signed_in("front_desk"), found.signed_in("clinician")
        yield found


@pytest.fixture(autouse=True)
def empty(pages):
    """Every test begins without requests and with an empty log."""
    pages.empty(tables.requests, tables.request_notes, tables.audit)


@pytest.fixture
def words_are(monkeypatch):
    """Changes how words are stored: words_are("encrypted", KEY)."""

    def change(stored_words, key=""):
        chosen = dataclasses.replace(settings(), stored_words=stored_words, encryption_key=key or KEY)
        monkeypatch.setattr(sealing, "settings", lambda: dataclasses.replace(chosen, encryption_key=key))

    return change


def insert(connection, reference, status="new", minutes=0, by=None, **given):
    at = time.time() - 60 * minutes
    private = {"name": "Maria Lopez", "contact": "+12025550143", "best_time": "mornings", "topic": "What it costs", **given}
    said = {name: words for name, words in private.items() if words}
    callbacks.put(connection, Callback(reference, f"web:{reference}", "web", at, said, status))
    own = sa.update(tables.requests).where(tables.requests.c.reference == reference)
    connection.execute(own.values(taken_by=by, taken=at if by else None, done=at if status == "done" else None))


@pytest.fixture
def put(pages):
    """Stores a request: put("K7M-2QX", status="taken", by="carla", name=...)."""
    return lambda reference, **given: pages.database.run_now(lambda connection: insert(connection, reference, **given))


@pytest.fixture
def desk(pages):
    """The front desk's browser."""
    browser = pages.signed_in("front_desk")
    browser.get("/staff/password")
    return browser


def references(page):
    """The references of a list, in order."""
    return re.findall(r'<th scope="row"><a href="/staff/requests/([^"]+)"', page.text)


def log(pages):
    return [(row.staff, row.action, row.object, row.detail) for row in pages.rows(tables.audit)]


def row(pages, reference):
    return next(row for row in pages.rows(tables.requests) if row.reference == reference)


# ---- The list ----


def test_the_list_has_a_tab_for_each_state(pages, desk, put):
    put("NEW-222", minutes=200)
    put("NEW-333", minutes=5)
    put("TKN-222", status="taken", by="carla", minutes=300)
    put("DNE-222", status="done", by="fiona", minutes=1)
    assert references(desk.get("/staff/requests")) == ["NEW-222", "NEW-333"]  # who waits longest comes first
    assert references(desk.get("/staff/requests?show=taken")) == ["TKN-222"]
    assert references(desk.get("/staff/requests?show=done")) == ["DNE-222"]
    everything = desk.get("/staff/requests?show=all")
    assert references(everything) == ["DNE-222", "NEW-333", "NEW-222", "TKN-222"]
    assert [int(number) for number in re.findall(r'<span class="count">(\d+)', everything.text)] == [2, 1, 1, 4]
    assert "<title>(2) Requests: all" in everything.text
    assert "Taken by carla" in everything.text and "Done by fiona" in everything.text
    marked = re.search(r'<tr class="marked">(.*?)</tr>', everything.text, re.DOTALL)[1]
    assert "NEW-222" in marked and "waiting 3 hours, longest of all" in marked
    assert log(pages)[0] == ("fiona", "saw requests", "new", "2 of them")


def test_an_empty_list_says_so(desk):
    assert "Nobody is waiting" in desk.get("/staff/requests").text
    assert "There are no requests here" in desk.get("/staff/requests?show=done").text
    assert "No request holds these words" in desk.get("/staff/requests?search=maria").text
    assert desk.get("/staff/requests?show=nonsense&page=-1").status_code == 200
    assert desk.get("/staff/requests?page=99999999999999999999").status_code == 200


@pytest.mark.parametrize(
    "search, found",
    [
        ("maria", ["AAA-222"]),
        ("  MARIA ", ["AAA-222"]),
        ("(202) 555-0143", ["AAA-222"]),
        ("0143", ["AAA-222"]),
        ("jo@example", ["BBB-222"]),
        ("bbb-2", ["BBB-222"]),
        ("insurance", ["BBB-222"]),
        ("o", ["AAA-222", "BBB-222"]),
        ("mornings", []),
        ("%", []),
        ("<b>", []),
    ],
)
def test_search(words_are, desk, put, search, found):
    words_are("encrypted", KEY)
    put("AAA-222", minutes=2)
    put("BBB-222", minutes=1, name="Jo", contact="jo@example.org", topic="Insurance")
    page = desk.get("/staff/requests", params={"search": search})
    assert references(page) == found and "<b>" not in page.text


def test_what_was_searched_for_is_in_no_log(pages, desk, put):
    put("AAA-222")
    desk.get("/staff/requests?search=maria")
    assert "maria" not in str(log(pages)).lower()


def test_a_search_that_was_cut_says_so(monkeypatch, desk, put):
    monkeypatch.setattr(callbacks, "MOST_SEARCHED", 2)
    for number in range(3):
        put(f"AAA-22{number}", minutes=number)
    page = desk.get("/staff/requests?search=maria")
    assert references(page) == ["AAA-221", "AAA-220"] and "requests were searched" in page.text
    assert "requests were searched" not in desk.get("/staff/requests?search=maria&show=taken").text


def test_a_long_list_has_pages(desk, put):
    for number in range(30):
        put(f"P{number:02}-222", minutes=30 - number)
    first, second = desk.get("/staff/requests?search=maria"), desk.get("/staff/requests?search=maria&page=2")
    assert len(references(first)) == 25 and references(second) == [f"P{number}-222" for number in range(25, 30)]
    assert "Page 1 of 2" in first.text and "/staff/requests?show=new&amp;search=maria&amp;page=2" in first.text
    assert 'rel="prev"' in second.text and 'rel="next"' not in second.text


# ---- One request ----


def test_the_details_and_who_looked_at_them(pages, desk, put):
    put("AAA-222", topic=None, best_time=None)
    page = desk.get("/staff/requests/AAA-222")
    assert '<a class="dial" href="tel:+12025550143">(202) 555-0143</a>' in page.text
    assert page.text.count("Not given") == 2 and "Website" in page.text
    assert log(pages) == [("fiona", "saw a request", "AAA-222", None)]
    put("BBB-222", contact="jo@example.org")
    assert 'href="mailto:jo@example.org"' in desk.get("/staff/requests/BBB-222").text


def test_a_conversation_is_for_those_who_may_read_it(pages, desk, put):
    put("AAA-222")
    link = "/staff/conversations/one?id=web%3AAAA-222"
    assert link not in desk.get("/staff/requests/AAA-222").text
    assert link in pages.signed_in("clinician").get("/staff/requests/AAA-222").text


def test_words_of_patients_are_text_and_never_markup(desk, put):
    put("AAA-222", name="<script>alert(1)</script>", contact='"><img src=x>@x.org', topic="{{ 7 * 7 }}")
    for path in ("/staff/requests", "/staff/requests/AAA-222"):
        page = desk.get(path).text
        assert "<script>" not in page and page.count("<script") == 1 and "<img" not in page and "{{ 7 * 7 }}" in page


def test_a_request_that_is_not_there(pages, desk):
    assert desk.get("/staff/requests/NON-222").status_code == 404
    for action in ("take", "notes"):
        assert desk.post(f"/staff/requests/NON-222/{action}", {"words": "Hello"}).status_code == 404
    assert not log(pages)


# ---- Taking, giving back, closing ----


def test_from_new_to_done_and_back(pages, desk, put):
    put("AAA-222", minutes=30)

    def press(action):
        answered = desk.post(f"/staff/requests/AAA-222/{action}")
        assert answered.headers["location"] == "/staff/requests/AAA-222"
        return desk.get("/staff/requests/AAA-222").text, row(pages, "AAA-222")

    page, now = press("take")
    assert "You have this request now." in page and (now.status, now.taken_by) == ("taken", "fiona")
    first = now.taken
    page, now = press("give-back")
    assert "open for everybody again" in page and (now.status, now.taken_by, now.taken) == ("new", None, first)
    page, now = press("take")
    assert now.taken == first  # the first time counts in reports
    page, now = press("done")
    assert "The request is closed" in page and now.status == "done" and now.done >= now.taken
    page, now = press("open-again")
    assert "The request is open again" in page and (now.status, now.taken_by, now.done) == ("new", None, None)
    page, now = press("done")  # answered without taking it first
    assert (now.status, now.taken_by, now.taken) == ("done", "fiona", first)
    told = ["took a request", "gave a request back", "took a request", "closed a request", "opened a request again"]
    assert [action for _, action, _, _ in log(pages) if action != "saw a request"] == [*told, "closed a request"]
    steps = re.findall(r"fiona ([a-z ]+)\.</li>", page)
    assert steps == [*told, "closed a request"]
    assert desk.post("/staff/requests/AAA-222/delete").status_code == 404


def test_the_second_of_two_is_told_who_has_it(pages, desk, put):
    put("AAA-222")
    carla = pages.signed_in("clinician")
    carla.get("/staff/requests/AAA-222")
    carla.post("/staff/requests/AAA-222/take")
    desk.post("/staff/requests/AAA-222/take")
    page = desk.get("/staff/requests/AAA-222").text
    assert "Nothing was changed. carla has this request already." in page
    assert row(pages, "AAA-222").taken_by == "carla"
    assert [who for who, action, _, _ in log(pages) if action == "took a request"] == ["carla"]
    carla.post("/staff/requests/AAA-222/done")
    desk.post("/staff/requests/AAA-222/done")
    assert "carla has closed this request already." in desk.get("/staff/requests/AAA-222").text


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_at_the_same_moment_one_has_it(tmp_path, request, kind):
    url = f"sqlite:///{tmp_path}/crowd.db" if kind == "sqlite" else request.getfixturevalue("fresh_postgres").url
    database = Database(url)
    tables.metadata.create_all(database.engine)
    database.run_now(lambda connection: insert(connection, "AAA-222"))

    def take(name):
        try:
            database.run_now(lambda connection: callbacks.act(connection, "AAA-222", "take", name))
            return name
        except callbacks.TooLate as late:
            return str(late)

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(take, [f"member{number}" for number in range(16)]))
    has_it = database.run_now(lambda connection: callbacks.one(connection, "AAA-222")).taken_by
    assert said.count(has_it) == 1 and said.count(f"{has_it} has this request already.") == 15
    database.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("first", ["note", "erasure"])
def test_a_note_never_outlives_the_erasure_of_its_patient(tmp_path, request, kind, first):
    url = f"sqlite:///{tmp_path}/late.db" if kind == "sqlite" else request.getfixturevalue("fresh_postgres").url
    database = Database(url)
    tables.metadata.create_all(database.engine)
    database.run_now(lambda connection: insert(connection, "AAA-222"))
    found = database.run_now(lambda connection: callbacks.one(connection, "AAA-222"))  # the page is open

    def note(connection):
        callbacks.write_note(connection, found, "fiona", "Called")

    def erase():
        return database.run_now(lambda connection: privacy.erase(connection, found.conversation))

    if first == "erasure":
        erase()
        with pytest.raises(callbacks.TooLate):
            database.run_now(note)
    else:
        with ThreadPoolExecutor(1) as threads:
            with database.engine.begin() as connection:
                note(connection)
                erased = threads.submit(erase)
                time.sleep(0.3)  # the erasure waits for the note, or for SQLite's one writer
            assert erased.result()["request_notes"] == 1
    assert not database.run_now(lambda connection: connection.execute(sa.select(tables.request_notes)).fetchall())
    database.engine.dispose()


# ---- Notes ----


def test_notes_are_kept_sealed_and_in_order(pages, desk, put, words_are):
    words_are("encrypted", KEY)
    put("AAA-222")
    for words in ("Called at 10.\r\nNo answer.", "Spoke with <b>Maria</b>."):
        assert desk.post("/staff/requests/AAA-222/notes", {"words": words}).status_code == 303
    page = desk.get("/staff/requests/AAA-222").text
    assert page.index("Called at 10.\nNo answer.") < page.index("Spoke with &lt;b&gt;Maria&lt;/b&gt;.")
    stored = pages.rows(tables.request_notes)
    assert all(note.words.startswith("fernet:") and note.sender_id == "web:AAA-222" for note in stored)
    assert ("fiona", "wrote a note", "AAA-222", None) in log(pages) and "Maria" not in str(log(pages))


def test_a_double_tap_writes_one_note(pages, desk, put):
    put("AAA-222")
    for _ in range(2):
        assert desk.post("/staff/requests/AAA-222/notes", {"words": "Called."}).status_code == 303
    assert len(pages.rows(tables.request_notes)) == 1


def test_a_note_that_cannot_be_kept_stands_in_its_field_again(pages, desk, put):
    put("AAA-222")
    longest = "x\r\n" * 1000  # 2,000 characters, as a browser counts them
    assert desk.post("/staff/requests/AAA-222/notes", {"words": longest}).status_code == 303
    refused = desk.post("/staff/requests/AAA-222/notes", {"words": "y" * 2001})
    assert refused.status_code == 422 and "y" * 2001 in refused.text and "at most 2,000 characters" in refused.text
    assert 'aria-describedby="words-hint words-problem"' in refused.text
    assert "Please write something first" in desk.post("/staff/requests/AAA-222/notes", {"words": " \r\n "}).text
    assert len(pages.rows(tables.request_notes)) == 1


# ---- Export ----


def exported(answered):
    assert answered.headers["content-type"] == "text/csv; charset=utf-8" and answered.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answered.content.decode("utf-8-sig"), newline="")))


def test_the_export_is_the_present_list(pages, desk, put):
    put("AAA-222")
    put("BBB-222", name='=HYPERLINK("http://evil")', contact="jo@example.org", topic="-2+3", best_time="@noon")
    put("CCC-222", status="done", by="fiona")
    answered = desk.get("/staff/requests.csv?show=new&search=o")
    assert answered.headers["content-disposition"] == 'attachment; filename="requests.csv"'
    header, *rows = exported(answered)
    assert header[0] == "Reference" and {cells[0] for cells in rows} == {"AAA-222", "BBB-222"}
    dangerous = next(cells for cells in rows if cells[0] == "BBB-222")
    assert dangerous[-4:] == ['\'=HYPERLINK("http://evil")', "jo@example.org", "'@noon", "'-2+3"]
    assert next(cells for cells in rows if cells[0] == "AAA-222")[8] == "'+12025550143"
    assert log(pages) == [("fiona", "exported requests", "new", "2 of them")]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_is_a_formula(begin):
    for words in (f"{begin}1+1", f" {begin}1+1", f"{begin}"):
        assert csv_export.neutral(words) == f"'{words}"
    answered = csv_export.csv_response("x.csv", [begin], [[f"{begin}cmd|' /C calc'!A0", 'a,b\n"c"', -5, None]])
    rows = list(csv.reader(io.StringIO(answered.body.decode("utf-8-sig"), newline="")))
    assert rows == [[f"'{begin}"], [f"'{begin}cmd|' /C calc'!A0", 'a,b\n"c"', "-5", ""]]


@pytest.mark.parametrize(
    "words, shown",
    [
        ("price;=1+1", "price;'=1+1"),
        ('price; "@SUM(1)', "price;' \"@SUM(1)"),
        ("a\n=1+1", "a\n'=1+1"),
        ("after 5; not before", "after 5; not before"),
    ],
)
def test_nor_where_a_semicolon_begins_a_cell(words, shown):
    assert csv_export.neutral(words) == shown


# ---- A key that is missing ----


def test_without_the_key_a_row_says_so_and_the_rest_works(pages, desk, put, words_are):
    words_are("encrypted", KEY)
    put("AAA-222")
    desk.get("/staff/password")
    desk.post("/staff/requests/AAA-222/notes", {"words": "Called."})
    words_are("plain")
    put("BBB-222", name="Jo")
    page = desk.get("/staff/requests")
    assert page.status_code == 200 and page.text.count("cannot be read") == 1 and "Jo" in page.text
    details = desk.get("/staff/requests/AAA-222").text
    assert "This request cannot be read" in details and "This note cannot be read" in details and "fernet" not in details
    assert "(cannot be read)" in desk.get("/staff/requests.csv?show=new").text
    assert references(desk.get("/staff/requests?search=AAA")) == ["AAA-222"]
    assert desk.post("/staff/requests/AAA-222/take").status_code == 303


# ---- How times and numbers are shown ----


def test_times_are_the_clinics(monkeypatch):
    chosen = dataclasses.replace(settings(), clinic_timezone="America/Los_Angeles")
    monkeypatch.setattr(clock, "settings", lambda: chosen)
    monkeypatch.setattr(rendering.time, "time", lambda: 1795421000.0)
    assert rendering.when(1795421000.0) == "Mon, Nov 23, 12:03 AM"
    assert rendering.when(1763942400.0) == "Sun, Nov 23, 2025, 4:00 PM"
    assert [rendering.duration(seconds) for seconds in (5, 60, 7300, 90000)] == [
        "less than a minute",
        "1 minute",
        "2 hours",
        "1 day",
    ]


def test_an_admin_erases_a_request_with_its_conversation(pages, put):
    kept, erased = "KPT-234", "GNE-234"
    put(kept)
    put(erased)
    admin = pages.signed_in("admin")
    address = f"/staff/requests/{erased}"
    assert admin.get(address).status_code == 200
    wrong = admin.post(f"{address}/erase", {"typed": kept})
    assert wrong.status_code == 422 and "nothing was erased" in wrong.text
    assert admin.post(f"{address}/erase", {"typed": f" {erased.lower()} "}).headers["location"].startswith("/staff/requests")
    assert admin.get(address).status_code == 404 and admin.get(f"/staff/requests/{kept}").status_code == 200
    assert {row.action for row in pages.rows(tables.audit) if row.object == erased} >= {"erased a request"}
    assert "Erase this request" not in pages.signed_in("clinician").get(f"/staff/requests/{kept}").text
