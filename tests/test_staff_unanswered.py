"""The pages Unanswered and Teaching over HTTP: missed questions grouped, taught, ignored, taken back."""

import html
import re
import time

import pytest
import sqlalchemy as sa

from infusion_guide.nlu.encoder import encoder
from infusion_guide.staff import teaching as teaching_page
from infusion_guide.storage import misses as module
from infusion_guide.storage import sealing
from infusion_guide.storage import taught as room
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.sealing import seal
from infusion_guide.storage.tables import audit, misses
from infusion_guide.teaching import groups, trial, waiting
from infusion_guide.teaching.waiting import Line
from tests.staff_pages import StaffPages

PARKING = ["where can i park at your office", "is there parking at the office", "Where do I park when I come to your office?"]
PETS = ["can my dog come along", "may my dog come with me"]
ADDRESSES = ("/staff/unanswered", "/staff/unanswered/decided", "/staff/unanswered/1", "/staff/teaching")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    encoder()
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def taught_elsewhere(monkeypatch, tmp_path, pages):
    """The room of taught sentences is a folder of the test; nothing is missed yet."""
    monkeypatch.setattr(room, "folder", lambda project=None: tmp_path / "taught")
    (tmp_path / "taught").mkdir()
    pages.run(lambda connection: connection.execute(sa.delete(misses)))
    pages.run(lambda connection: connection.execute(sa.delete(audit)))


def miss(pages, *texts, label="uncovered/booking_logistics", **values):
    """Stores missed messages; their ids."""

    def work(connection):
        ids = []
        for number, text in enumerate(texts):
            row = {"sender_id": "web:1", "message_id": f"{time.time_ns()}-{number}", "at": time.time() - 60, "reason": "fallback"}
            row.update(said="utter_fallback_rephrase", label=label, confidence=0.2, words=seal(text), **values)
            ids.append(connection.execute(sa.insert(misses).values(**row)).inserted_primary_key[0])
        return ids

    return pages.run(work)


def listed(pages, query="", role="clinician"):
    """The page, once sorting is over."""
    for _ in range(40):
        answered = pages.signed_in(role).get(f"/staff/unanswered{query}")
        if "Refresh" not in answered.headers:
            break
        time.sleep(0.2)
    assert answered.status_code == 200
    return html.unescape(answered.text)


def post(pages, address, role="clinician", **fields):
    pages.signed_in(role).get("/staff/password")
    return pages.signed_in(role).post(address, fields)


def said(pages, answered, role="clinician"):
    """What the page after a redirect tells."""
    assert answered.status_code == 303, answered.text
    text = pages.signed_in(role).get(answered.headers["location"]).text
    return html.unescape(re.search(r'class="said" role="status">([^<]*)<', text)[1])


def decisions(pages):
    return [(row.decision, row.topic, row.decided_by) for row in pages.rows(misses)]


def noted(pages):
    return [(row.staff, row.action, row.object) for row in pages.rows(audit) if not row.action.startswith("signed")]


def test_only_clinicians_and_admins_look_and_only_admins_start(pages):
    for address in ADDRESSES:
        assert pages.browser().get(address).headers["location"].startswith("/staff/sign-in")
        assert pages.signed_in("front_desk").get(address).status_code == 403
    for role, status in (("front_desk", 403), ("clinician", 403)):
        assert post(pages, "/staff/teaching/start", role).status_code == status
    assert post(pages, "/staff/unanswered/ignore", "front_desk", ids="1").status_code == 403


def test_groups_by_what_was_asked_the_most_frequent_first(pages):
    miss(pages, *PETS)
    miss(pages, *PARKING, PARKING[0], "my name is Maria Lopez, where can i park at your office")
    shown = listed(pages)
    assert re.findall(r'<h2 id="group-\d+">(\d+) messages?, maybe on Booking and hours', shown) == ["4", "2", "1"]
    assert "my name is [name], where can i park" in shown and "Maria" not in shown
    assert "asked for other words" in shown and "Not understood: 4" in shown
    assert ("carla", "saw missed questions", "7 messages") in noted(pages)


def test_one_reason_alone(pages):
    miss(pages, PARKING[0])
    miss(pages, PETS[0], reason="thumbs_down")
    shown = listed(pages, "?reason=thumbs_down")
    assert PETS[0] in shown and PARKING[0] not in shown


