"""What a patient does from the first look to the deletion of everything, with the real assistant."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.assistant import CLINIC_NAME, CLINIC_PHONE
from tests.browser.websites import page, tag
from tests.browser.widget import ANSWER, OTHER_ANSWER, OTHER_QUESTION, QUESTION, WORDS, Widget, fill
from tests.faults.cluster import wait_until

CONSENT = "I know that a program answers here, and that my words are kept for thirty days."
PRIVACY = "https://clinic.example/privacy"


def test_one_tag_on_a_blank_page_reaches_an_answer(tab, assistant, website):
    tab.goto(website.put("/blank.html", tag(assistant.url)))
    widget = Widget(tab).open()
    widget.ask(QUESTION)
    expect(widget.reply(ANSWER)).to_contain_text("cravings")


def test_the_demonstration_page_reaches_an_answer(tab, assistant):
    tab.goto(assistant.url)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    widget = Widget(tab).open()
    widget.ask(QUESTION)
    expect(widget.reply(ANSWER)).to_contain_text("cravings")


def test_the_first_words_say_what_it_is_and_what_it_is_not(talk):
    first = talk.element.locator('[data-key="introduction"]')
    expect(first).to_contain_text("automated assistant")
    expect(first).to_contain_text("not a person")
    expect(first).to_contain_text("medical advice")
    expect(talk.notice).to_contain_text(WORDS["notice"])
    expect(talk.element.locator(".starters button")).to_have_count(4)
    expect(talk.notice.get_by_role("link", name=fill("callNumber", number="911"))).to_have_attribute("href", "tel:911")
    expect(talk.notice.get_by_role("link", name=fill("callNumber", number="988"))).to_have_attribute("href", "tel:988")
    expect(talk.notice.get_by_role("link", name=fill("textNumber", number="988"))).to_have_attribute("href", "sms:988")
    chat = talk.notice.get_by_role("link", name=fill("chatNumber", number="988"))
    expect(chat).to_have_attribute("href", "https://988lifeline.org/chat")


@pytest.mark.parametrize("key", ["starterOne", "starterTwo", "starterThree", "starterFour"])
def test_each_question_of_the_first_screen_has_an_answer(talk, key):
    talk.element.get_by_role("button", name=WORDS[key]).click()
    turn = talk.answered(talk.turns.first)
    expect(turn.locator('.reply[data-action^="utter_faq/"]')).to_have_count(1)


def test_nothing_is_sent_before_the_panel_is_opened(widget, assistant):
    sockets = []
    widget.page.on("websocket", lambda socket: sockets.append(socket.url))
    widget.page.reload()
    expect(widget.launcher).to_be_visible()
    widget.page.wait_for_load_state("networkidle")
    assert sockets == [] and "ticket" not in widget.kept


def test_an_answer_shows_the_time_and_the_claims_it_rests_on(talk):
    turn = talk.ask(QUESTION)
    expect(turn.locator("time")).to_have_count(2)
    sources = turn.get_by_text("From the clinic's document")
    claims = turn.get_by_role("listitem")
    expect(claims).to_have_count(0)
    expect(talk.sources).to_have_count(1)
    talk.sources.click()
    expect(sources.first).to_contain_text('From the clinic\'s document: "Therapy for Addiction"')
    expect(claims.first).to_contain_text("cravings")
    expect(turn.locator(".bubble.theirs")).not_to_contain_text("From the clinic's document")  # said once


def test_a_quick_reply_is_a_question(talk):
    talk.ask(QUESTION)
    talk.quick_replies.get_by_role("button", name="Triggers").click()
    answered = talk.answered(talk.turns.nth(1))
    expect(answered.locator(".mine .bubble")).to_contain_text("Triggers")
    expect(talk.reply("utter_faq/triggers")).to_be_visible()
    expect(talk.quick_replies).to_have_count(1)


def test_dots_until_the_answer_is_complete(talk, assistant):
    talk.ask(QUESTION)
    assistant.freeze()
    try:
        talk.write(OTHER_QUESTION)
        expect(talk.says(WORDS["sending"])).to_be_visible()
    finally:
        assistant.thaw()
    talk.answered(talk.turns.nth(1))
    expect(talk.says(WORDS["sending"])).to_have_count(0)
    expect(talk.reply(OTHER_ANSWER)).to_be_visible()


def test_thumbs_are_kept_with_the_reason(talk, assistant):
    turn = talk.ask(QUESTION)
    up, down = (turn.get_by_role("button", name=WORDS[key], exact=True) for key in ("feedbackUp", "feedbackDown"))
    asked = "SELECT utter_action, value, reason FROM feedback WHERE sender_id = ?"

    up.click()
    expect(talk.status).to_contain_text(WORDS["feedbackThanks"])
    expect(up).to_have_attribute("aria-pressed", "true")
    assert assistant.rows(asked, talk.conversation) == [(ANSWER, "up", None)]

    down.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    turn.get_by_label(WORDS["feedbackReason"]).fill("I wanted to know about alcohol")
    turn.get_by_role("button", name=WORDS["feedbackSend"], exact=True).click()
    expect(turn.get_by_label(WORDS["feedbackReason"])).to_have_count(0)
    wait_until(lambda: "alcohol" in str(assistant.rows(asked, talk.conversation)))
    assert [row[:2] for row in assistant.rows(asked, talk.conversation)] == [(ANSWER, "down")]

    down.click()
    expect(talk.status).to_contain_text(WORDS["feedbackTakenBack"])
    assert assistant.rows(asked, talk.conversation) == []


def test_a_person_is_always_in_reach(talk):
    talk.person.click()
    sheet = talk.page.get_by_role("region", name=WORDS["person"])
    expect(sheet).to_contain_text(fill("personPhone", clinic=CLINIC_NAME))
    expect(sheet.get_by_role("link", name=re.compile(CLINIC_PHONE))).to_have_attribute("href", "tel:5551234567")
    talk.button("personAsk").click()
    talk.answered(talk.turns.nth(0))
    expect(talk.reply("utter_talk_to_person")).to_contain_text(CLINIC_PHONE)
    expect(sheet).to_have_count(0)


def test_the_transcript_is_what_was_said(talk):
    talk.ask(QUESTION)
    talk.ask(OTHER_QUESTION)
    talk.menu.click()
    with talk.page.expect_download() as started:
        talk.page.get_by_role("button", name=WORDS["saveTranscript"]).click()
    assert started.value.suggested_filename == WORDS["transcriptFile"]
    saved = started.value.path().read_text(encoding="utf-8")
    parts = [QUESTION, "Cravings are not about will power", "Therapy for Addiction", OTHER_QUESTION, "have the prices"]
    places = [saved.find(part) for part in parts]
    assert -1 not in places and places == sorted(places), saved
    assert WORDS["notice"] in saved


def test_a_new_conversation_begins_empty(talk):
    talk.ask(QUESTION)
    before = talk.conversation
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["newConversation"]).click()
    expect(talk.turns).to_have_count(0)
    expect(talk.status).to_contain_text(WORDS["newConversationDone"])
    talk.ask(OTHER_QUESTION)
    assert talk.conversation != before
    expect(talk.turns).to_have_count(1)


def test_a_deleted_conversation_is_gone_from_the_database(talk, assistant):
    turn = talk.ask("My neighbour Xanthippe swears by it. " + QUESTION)
    turn.get_by_role("button", name=WORDS["feedbackUp"], exact=True).click()
    expect(talk.status).to_contain_text(WORDS["feedbackThanks"])
    before = talk.conversation
    assert {"events", "turns", "conversations", "feedback"} <= set(assistant.kept(before))

    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    talk.button("deleteNo").click()
    expect(talk.turns).to_have_count(1)
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    talk.button("deleteYes").click()

    expect(talk.status).to_contain_text(WORDS["deleteDone"])
    expect(talk.turns).to_have_count(0)
    assert assistant.kept(before) == []
    assistant.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Xanthippe" not in assistant.database.read_bytes()

    talk.ask(OTHER_QUESTION)
    talk.page.reload()
    talk.open()
    expect(talk.turns).to_have_count(1)


@pytest.mark.parametrize("settings", [{"privacy_link": PRIVACY}])
def test_the_privacy_notice_is_linked(talk):
    links = talk.page.get_by_role("link", name=WORDS["privacy"])
    expect(links).to_have_count(1)
    talk.menu.click()
    expect(links).to_have_count(2)
    for number in range(2):
        expect(links.nth(number)).to_have_attribute("href", PRIVACY)


@pytest.mark.parametrize("settings", [{"consent": CONSENT}])
def test_without_consent_nothing_is_sent(tab, clinic_page):
    sockets = []
    tab.on("websocket", lambda socket: sockets.append(socket.url))
    tab.goto(clinic_page)
    talk = Widget(tab).open()
    expect(talk.says(CONSENT)).to_be_visible()
    expect(talk.notice).to_be_visible()
    expect(talk.input).to_be_disabled()
    tab.wait_for_load_state("networkidle")
    assert sockets == []

    talk.button("consentAgree").click()
    expect(talk.says(CONSENT)).to_have_count(0)
    talk.ask(QUESTION)
    assert len(sockets) == 1
    tab.reload()
    expect(Widget(tab).open().input).to_be_enabled()


@pytest.mark.parametrize(
    "settings", [{"title": "Ask Willow Creek", "greeting": "What is on your mind?", "position": "left", "open": "true"}]
)
def test_the_tag_decides_title_greeting_and_place(tab, clinic_page):
    tab.goto(clinic_page)
    panel = tab.get_by_role("dialog", name="Ask Willow Creek")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text("What is on your mind?")
    assert panel.bounding_box()["x"] < 100
    assert tab.evaluate("document.activeElement === document.body")  # a panel that opens by itself leaves the focus alone


def test_custom_properties_colour_it(tab, assistant, website):
    style = "<style>infusion-guide { --ig-accent: rgb(10, 20, 120); --ig-on-accent: rgb(255, 255, 240); }</style>"
    tab.goto(website.put("/colours.html", page(style + tag(assistant.url))))
    shown = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
    assert Widget(tab).launcher.evaluate(shown) == ["rgb(10, 20, 120)", "rgb(255, 255, 240)"]


def test_a_typed_command_is_words(talk, assistant):
    talk.ask(QUESTION)
    talk.ask("/restart")
    assert assistant.patient_said(talk.conversation)[-1] == "/restart"
    talk.page.reload()
    expect(talk.open().turns).to_have_count(2)
