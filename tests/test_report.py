"""The report: what it counts, what it hides, what it says, and the file and tables it writes."""

import contextlib
import csv
import io
import re
import subprocess
import sys
from base64 import b64decode
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from infusion_guide.clinic.settings import Settings
from infusion_guide.replies.book import topic_title
from infusion_guide.report import __main__ as command
from infusion_guide.report import disclosure, page
from infusion_guide.report.disclosure import SMALL, Count, protect, share
from infusion_guide.report.figures import Tally, figures, gather, gather_now
from infusion_guide.report.period import Period, PeriodError
from infusion_guide.storage import tables
from infusion_guide.storage.database import Database, migrate
from tests.report_example import LAST, PERIOD, ZONE, fill, fresh

# ---- What is hidden ----

# Mostly small numbers, and those at the edges of what a rounded number may mean.
_numbers = st.one_of(st.integers(0, 12), st.sampled_from((14, 15, 17, 18, 22, 23, 44, 45, 204, 205)))
_leaves = st.lists(_numbers, min_size=1, max_size=4).map(lambda numbers: {str(n): Count(x) for n, x in enumerate(numbers)})


@st.composite
def _trees(draw):
    """A tree as figures.py builds it: two breakdowns of the whole, and one part that has parts with parts."""
    questions = Count.of(outcome={str(n): Count.of(step=leaves) for n, leaves in enumerate(draw(st.lists(_leaves, max_size=3)))})
    kinds = {"questions": questions, **draw(_leaves)}
    rest, hours = sum(kind.number for kind in kinds.values()), {}
    while rest and len(hours) < 5:
        taken = min(rest, draw(st.sampled_from((1, 2, 3, 4, 5, 9, 50))))
        hours[str(len(hours))] = Count(taken)
        rest -= taken
    return Count.of(kind=kinds, hour={**hours, "last": Count(rest)})


def _possible(whole, wanted):
    """Least and greatest number that `wanted` may be, for somebody who has the whole report and a linear program."""
    counts = list(whole)
    place = {count: number for number, count in enumerate(counts)}
    sums = [(count, parts) for count in counts for parts in count.breakdowns.values()]
    equations = [[0] * len(counts) for _ in sums]
    for row, (count, parts) in zip(equations, sums):
        row[place[count]] = -1
        for part in parts.values():
            row[place[part]] = 1
    limits = {"A_eq": equations, "b_eq": [0] * len(sums), "bounds": [count.shown for count in counts], "method": "highs"}
    aim = [int(count is wanted) for count in counts]
    return round(linprog(aim, **limits).fun), -round(linprog([-number for number in aim], **limits).fun)


@settings(max_examples=60, deadline=None)
@given(_trees())
def test_no_number_from_1_to_4_can_be_worked_out(whole):
    protect(whole)
    for count in whole:
        low, high = count.shown
        assert low <= count.number <= high, "what is shown is true"
        if 0 < count.number < SMALL:
            least, greatest = _possible(whole, count)
            assert least < greatest, [(part.number, part.text) for part in whole]


@pytest.mark.parametrize("step", range(len(disclosure._WIDTHS)))
def test_what_reads_alike_is_drawn_alike(step):
    sizes = {}
    for number in range(300):
        count = Count(number, step=step)
        sizes.setdefault(count.text, set()).add(count.size)
    assert all(len(found) == 1 for found in sizes.values())
    assert Count(1).text == Count(4).text == "<5" and Count(0).text == "0" and Count(5).text == "5"


def test_a_total_does_not_give_the_one_small_number_away():
    parts = {"Website": Count(512), "WhatsApp": Count(62), "Telegram": Count(3), "Slack": Count(0)}
    protect(Count.of(channel=parts))
    assert [count.text for count in parts.values()] == ["512", "about 60", "<5", "0"]


def test_two_small_numbers_hide_each_other_unless_both_are_the_least():
    hidden, pinned = ({"a": Count(1), "b": Count(2), "c": Count(9)}, {"a": Count(1), "b": Count(1), "c": Count(9)})
    protect(Count.of(x=hidden), Count.of(x=pinned))
    assert [count.text for count in hidden.values()] == ["<5", "<5", "9"]
    assert [count.text for count in pinned.values()] == ["<5", "<5", "<10"]


def test_shares_rest_on_five_at_least():
    assert share(Count(412), Count(530)) == "78%"
    assert share(Count(3), Count(530)) == share(Count(3), Count(4)) == "" and share(Count(0), Count(40)) == "0%"