def test_old_and_decided_ones_are_not_shown(pages):
    miss(pages, PARKING[0], at=time.time() - 31 * 86400)
    miss(pages, PETS[0], decision="ignored", decided=time.time(), decided_by="ada")
    assert "Nothing is waiting here." in listed(pages)


def test_words_that_cannot_be_read_are_counted(pages):
    ids = miss(pages, PARKING[0], PETS[0])
    sealed = "fernet:" + "gAAAAABn" * 20
    pages.run(lambda c: c.execute(sa.update(misses).where(misses.c.id == ids[1]).values(words=sealed)))
    shown = listed(pages)
    assert "1 message cannot be read" in shown and PARKING[0] in shown


def test_danger_stands_apart_and_cannot_be_taught(pages):
    ids = miss(pages, "i took all my pills at once and want to die", label="uncovered/safety")
    also = miss(pages, "there is no light left for me anywhere", label="crisis/suicide")
    miss(pages, PETS[0])
    shown = listed(pages)
    apart, rest = shown.split("group-", 1)
    for words in ("i took all my pills at once", "no light left for me"):
        assert words in apart and words not in rest
    assert "a clinician and the engineer" in apart
    assert pages.signed_in("clinician").get(f"/staff/unanswered/{ids[0]}").status_code == 303
    post(pages, "/staff/unanswered/ignore", ids=str(also[0]))
    assert "no light left for me" not in listed(pages)


def test_teach_keeps_sentences_decision_and_audit_and_can_be_taken_back(pages):
    ids = miss(pages, *PARKING)
    opened = html.unescape(pages.signed_in("clinician").get(f"/staff/unanswered/{ids[0]}").text)
    assert '<option selected value="uncovered/booking_logistics">' in opened
    assert all(words in opened for words in PARKING)
    assert "crisis/" not in opened
    sentences = "- is there a car park by the door\n\nis there a car park by the door?\nwhere do guests leave cars"
    fields = {"ids": " ".join(map(str, ids)), "topic": "uncovered/booking_logistics", "sentences": sentences}
    answered = post(pages, f"/staff/unanswered/{ids[0]}/teach", **fields)
    assert said(pages, answered).startswith("2 sentences wait for the next trial, for the topic Booking and hours")
    lines = waiting.waiting()
    assert [line.text for line in lines] == ["is there a car park by the door", "where do guests leave cars"]
    assert {line.taught_by for line in lines} == {"carla"}
    assert decisions(pages) == [("taught", "uncovered/booking_logistics", "carla")] * 3
    assert ("carla", "taught 2 sentences", "3 missed questions") in noted(pages)
    assert "is there a car park" in pages.signed_in("clinician").get("/staff/teaching").text
    row = pages.rows(misses)[0]
    assert "Taught: Booking and hours" in pages.signed_in("admin").get("/staff/unanswered/decided").text
    taken_back = post(pages, "/staff/unanswered/undo", "admin", at=repr(row.decided), by="carla")
    assert said(pages, taken_back, "admin") == "Taken back. The messages are on the list again."
    assert decisions(pages) == [(None, None, None)] * 3 and waiting.waiting() == []
    assert ("ada", "took back a decision", "taught") in noted(pages)


@pytest.mark.parametrize(
    "sentences, problem",
    [
        ("", "Please write at least one sentence"),
        ("\n".join(f"where do people number {n} park" for n in range(21)), "At most 20 sentences at a time"),
        ("where do guests park\ni am Maria Lopez", "Sentence 2: This may tell who somebody is (i am [name])"),
    ],
)
def test_what_may_not_be_taught_is_said_at_the_field(pages, sentences, problem):
    ids = miss(pages, PARKING[0])
    fields = {"ids": str(ids[0]), "topic": "uncovered/booking_logistics", "sentences": sentences}
    answered = post(pages, f"/staff/unanswered/{ids[0]}/teach", **fields)
    assert answered.status_code == 422
    shown = html.unescape(answered.text)
    assert problem in re.search(r'id="sentences-problem">([^<]*)<', shown)[1]
    assert 'aria-describedby="sentences-hint sentences-problem"' in shown
    assert waiting.waiting() == [] and decisions(pages) == [(None, None, None)]


