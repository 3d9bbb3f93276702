"""Signing one reply after another, comments, releases; and what is said while nobody has signed (SERVE_UNSIGNED)."""

import dataclasses
import html
import re
import time

import pytest

from infusion_guide.clinic.settings import Settings
from infusion_guide.replies import review, signed
from infusion_guide.replies.book import names
from infusion_guide.replies.topic import Topic
from infusion_guide.staff import signing
from infusion_guide.staff.examples import led_here
from infusion_guide.storage import clinic_answers, reviews, tables
from infusion_guide.storage import signing as stored
from tests.staff_pages import StaffPages

SUICIDE, PTSD = "/staff/sign/crisis/suicide", "/staff/sign/faq/ptsd"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with StaffPages(tmp_path_factory.mktemp("staff")) as found:
        yield found


@pytest.fixture
def clinician(pages):
    browser = pages.signed_in("clinician")
    browser.get("/staff/password")
    return browser


@pytest.fixture(autouse=True)
def empty(pages):
    kept = (tables.clinic_answers, tables.reviews, tables.audit, tables.signed_words, tables.reply_comments, tables.releases)
    for table in kept:
        pages.run(lambda connection, table=table: connection.execute(table.delete()))


def words_of(answered):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answered.text)).split())


def sign(browser, path):
    digest = re.search(r'name="digest" value="(\w+)"', browser.get(path).text)[1]
    return browser.post(path, {"digest": digest})


def sign_all(pages, but=()):
    """Signatures under all replies but those named."""
    for entry in review.entries({}, {}):
        if entry.name not in but:
            pages.run(stored.sign, entry.name, entry.digest, review.as_text(entry.readings), "carla")


def test_it_begins_with_a_crisis_and_goes_on_to_the_next_that_waits(pages, clinician):
    first = clinician.get("/staff/sign").headers["location"]
    assert first.startswith("/staff/sign/crisis/")
    page = words_of(clinician.get(first))
    assert f"1 of {len(names())}:" in page and "Crisis, 1 of" in page and f"0 signed, {len(names())} to go" in page
    second = sign(clinician, first).headers["location"]
    assert second.startswith("/staff/sign/crisis/") and second != first
    page = words_of(clinician.get(second))
    assert f"2 of {len(names())}:" in page and "1 signed" in page and "Signed:" in page
    assert [row.name for row in pages.rows(tables.reviews)] == [f"utter_{first.removeprefix('/staff/sign/')}"]


def test_like_stands_beside_like():
    kinds = [Topic.of(name).kind for name in names()]
    assert kinds[0] == "crisis" and len([1 for one, other in zip(kinds, kinds[1:]) if one != other]) == len(set(kinds)) - 1


def test_both_languages_stand_side_by_side(clinician):
    page = clinician.get(SUICIDE).text
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", page, re.S)
    assert rows and all('lang="es"' in spanish or "no words of its own" in spanish for _, spanish in rows)
    assert all('lang="en"' in english or "no words of its own" in english for english, _ in rows)
    assert any('lang="es"' in spanish for _, spanish in rows)


def test_a_page_of_every_reply_can_be_read(clinician):
    for name in (names()[0], "utter_chitchat/thanks", "utter_fallback_person", "utter_faq/ptsd", names()[-1]):
        assert clinician.get(f"/staff/sign/{Topic.of(name).label}").status_code == 200
    assert clinician.get("/staff/sign/nothing").status_code == 404