def test_breakdowns_must_add_up():
    with pytest.raises(ValueError, match="day, channel add up to different numbers"):
        Count.of(day={"a": Count(2)}, channel={"b": Count(3)})


# ---- What is counted ----


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The database of the invented clinic."""
    made = fresh(tmp_path_factory.mktemp("report"))
    fill(made)
    yield made
    made.engine.dispose()


@pytest.fixture
def empty(tmp_path):
    made = fresh(tmp_path)
    yield made
    made.engine.dispose()


def _put(made, *rows):
    with made.engine.begin() as connection:
        for at, what, name, count in rows:
            row = {"hour": at.timestamp() // 3600 * 3600, "channel": "web", "what": what, "name": name, "count": count}
            connection.execute(sa.insert(tables.facts), row)


def _texts(parts):
    return {label: count.text for label, count in parts.items() if count.number}


def test_everything_is_counted_once(example):
    """Against a plain count of the rows."""
    found = gather_now(example, PERIOD)
    with example.engine.connect() as connection:
        rows = connection.execute(sa.select(tables.facts)).all()
    turns = [row.name for row in rows if row.what == "turn"]
    assert found.conversations.number == sum(row.what == "conversation" for row in rows) > 300
    assert found.messages.number == len(turns)
    assert {name: count.number for name, count in found.outcomes.items()} == {name: turns.count(name) for name in found.outcomes}
    assert found.thumbs.number == sum(row.what in ("up", "down") for row in rows)
    assert found.requests.number == sum(row.what == "request" for row in rows)
    replies = [row.name for row in rows if row.what == "reply"]
    assert all(replies.count(name) == count.number for name, count in found.topics.items())


def test_days_and_hours_are_the_clinics_when_clocks_change(empty):
    """November 1, 2026 has 25 hours in New York; 11:30 PM is the next day in UTC."""
    first, last = date(2026, 10, 31), date(2026, 11, 2)
    moments = (
        (datetime(2026, 10, 30, 23, 30, tzinfo=ZONE), 100),  # the day before
        (datetime(2026, 10, 31, 0, 0, tzinfo=ZONE), 5),
        (datetime(2026, 11, 1, 1, 30, tzinfo=ZONE), 6),
        (datetime(2026, 11, 1, 1, 30, tzinfo=ZONE, fold=1), 7),
        (datetime(2026, 11, 1, 23, 30, tzinfo=ZONE), 8),
        (datetime(2026, 11, 2, 23, 30, tzinfo=ZONE), 9),
        (datetime(2026, 11, 3, 0, 0, tzinfo=ZONE), 100),  # the day after
    )
    _put(empty, *((at, what, name, n) for at, n in moments for what, name in (("conversation", None), ("turn", "other"))))
    found = gather_now(empty, Period(first, last, ZONE))
    assert _texts(found.conversations.breakdowns["step"]) == {"Oct 31": "5", "Nov 1": "21", "Nov 2": "9"}
    assert _texts(found.messages.breakdowns["hour"]) == {"00": "5", "01": "13", "23": "17"}


def test_a_thumb_taken_back_counts_no_more_and_never_less_than_nothing(empty):
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    name = "utter_faq/cravings"
    _put(empty, (at, "up", name, 7), (at, "up", name, -1), (at, "down", "utter_uncovered/cost", -2), (at, "down", name, 6))
    found = gather_now(empty, PERIOD)
    up, down = found.thumbs.breakdowns["kind"].values()
    assert (up.text, down.text, found.thumbs.text) == ("6", "6", "12") and _texts(down.breakdowns["topic"]) == {name: "6"}


def test_a_thumb_taken_back_in_another_piece_of_a_long_time(empty):
    name = "utter_faq/cravings"
    _put(empty, (datetime(2026, 1, 5, tzinfo=ZONE), "up", name, 9), (datetime(2026, 11, 5, tzinfo=ZONE), "up", name, -3))
    assert gather_now(empty, Period(date(2026, 1, 1), LAST, ZONE)).thumbs.text == "6"


def test_a_long_time_is_counted_in_pieces_without_gap_or_overlap():
    period = Period(date(2025, 1, 1), date(2026, 11, 22), ZONE)
    pieces = list(period.pieces())
    assert len(pieces) == 14 and all(end == start for (_, end), (start, _) in zip(pieces, pieces[1:]))
    assert period.local(pieces[0][0]) == datetime(2025, 1, 1, tzinfo=ZONE)
    assert period.local(pieces[-1][1]) == datetime(2026, 11, 23, tzinfo=ZONE)


@pytest.mark.parametrize(
    "days, unit, steps",
    [(31, "day", 31), (32, "week", 5), (210, "week", 30), (205, "week", 30), (211, "month", 8), (800, "month", 27)],
)
def test_there_are_never_more_bars_than_one_can_read(days, unit, steps):
    first = date.fromordinal(LAST.toordinal() - days + 1)
    period = Period(first, LAST, ZONE)
    assert (period.unit, len(period.steps())) == (unit, steps)


def test_medians_rest_on_five_requests(monkeypatch):
    open_all_day = Settings(clinic_hours="Mon-Fri 9:00-17:00")
    monkeypatch.setattr("infusion_guide.clinic.hours.settings", lambda: open_all_day)
    evening = datetime(2026, 11, 9, 16, 30, tzinfo=ZONE).timestamp()  # a Monday; taken on Tuesday at 9:30
    spans = [(evening, evening + 17 * 3600)] * 5
    found = figures(PERIOD, [Tally(taken=spans, done=spans[:4])])
    assert (found.until_taken, found.open_until_taken) == (17 * 3600, 3600)
    assert found.until_done is None and found.open_until_done is None


def test_postgres_counts_as_sqlite_does(example, fresh_postgres):
    migrate(fresh_postgres.url)
    other = Database(fresh_postgres.url)
    fill(other)
    found, expected = gather_now(other, PERIOD), gather_now(example, PERIOD)
    assert page.tables(found) == page.tables(expected) and page.lead(found) == page.lead(expected)
    other.engine.dispose()


# ---- What is written ----


@pytest.fixture(scope="module")
def written(example, tmp_path_factory):
    """What `make report` wrote of the invented clinic: the file, the folder of tables, and what it said."""
    folder = tmp_path_factory.mktemp("written")
    days = ["--from", str(PERIOD.first), "--to", str(PERIOD.last)]
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(command, "database", lambda: example)
        patch.setattr(command, "migrate", lambda url: None)
        patch.setattr(command, "clinic_today", lambda: LAST)
        assert command.main([*days, "--out", str(folder / "new" / "r.html"), "--csv", str(folder / "csv")]) == 0
    return (folder / "new" / "r.html").read_text(encoding="utf-8"), folder / "csv", said.getvalue().splitlines()


async def test_the_report_says_what_matters_first(example, written):
    text, _, said = written
    found = await gather(example, PERIOD)
    words = re.sub(r"<[^>]+>", "", text[text.index("<main>") :])
    answered, questions = found.outcomes["answered"].number, found.questions.number
    share_of = round(100 * answered / questions)
    sentence = f"In the last 30 days the assistant answered {answered} of {questions} questions ({share_of}%)."
    assert words.split("made on Nov 22, 2026")[1].strip().startswith(sentence) and said[0] == sentence
    assert words.index("sounded like a crisis") < words.index("What became of the questions")
    assert "Price" in words and "uncovered/cost" not in words
    for section in page.sections(found):
        assert section.table and section.finding
    assert text.count("<figure>") == text.count("<figcaption>") == text.count("<img ") == 10
    assert text.count("<table>") == text.count("<caption>") == 11 and '<img src="data:' in text and 'alt=""' not in text


def _row(made, table, **values):
    with made.engine.begin() as connection:
        connection.execute(sa.insert(table).values(**values))


def test_is_it_safe_counts_crises_by_path_and_their_notices(empty):
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    suicide, overdose = "utter_crisis/suicide", "utter_crisis/overdose"
    _put(empty, (at, "turn", "crisis", 9), (at, "reply", suicide, 6), (at, "reply", overdose, 2), (at, "turn", "check_in", 7))
    _put(empty, (at, "reply", "utter_crisis/care_safe", 8), (at, "reply", "utter_crisis/check_in", 7))
    states = {"a": {"done": 9.0}, "b": {"done": None}, "c": {"done": 9.0, "failed": "gone"}}
    for name, state in states.items():
        row = {"kind": "mail", "sender_id": "web:a", "key": f"crisis web:a {name}", "payload": "{}", "attempts": 1}
        sent = at.timestamp()
        shift = {"done": sent + 120 if state["done"] else None, "failed": state.get("failed")}
        _row(empty, tables.outbox, **row, at=sent, due=sent, **shift)
    exact = figures(PERIOD, [empty.run_now(lambda c: Tally.read(*next(PERIOD.pieces()), c))], exact=True)
    part = next(part for part in page.sections(exact) if part.title == "Is it safe?")
    rows = dict(part.table.rows)
    assert {rows[f"Found as: {topic_title(name)}"] for name in (suicide,)} == {"6"} and rows["All crises"] == "9"
    assert rows[f"Found as: {topic_title(overdose)}"] == "2" and rows["Found as: Of no single kind"] == "1"
    assert rows["Came by: Website"] == "9" and rows["Asked first how the person is"] == "7"
    assert [rows[f"Notices {state}"] for state in ("delivered", "waiting", "given up")] == ["1", "1", "1"]
    assert rows["Median time until a notice was delivered"] == "2 min" and "tell the engineer now" in part.advice
    hidden = next(part for part in page.sections(gather_now(empty, PERIOD)) if part.title == "Is it safe?")
    assert not {"1", "2", "3", "4"} & {row[1] for row in hidden.table.rows} and "not shown" in str(hidden.table.rows)


def test_what_to_write_next_leaves_out_what_the_clinic_answers_and_names_what_was_missed(empty):
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    _put(empty, (at, "reply", "utter_uncovered/cost", 30), (at, "reply", "utter_uncovered/insurance", 12))
    _put(empty, (at, "reply", "utter_uncovered/driving", 3))
    own = {"topic": "uncovered/cost", "version": 1, "text": "It costs 400 dollars.", "written_by": "carla", "at": 1.0}
    _row(empty, tables.clinic_answers, **own)
    for number in range(7):
        row = {"sender_id": "web:a", "message_id": str(number), "reason": "fallback", "said": "utter_fallback_rephrase"}
        _row(empty, tables.misses, **row, words="{}", label="uncovered/driving", at=at.timestamp() + number)
    tallies = [empty.run_now(lambda c: Tally.read(*next(PERIOD.pieces()), c))]

    def rows(exact):
        part = next(part for part in page.sections(figures(PERIOD, tallies, exact)) if part.title == "What should we write next?")
        return part.table.rows

    insurance, driving = topic_title("uncovered/insurance"), topic_title("uncovered/driving")
    assert rows(False) == [(insurance, "12", "0"), (driving, "0", "7")]
    assert rows(True) == [(insurance, "12", "0"), (driving, "3", "7")]


def test_staff_read_exact_numbers_and_what_is_passed_on_hides_small_ones(example):
    exact = figures(PERIOD, [example.run_now(lambda c, s=s, e=e: Tally.read(s, e, c)) for s, e in PERIOD.pieces()], exact=True)
    cells = [cell for table in page.tables(exact) for row in table.rows for cell in row]
    assert not [cell for cell in cells if "<" in cell or "about" in cell or "not shown" in cell]
    assert {"1", "2", "3"} & set(cells)
    assert "Every number here is exact" in page.body(exact) and "Small numbers stay hidden" not in page.body(exact)


def test_the_file_needs_nothing_from_outside(written):
    pictures = [b64decode(found).decode() for found in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", written[0])]
    plain = re.sub(r"data:image/svg\+xml;base64,[^\"]+", "", written[0])
    assert "://" not in plain and "<script" not in plain and "url(" not in plain and "@import" not in plain
    assert len(pictures) == 10
    for svg in pictures:
        assert not re.search(r'(?:href="|url\()(?!#)', svg) and "<script" not in svg


def test_the_tables_are_files_without_small_numbers(written, example):
    _, folder, said = written
    assert {path.stem for path in folder.iterdir()} == {table.name for table in page.tables(gather_now(example, PERIOD))}
    assert len(said) == 13  # the sentence, the file, eleven tables
    for path in folder.iterdir():
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert not any(cell in ("1", "2", "3", "4") for row in rows for cell in row)
        if path.stem == "questions":
            assert rows[0] == ["Day", "Answered", "No answer written yet", "Declined", "Not understood"]
            assert len(rows) == 32 and any("<5" in row for row in rows)


def _report_of(made, number):
    """The words, tables and pictures of a report in which everything happened `number` times."""
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    reply = "utter_faq/cravings"
    _put(made, *((at, what, None, number) for what in ("conversation", "request")))
    _put(made, *((at, what, name, number) for what, name in (("turn", "answered"), ("reply", reply), ("up", reply))))
    found = gather_now(made, PERIOD)
    parts = page.sections(found)
    words = [(part.title, part.finding, part.alt, part.advice, part.table) for part in parts]
    # Matplotlib draws names of shapes by lot.
    pictures = [re.sub(r'(id="|#|clip-path=")[\w(#]+', "", part.plot()) for part in parts if part.plot]
    return [page.lead(found), page.rest(found), page.notices(found), words], pictures


def test_two_and_three_make_the_same_report(tmp_path):
    """Tables, words, heights, axes: nothing tells one small number from another."""
    made = {}
    for number in (2, 3):
        (tmp_path / str(number)).mkdir()
        made[number] = _report_of(fresh(tmp_path / str(number)), number)
    assert made[2] == made[3] and len(made[2][1]) == 7
    assert str(made[2][0]).count("<5") > 10


@pytest.mark.parametrize(
    "outcomes, lead, rest",
    [
        (
            {"answered": 412, "uncovered": 70, "missed": 48},
            "412 of 530 questions (78%)",
            "70 had no answer written yet and 48 were",
        ),
        (
            {"answered": 3, "uncovered": 9, "declined": 2},
            "fewer than five of 14 questions.",
            "9 had no answer written yet and fewer",
        ),
        ({"answered": 40}, "40 of 40 questions (100%)", ""),
        ({"declined": 2}, "none of fewer than five questions.", "fewer than five were declined."),
    ],
)
def test_the_first_words_whatever_happened(empty, outcomes, lead, rest):
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    _put(empty, *((at, "turn", name, number) for name, number in outcomes.items()))
    found = gather_now(empty, PERIOD)
    assert f"From Oct 24 to Nov 22, 2026, the assistant answered {lead}" in page.lead(found)
    assert page.rest(found).startswith(f"Of the others, {rest}") if rest else page.rest(found) == ""


def test_nothing_in_this_time_is_said_kindly(empty):
    found = gather_now(empty, PERIOD)
    text = page.document(found, LAST)
    assert "In the last 30 days nobody asked the assistant a question." in text
    assert "<img" not in text and "<table" not in text and "Nobody waits." in text and page.tables(found) == []


def test_topics_are_called_what_patients_read():
    assert topic_title("uncovered/cost") == "Price" and topic_title("fallback_rephrase") == "Fallback rephrase"


# ---- Which days ----


@pytest.mark.parametrize("words", ["2026-13-01", "yesterday", "11/01/2026", "0001-01-01", "9999-12-31", "20261101"])
def test_a_wrong_date_is_told_with_its_form(words):
    with pytest.raises(PeriodError, match="is not a date we can use. Write it as YYYY-MM-DD"):
        Period.read(words, None)


def test_days_that_make_no_report():
    with pytest.raises(PeriodError, match="before the first day .* swap"):
        Period.read("2026-11-02", "2026-11-01")
    with pytest.raises(PeriodError, match="801 days. A report covers at most 800: counts are not kept much longer"):
        Period.read("2024-09-13", "2026-11-22")
    assert Period.read("2024-09-14", "2026-11-22").days == 800


def test_without_dates_it_is_the_last_thirty_days(monkeypatch):
    monkeypatch.setattr("infusion_guide.clinic.clock.settings", lambda: Settings(clinic_timezone="Asia/Tokyo"))
    today = datetime.now(ZoneInfo("Asia/Tokyo")).date()
    period = Period.read()
    assert (period.last, period.days, period.zone.key) == (today, 30, "Asia/Tokyo")
    assert Period.read(None, "2026-11-30").first == date(2026, 11, 1)


# ---- make report ----


def test_the_command_says_why_it_cannot(monkeypatch, tmp_path, empty, capsys):
    monkeypatch.setattr(command, "database", lambda: empty)
    monkeypatch.setattr(command, "migrate", lambda url: None)
    assert command.main(["--from", "tomorrow"]) == 1
    assert "YYYY-MM-DD" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert command.main(["--out", str(tmp_path / "file" / "r.html")]) == 1
    assert "See OUT and CSV" in capsys.readouterr().err


def test_a_cell_is_no_formula(empty, tmp_path):
    at = datetime(2026, 11, 5, 12, tzinfo=ZONE)
    with empty.engine.begin() as connection:
        row = {"hour": at.timestamp(), "channel": "=1+1", "what": "conversation", "name": None, "count": 9}
        connection.execute(sa.insert(tables.facts), row)
    command.write_tables(gather_now(empty, PERIOD), tmp_path)
    assert "'=1+1,9,100%" in (tmp_path / "channels.csv").read_text(encoding="utf-8-sig")


def test_drawing_is_loaded_only_to_draw_and_changes_nothing_of_others():
    """The assistant's processes must not pay for Matplotlib, nor find its settings changed."""
    code = (
        "import sys; from infusion_guide.report import figures, page, plots; from infusion_guide.report.disclosure import Count\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib; before = matplotlib.rcParams.copy()\n"
        "plots.ranked({'a $1 and $2': Count(7)}, plots.BLUE)\n"
        "assert matplotlib.rcParams.copy() == before and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