@pytest.mark.parametrize("topic, problem", [("", "Please choose a topic."), ("crisis/suicide", "Please choose a topic from")])
def test_the_topic_must_be_one_that_may_be_taught(pages, topic, problem):
    ids = miss(pages, PARKING[0])
    answered = post(pages, f"/staff/unanswered/{ids[0]}/teach", ids=str(ids[0]), topic=topic, sentences="where do guests park")
    assert answered.status_code == 422 and problem in answered.text
    assert waiting.waiting() == []


def test_a_topic_is_proposed(pages):
    ids = miss(pages, *PETS)
    address, own = f"/staff/unanswered/{ids[0]}/new-topic", " ".join(map(str, ids))
    assert "Please give it a name." in post(pages, address, ids=own, name="", why="x y").text
    refused = post(pages, address, ids=own, name="Pets", why="Maria Lopez asked for it")
    assert refused.status_code == 422 and "may tell who somebody is" in refused.text
    assert decisions(pages) == [(None, None, None)] * 2
    post(pages, address, ids=own, name="Pets", why="Asked every week; the office says no dogs.")
    assert decisions(pages) == [("new_topic", "Pets: Asked every week; the office says no dogs.", "carla")] * 2
    assert "Asked every week" in pages.signed_in("clinician").get("/staff/unanswered/decided").text


def test_who_comes_second_changes_nothing(pages):
    ids = miss(pages, PARKING[0])
    assert said(pages, post(pages, "/staff/unanswered/ignore", ids=str(ids[0]))).startswith("Done.")
    again = post(pages, "/staff/unanswered/ignore", "admin", ids=str(ids[0]))
    assert said(pages, again, "admin").startswith("Nothing was changed")
    late = {"ids": str(ids[0]), "topic": "uncovered/cost", "sentences": "where do guests leave cars"}
    assert said(pages, post(pages, f"/staff/unanswered/{ids[0]}/teach", **late)).startswith("Nothing was changed")
    assert waiting.waiting() == [] and decisions(pages) == [("ignored", None, "carla")]
    assert post(pages, "/staff/unanswered/ignore", ids="1; drop").status_code == 400


def test_teaching_says_when_it_cannot_be_done_here(pages, monkeypatch):
    monkeypatch.setattr(waiting, "can_write", lambda project=None: False)
    monkeypatch.setattr(teaching_page.command, "can_write", lambda project=None: False)
    ids = miss(pages, PARKING[0])
    assert "Nothing can be taught here" in pages.signed_in("clinician").get(f"/staff/unanswered/{ids[0]}").text
    fields = {"ids": str(ids[0]), "topic": "uncovered/cost", "sentences": "where do guests leave cars"}
    assert "Nothing can be taught here" in post(pages, f"/staff/unanswered/{ids[0]}/teach", **fields).text
    shown = pages.signed_in("admin").get("/staff/teaching").text
    assert "Trials cannot run here" in shown and "builds the image anew" in shown
    assert said(pages, post(pages, "/staff/teaching/start", "admin"), "admin").startswith("Nothing was started.")


def test_a_trial_is_started_once_and_watched(pages, monkeypatch):
    started = []
    monkeypatch.setattr(teaching_page.command, "start", lambda: started.append(1) or True)
    assert said(pages, post(pages, "/staff/teaching/start", "admin"), "admin") == "Nothing is waiting."
    waiting.add([Line("uncovered/cost", "what do guests pay", "carla", "2026-11-23T09:00:00.000Z")])
    assert "Try them" not in pages.signed_in("clinician").get("/staff/teaching").text
    assert "Try them" in pages.signed_in("admin").get("/staff/teaching").text
    post(pages, "/staff/teaching/start", "admin")
    assert started == [1] and ("ada", "started a trial", "waiting sentences") in noted(pages)
    known = {"state": "running", "step": "training", "began": time.time() - 70, "lines": []}
    monkeypatch.setattr(trial, "state", lambda: known)
    monkeypatch.setattr(trial, "is_running", lambda: True)
    watched = pages.signed_in("clinician").get("/staff/teaching?watch=on")
    assert watched.headers["refresh"] == "10" and "Step 3 of 6: training" in watched.text and "Stop that" in watched.text
    assert "refresh" not in pages.signed_in("clinician").get("/staff/teaching").headers
    post(pages, "/staff/teaching/start", "admin")
    assert started == [1]


