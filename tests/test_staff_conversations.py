"""The page "Conversations": only the three kinds, redacted, the original words for a reason that is written down."""

import dataclasses
import html
import json
import re
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from rasa.shared.core.events import BotUttered, UserUttered

from infusion_guide.callbacks.callback import Callback
from infusion_guide.clinic.settings import settings
from infusion_guide.staff import conversations
from infusion_guide.storage import callbacks, sealing, tables
from infusion_guide.text import redaction
from tests.staff_pages import StaffPages

HERE = "/staff/conversations"
CRISIS, REQUEST, FEEDBACK, PLAIN = "web:crisis0001", "sms:request0002", "telegram:fb<b>0003", "web:plain0004"
WORDS = "My name is Maria Lopez, call me at (555) 010-0199. I want to die"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture(autouse=True)
def talks(pages):
    """One conversation of each kind, and one that staff have no reason to see."""
    for table in (tables.conversations, tables.events, tables.requests, tables.feedback, tables.audit, tables.misses):
        pages.run(lambda connection, table=table: connection.execute(table.delete()))
    store(pages, CRISIS, [(WORDS, "utter_crisis/suicide", "Call or text 988.")], crisis=time.time())
    summary = ("pickle", "utter_ask_callback_send", "Name: Pickle\nPhone: (555) 010-0123")
    store(pages, REQUEST, [summary, ("<script>alert(1)</script>", "utter_faq/ptsd", "It may.")])
    store(pages, FEEDBACK, [("does it hurt", "utter_uncovered/side_effects", "Ask Dr. Reed at the clinic.")])
    store(pages, PLAIN, [("I am Peter Example", "utter_chitchat/greet", "Hello.")])
    given = {"name": "Pickle", "contact": "+15550100123"}
    pages.run(callbacks.put, Callback("K7M-2QX", REQUEST, "sms", 1.0, given))
    judged = {"message_id": "1", "number": 0, "utter_action": "utter_faq/ptsd", "value": "down", "at": 1.0}
    put(pages, tables.feedback, sender_id=FEEDBACK, **judged)


def put(pages, table, **row):
    pages.run(lambda connection: connection.execute(table.insert().values(**row)))


def store(pages, sender, said, crisis=None):
    """A conversation of turns (the patient's words, the reply's name, its words)."""
    now = time.time()
    values = {"version": 1, "state": sealing.seal({"slots": {}}), "started": now, "updated": now, "crisis": crisis}
    put(pages, tables.conversations, sender_id=sender, **values)
    rows = []
    for words, name, told in said:
        for event in (
            UserUttered(words),
            BotUttered(told, {"buttons": [{"title": "More", "payload": "/x"}]}, {"utter_action": name}),
        ):
            row = {"sender_id": sender, "type_name": event.type_name, "timestamp": now, "data": sealing.seal(event.as_dict())}
            rows.append(row)
    pages.run(lambda connection: connection.execute(tables.events.insert(), rows))


def one(browser, sender, page=1):
    return browser.request("GET", f"{HERE}/one", params={"id": sender, "page": page})


def words_of(answered):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def notes(pages):
    return [(row.staff, row.action, row.object, row.detail) for row in pages.rows(tables.audit)]


def original(browser, sender, **fields):
    one(browser, CRISIS)
    return browser.post(f"{HERE}/original", {"id": sender, "page": 1, **fields})


def test_front_desk_sees_none_and_only_admins_delete(pages):
    desk, clinician, admin = (pages.signed_in(role) for role in ("front_desk", "clinician", "admin"))
    desk.get("/staff/password")
    assert desk.get(HERE).status_code == one(desk, CRISIS).status_code == 403
    assert desk.post(f"{HERE}/original", {"id": CRISIS, "purpose": "care"}).status_code == 403
    assert clinician.get(HERE).status_code == admin.get(HERE).status_code == 200
    assert "Delete this conversation" not in one(clinician, CRISIS).text and "Delete this conversation" in one(admin, CRISIS).text
    assert clinician.post(f"{HERE}/delete", {"id": CRISIS, "typed": CRISIS[-4:]}).status_code == 403
    assert pages.browser().get(HERE).status_code == 303
    assert clinician.post(f"{HERE}/original", {"id": CRISIS, "purpose": "care", "csrf_token": ""}).status_code == 403
    assert len(pages.rows(tables.conversations)) == 4