def test_who_is_led_here_is_told_with_five_sentences(clinician):
    found = led_here("utter_faq/ptsd")
    assert len(found) == len(set(found)) == 5 and {language for language, _ in found} == {"en", "es"}
    page = clinician.get(PTSD).text
    assert all(html.escape(sentence, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page for _, sentence in found)
    assert led_here("utter_fallback_person") == ()
    assert "No sentence leads here by itself" in clinician.get("/staff/sign/fallback_person").text


def test_what_changed_since_it_was_signed_is_a_difference(pages, clinician):
    entry = next(each for each in review.entries({}, {}) if each.name == "utter_faq/ptsd")
    was = review.as_text(entry.readings).replace("flashbacks", "bad dreams")
    pages.run(stored.sign, entry.name, "0" * 64, was, "dora")
    page = clinician.get(PTSD).text
    assert "What changed since dora signed it" in page and "Changed since it was signed" in page
    assert re.search(r"<del>.*?bad dreams</del>", page) and re.search(r"<ins>.*?flashbacks</ins>", page)
    pages.run(lambda connection: connection.execute(tables.signed_words.delete()))
    assert "were not kept" in clinician.get(PTSD).text
    sign(clinician, PTSD)
    assert "What changed" not in clinician.get(PTSD).text


def test_changed_words_are_not_signed_and_a_signature_can_be_taken_back(pages, clinician):
    clinician.get(PTSD)
    refused = clinician.post(PTSD, {"digest": "0" * 64})
    assert refused.status_code == 409 and not pages.rows(tables.reviews)
    sign(clinician, PTSD)
    assert "Take my signature back" in clinician.get(PTSD).text
    digest = pages.rows(tables.reviews)[0].digest
    clinician.post(f"{PTSD}/take-back", {"digest": digest})
    assert not pages.rows(tables.reviews) and "Taken back." in clinician.get(PTSD).text
    pages.run(lambda c: reviews.sign(c, "utter_faq/ptsd", digest, "carla"))
    pages.run(lambda c: c.execute(tables.reviews.update().values(at=time.time() - 700)))
    clinician.post(f"{PTSD}/take-back", {"digest": digest})
    assert len(pages.rows(tables.reviews)) == 1


def test_only_clinicians_sign_and_admins_comment(pages):
    admin = pages.signed_in("admin")
    assert "A clinician signs here." in admin.get(PTSD).text
    assert admin.post(PTSD, {"digest": "x"}).status_code == 403
    assert admin.post("/staff/releases", {"digest": "x", "name": "N"}).status_code == 403
    assert admin.post(f"{PTSD}/comment", {"words": "Say it shorter."}).status_code == 303
    assert pages.signed_in("front_desk").get(PTSD).status_code == 403


def test_a_comment_stands_there_until_it_is_settled(pages, clinician):
    for _ in range(2):
        clinician.post(f"{PTSD}/comment", {"words": "Say <b>it</b> shorter."})
    assert len(pages.rows(tables.reply_comments)) == 1
    page = clinician.get(PTSD).text
    assert "Say &lt;b&gt;it&lt;/b&gt; shorter." in page
    assert "To settle: 1 comment" in words_of(clinician.get("/staff/answers?review=commented"))
    assert "Please write something first" in clinician.post(f"{PTSD}/comment", {"words": " "}).text
    number = pages.rows(tables.reply_comments)[0].id
    assert clinician.post(f"/staff/sign/comments/{number}/settle").headers["location"] == PTSD
    assert "shorter" not in clinician.get(PTSD).text
    clinician.post(f"/staff/sign/comments/{number}/settle")
    assert "Somebody settled it already." in clinician.get(PTSD).text
    assert "shorter" not in str([tuple(row) for row in pages.rows(tables.audit)])


def test_a_release_is_everything_signed_named_and_dated(pages, clinician):
    sign_all(pages, but=["utter_faq/ptsd"])
    assert "1 of" in words_of(clinician.get("/staff/releases"))
    digest = signing_digest(clinician)
    assert clinician.post("/staff/releases", {"digest": digest, "name": "Early"}).status_code == 409
    assert clinician.get("/staff/sign").headers["location"] == PTSD
    assert sign(clinician, PTSD).headers["location"] == "/staff/releases"
    page = clinician.get("/staff/releases").text
    digest = re.search(r'name="digest" value="(\w+)"', page)[1]
    assert clinician.post("/staff/releases", {"digest": digest, "name": "x"}).status_code == 422
    assert clinician.post("/staff/releases", {"digest": digest, "name": "Winter"}).status_code == 303
    (row,) = pages.rows(tables.releases)
    assert (row.name, row.digest, row.signed_by) == ("Winter", digest, "carla")
    line = "This is release Winter, signed by carla on"
    assert line in words_of(clinician.get("/staff/releases")) and line in words_of(clinician.get("/staff/sign-off"))
    assert digest in clinician.get("/staff/sign-off").text
    assert clinician.get("/staff/sign").headers["location"] == "/staff/releases"

    pages.run(lambda c: clinic_answers.save(c, "uncovered/cost", "One visit costs 400 dollars.", "carla", 0))
    page = words_of(clinician.get("/staff/releases"))
    assert "Changed since release Winter" in page and "1 reply is not as they were signed then" in page and "Price" in page


def signing_digest(browser):
    return re.search(r"Digest of what is said now: (\w+)", browser.get("/staff/releases").text)[1]


def test_a_hundred_and_more_replies_are_signed_by_one_key_each(pages, clinician):
    """Enough for half an hour: one page and one press a reply, each in a blink."""
    begun, address, count = time.monotonic(), clinician.get("/staff/sign").headers["location"], 0
    while address != "/staff/releases" and count < 20:
        address, count = sign(clinician, address).headers["location"], count + 1
    assert count == 20 and (time.monotonic() - begun) / count < 1.0


# ---- SERVE_UNSIGNED ----


@pytest.fixture
def kept_back(monkeypatch):
    monkeypatch.setattr(signed, "settings", lambda: dataclasses.replace(Settings(), serve_unsigned=False))
    monkeypatch.setattr(signed, "_signed", frozenset())


def test_unsigned_answers_are_kept_back_and_danger_never_is(kept_back):
    for name in names():
        expected = Topic.of(name).kind not in ("faq", "uncovered", "advice", "misuse")
        assert signed.may_say(name, "") == expected, name
    assert signed.may_say("utter_uncovered/cost", "One visit costs 400 dollars.")
    signed.use_signed([("utter_faq/ptsd", review.digest("utter_faq/ptsd", "")), ("utter_faq/anxiety", "0" * 64)])
    assert signed.may_say("utter_faq/ptsd", "") and not signed.may_say("utter_faq/anxiety", "")


def test_everything_is_said_unless_the_clinic_chose_otherwise():
    assert Settings().serve_unsigned and all(signed.may_say(name, "") for name in names())


def test_difference_of_paragraphs():
    assert signing.changed_lines("a b\n\nsame", "a c\n\nsame") == [[("same", "a"), ("removed", "b"), ("added", "c")]]
    assert signing.changed_lines("same", "same\n\nnew") == [[("added", "new")]]


async def test_the_assistant_leads_to_the_clinic_in_the_place_of_what_nobody_signed(kept_back):
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    from infusion_guide.engine.replies import ReviewedReplies

    tracker = DialogueStateTracker.from_events("web:a", [UserUttered("does it help with ptsd")])
    said = ReviewedReplies()

    async def reply(name):
        return (await said.generate(name, tracker, "web"))["utter_action"]

    assert await reply("utter_faq/ptsd") == signed.INSTEAD
    assert await reply("utter_crisis/suicide") == "utter_crisis/suicide"
    signed.use_signed([("utter_faq/ptsd", review.digest("utter_faq/ptsd", ""))])
    assert await reply("utter_faq/ptsd") == "utter_faq/ptsd"