def test_the_last_trial_side_by_side(pages, monkeypatch):
    line = {"topic": "uncovered/cost", "text": "what do guests pay", "taught_by": "carla", "on": "2026-11-23T09:00:00.000Z"}
    figures = {
        "before": [["faq: right topic", 0.888, 259, ">= 0.82", True]],
        "after": [["faq: right topic", 0.811, 259, ">= 0.82", False]],
    }
    known = {
        "state": "refused",
        "reason": "These figures fell too far.",
        "lines": [line],
        "answered": ["faq/cravings"],
        "at": 1.0,
    }
    monkeypatch.setattr(trial, "state", lambda: {**known, **figures})
    shown = pages.signed_in("clinician").get("/staff/teaching").text
    assert "Did not go live" in shown and "0.888" in shown and "0.811" in shown and "&gt;= 0.82, missed" in shown
    assert "what do guests pay" in shown and "Cravings" in shown


def test_lines_are_removed_and_taught_ones_taken_out(pages):
    room.write({"uncovered/cost": ["what do guests pay"]})
    waiting.add([Line("uncovered/cost", "what do I owe", "carla", "2026-11-23T09:00:00.000Z")])
    fields = {"topic": "uncovered/cost", "text": "what do I owe"}
    assert said(pages, post(pages, "/staff/teaching/remove", withdraw="no", **fields)) == "It is off the list."
    assert waiting.waiting() == []
    assert "not among those" in said(pages, post(pages, "/staff/teaching/withdraw", **fields))
    post(pages, "/staff/teaching/withdraw", topic="uncovered/cost", text="what do guests pay")
    assert [(line.text, line.withdraw) for line in waiting.waiting()] == [("what do guests pay", True)]
    assert "to be taken out" in pages.signed_in("clinician").get("/staff/teaching").text


def test_nothing_is_put_on_the_list_or_taken_off_without_the_audit_log(pages, monkeypatch):
    def away(*_):
        raise DatabaseUnavailable("away")

    room.write({"uncovered/cost": ["what do guests pay"]})
    waiting.add([Line("uncovered/cost", "what do I owe", "carla", "2026-11-23T09:00:00.000Z")])
    before = waiting.waiting()
    pages.signed_in("clinician").get("/staff/password")
    monkeypatch.setattr("infusion_guide.storage.accounts.note", away)
    assert post(pages, "/staff/teaching/remove", topic="uncovered/cost", text="what do I owe").status_code == 503
    assert post(pages, "/staff/teaching/withdraw", topic="uncovered/cost", text="what do guests pay").status_code == 503
    assert waiting.waiting() == before


def test_the_list_does_not_wait_for_the_sorting(pages, monkeypatch):
    """Long sorting: a hint at once, other pages answer meanwhile, the next look has the groups."""
    monkeypatch.setattr("infusion_guide.staff.unanswered._PATIENCE", 0.05)
    slow, sort = time.sleep, groups.Sorter.groups
    monkeypatch.setattr(groups.Sorter, "groups", lambda self, texts: slow(0.6) or sort(self, texts))
    miss(pages, PARKING[0])
    begun = time.monotonic()
    first = pages.signed_in("clinician").get("/staff/unanswered")
    assert first.headers["refresh"] == "2" and "Putting similar messages together" in first.text
    assert pages.signed_in("clinician").get("/staff/teaching").status_code == 200
    assert time.monotonic() - begun < 0.6
    time.sleep(0.6)
    assert PARKING[0] in pages.signed_in("clinician").get("/staff/unanswered").text


def test_encrypted_words_are_read_with_their_key(pages, monkeypatch):
    from cryptography.fernet import Fernet

    from infusion_guide.clinic.settings import Settings

    chosen = Settings(stored_words="encrypted", encryption_key=Fernet.generate_key().decode())
    monkeypatch.setattr(sealing, "settings", lambda: chosen)
    ids = miss(pages, PARKING[0])
    rows = pages.run(module.undecided, 0.0)
    assert rows[0].words.startswith("fernet:")
    found, unreadable = module.opened(rows)
    assert [(one.id, one.words) for one in found] == [(ids[0], PARKING[0])] and unreadable == 0