def test_only_the_three_kinds_are_listed_each_with_its_reason(pages):
    browser = pages.signed_in("clinician")
    page = browser.get(HERE)
    rows = [words_of(type("row", (), {"text": row})) for row in re.findall(r"<tr>(.*?)</tr>", page.text, re.S)[1:]]
    assert len(rows) == 3 and "3 conversations" in page.text and "plain0004" not in page.text
    found = {row.split("…")[1]: row for row in rows}
    assert (
        "Crisis Website 1" in found["is0001"]
        and "Request Text messages 2" in found["st0002"]
        and "Feedback Telegram 1" in found["<b>0003"[-6:]]
    )
    assert "1 conversation," in browser.get(f"{HERE}?why=feedback").text
    assert notes(pages) == [
        ("carla", "saw conversations", "all", "3 of them"),
        ("carla", "saw conversations", "feedback", "1 of them"),
    ]
    assert "3 conversations" in browser.get(f"{HERE}?why=nonsense&page=x").text
    assert "There are none." in browser.get(f"{HERE}?page=99").text


@pytest.mark.parametrize("sender", [PLAIN, "web:nobody", "", "'; --", "x" * 3000])
def test_others_are_nothing_even_when_their_id_is_guessed(pages, sender):
    browser = pages.signed_in("admin")
    assert one(browser, sender).status_code == 404
    assert original(browser, sender, purpose="care").status_code == 404
    assert browser.post(f"{HERE}/delete", {"id": sender, "typed": sender[-4:]}).status_code == 404
    assert not [note for note in notes(pages) if note[2] == sender] and len(pages.rows(tables.conversations)) == 4


def test_who_the_patient_is_is_taken_out_and_the_look_is_noted(pages):
    page = words_of(one(pages.signed_in("clinician"), CRISIS))
    assert "My name is [name], call me at [phone]. I want to die" in page and "Maria" not in page and "0199" not in page
    assert "Call or text 988. Buttons: More" in page  # the assistant's own words stay as they were
    assert notes(pages) == [("carla", "saw a conversation", CRISIS, "redacted")]


def test_what_the_form_asked_for_is_taken_out_of_both_sides(pages):
    answered = one(pages.signed_in("clinician"), REQUEST)
    page = words_of(answered)
    assert "[name]" in page and "Phone: [phone]" in page and "0123" not in page and "pickle" not in page.lower()
    assert "&lt;script&gt;alert(1)" in answered.text and "<script>" not in answered.text


def test_a_message_of_many_lines_does_not_keep_staff_waiting(pages, monkeypatch):
    read = []
    redact = redaction.redact
    monkeypatch.setattr(redaction, "redact", lambda text: read.append(text) or redact(text))
    store(
        pages,
        "web:long0005",
        [("My name is Maria Lopez\n" + "so tired\n" * 200, "utter_crisis/suicide", "Call 988.")],
        time.time(),
    )
    shown = pages.signed_in("clinician").get(f"{HERE}/one", params={"id": "web:long0005"}).text
    assert "My name is [name] so tired so tired" in shown and "Lopez" not in shown
    assert len([text for text in read if "tired" in text]) == 1


def test_an_id_with_any_characters_is_a_link_that_works(pages):
    browser = pages.signed_in("clinician")
    link = re.search(rf'href="({HERE}/one\?id=telegram[^"]*)"', browser.get(HERE).text)[1]
    page = browser.get(html.unescape(link))
    assert page.status_code == 200 and "fb&lt;b&gt;0003" in page.text and "does it hurt" in page.text


def test_the_original_words_need_a_reason_which_is_noted(pages):
    browser = pages.signed_in("clinician")
    for fields in (
        {},
        {"purpose": ""},
        {"purpose": "curious"},
        {"purpose": "other", "words": "  "},
        {"purpose": "care", "words": "x" * 151},
    ):
        refused = original(browser, CRISIS, **fields)
        assert refused.status_code == 422 and "Maria" not in refused.text and 'class="problem"' in refused.text, fields
    assert {note[1] for note in notes(pages)} == {"saw a conversation"}

    shown = original(browser, CRISIS, purpose="other", words="asked by Dr. Reed")
    assert shown.status_code == 200 and WORDS in words_of(shown) and shown.headers["cache-control"] == "no-store"
    assert notes(pages)[-1] == ("carla", "saw the original words", CRISIS, "Another reason, in my words: asked by Dr. [name]")
    assert "Maria" not in one(browser, CRISIS).text
    assert "<script>" not in original(browser, REQUEST, purpose="care").text


def test_the_audit_log_holds_no_word_of_a_patient(pages):
    browser = pages.signed_in("clinician")
    original(browser, CRISIS, purpose="care")
    assert not re.search("Maria|0199|want to die", json.dumps([list(row) for row in notes(pages)]))


def test_a_long_talk_is_shown_in_pages_the_newest_first(pages):
    long = "web:long0005"
    store(pages, long, [(f"message {number}", "utter_faq/ptsd", "It may.") for number in range(120)], crisis=1.0)
    browser = pages.signed_in("clinician")
    first, last = words_of(one(browser, long)), words_of(one(browser, long, page=3))
    assert re.search(r"message 70 .*message 119 ", first) and "message 69 " not in first and "Page 1 of 3" in first
    assert re.search(r"message 0 .*message 19 ", last) and "message 20 " not in last
    assert "message 0 " in words_of(one(browser, long, page=99))
    shown = original(browser, long, purpose="care", page=3)
    assert "message 0 " in words_of(shown) and "message 20 " not in words_of(shown)


@pytest.fixture
def encrypted(pages, monkeypatch):
    def use(key):
        chosen = dataclasses.replace(settings(), stored_words="encrypted" if key else "plain", encryption_key=key)
        monkeypatch.setattr(sealing, "settings", lambda: chosen)

    return use


def test_encrypted_words_are_read_with_the_key_and_kindly_not_without(pages, encrypted):
    browser, key = pages.signed_in("admin"), Fernet.generate_key().decode()
    encrypted(key)
    store(pages, "web:sealed0006", [(WORDS, "utter_crisis/suicide", "Call 988.")], crisis=1.0)
    assert "call me at [phone]" in words_of(one(browser, "web:sealed0006"))
    assert WORDS in words_of(original(browser, "web:sealed0006", purpose="care"))
    for other in ("", Fernet.generate_key().decode()):
        encrypted(other)
        for answered in (one(browser, "web:sealed0006"), original(browser, "web:sealed0006", purpose="care")):
            page = words_of(answered)
            assert answered.status_code == 503 and "Nothing is lost" in page and "ENCRYPTION_KEY" in page
            assert "Delete this conversation" in page  # a patient's wish does not wait for a key
        assert "sealed0006"[-6:] in browser.get(HERE).text


def test_an_admin_deletes_one_at_the_patients_request(pages, monkeypatch):
    wiped = []
    monkeypatch.setattr(conversations, "wipe", wiped.append)
    browser = pages.signed_in("admin")
    one(browser, REQUEST)
    refused = browser.post(f"{HERE}/delete", {"id": REQUEST, "typed": "0001"})
    assert refused.status_code == 422 and "nothing was deleted" in refused.text and len(pages.rows(tables.requests)) == 1
    gone = browser.post(f"{HERE}/delete", {"id": REQUEST, "typed": REQUEST[-4:]})
    assert gone.status_code == 303 and gone.headers["location"] == HERE
    assert not pages.rows(tables.requests)
    for table in (tables.conversations, tables.events):
        assert REQUEST not in {row.sender_id for row in pages.rows(table)} and len(pages.rows(table))
    assert "Deleted, with everything" in browser.get(HERE).text and one(browser, REQUEST).status_code == 404
    deleted = next(note for note in notes(pages) if note[1] == "deleted a conversation")
    assert deleted[::2] == ("ada", REQUEST) and "6 rows" in deleted[3]
    assert wiped == [pages.database]


def test_what_was_deleted_leaves_no_trace_in_the_file(pages):
    def traces():
        name = Path(pages.database.engine.url.database)
        files = [file for file in (name, Path(f"{name}-wal")) if file.exists()]
        return sum(file.read_bytes().count(b"Maria Lopez") for file in files)

    browser = pages.signed_in("admin")
    one(browser, CRISIS)
    assert traces()
    browser.post(f"{HERE}/delete", {"id": CRISIS, "typed": CRISIS[-4:]})
    end = time.monotonic() + 5  # it is cleared after the answer
    while traces() and time.monotonic() < end:
        time.sleep(0.05)
    assert not traces()
