"""Several windows, reloads, and tickets that are not the visitor's."""

import hashlib
import time

import pytest
from itsdangerous import TimestampSigner
from playwright.sync_api import expect

from tests.browser.assistant import conversation_of
from tests.browser.widget import ANSWER, OTHER_ANSWER, OTHER_QUESTION, QUESTION, WORDS, Widget
from tests.faults.cluster import wait_until

KEEP = "ticket => sessionStorage.setItem('infusion-guide', JSON.stringify({ ticket, unsent: [], agreed: false }))"


@pytest.fixture
def another(context, clinic_page):
    """The open widget in another tab; with `copied`, a duplicate of that tab: browsers copy its session storage."""

    def make(copied=None):
        tab = context.new_page()
        if copied:
            kept = copied.page.evaluate("sessionStorage.getItem('infusion-guide')")
            tab.add_init_script(f"sessionStorage.getItem('infusion-guide') ?? sessionStorage.setItem('infusion-guide', {kept!r})")
        tab.goto(clinic_page)
        return Widget(tab).open()

    return make


def test_a_duplicated_tab_shows_the_same_talk_once(talk, another):
    talk.ask(QUESTION)
    twin = another(copied=talk)
    expect(twin.turns).to_have_count(1)
    assert twin.texts == talk.texts

    talk.ask(OTHER_QUESTION)
    twin.answered(twin.turns.nth(1))
    twin.quick_replies.get_by_role("button", name="Insurance").click()
    twin.answered(twin.turns.nth(2))
    talk.answered(talk.turns.nth(2))
    expect(talk.mine.last).to_contain_text("Insurance")
    expect(talk.turns).to_have_count(3)
    expect(twin.turns).to_have_count(3)
    assert twin.texts == talk.texts and len(set(talk.texts)) == len(talk.texts)


def test_what_one_window_deletes_is_gone_from_the_other(talk, another, assistant):
    talk.ask(QUESTION)
    twin = another(copied=talk)
    expect(twin.turns).to_have_count(1)
    deleted = talk.conversation
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["deleteConversation"]).click()
    talk.button("deleteYes").click()
    expect(twin.turns).to_have_count(0)
    expect(twin.status).to_contain_text(WORDS["deleteElsewhere"])
    twin.ask(OTHER_QUESTION)
    assert twin.conversation != deleted
    assert assistant.kept(deleted) == []


def test_two_tabs_have_conversations_of_their_own(talk, another):
    talk.ask(QUESTION)
    stranger = another()
    stranger.ask(OTHER_QUESTION)
    assert stranger.conversation != talk.conversation
    expect(stranger.turns).to_have_count(1)
    expect(talk.turns).to_have_count(1)
    expect(talk.reply(OTHER_ANSWER)).to_have_count(0)


def test_a_reload_goes_on_with_the_talk(talk):
    talk.ask(QUESTION)
    talk.quick_replies.get_by_role("button", name="Triggers").click()
    talk.answered(talk.turns.nth(1))
    before, conversation = talk.texts, talk.conversation
    talk.page.reload()
    talk.open()
    expect(talk.turns).to_have_count(2)
    assert talk.texts == before
    assert talk.conversation == conversation
    expect(talk.quick_replies).to_be_visible()
    talk.ask(OTHER_QUESTION)
    expect(talk.turns).to_have_count(3)


def test_another_page_of_the_website_goes_on_with_the_talk(talk, website, clinic_page):
    talk.ask(QUESTION)
    content = talk.page.request.get(clinic_page).text()
    talk.page.goto(website.put("/prices.html", content))
    expect(talk.open().turns).to_have_count(1)


def test_a_message_of_a_moment_ago_survives_a_reload(talk, assistant):
    talk.ask(QUESTION)
    assistant.freeze()
    try:
        talk.write(OTHER_QUESTION)
        expect(talk.turns).to_have_count(2)
        talk.page.reload(wait_until="commit")
    finally:
        assistant.thaw()
    talk.page.wait_for_load_state()
    talk.open()
    talk.answered(talk.turns.nth(1))
    expect(talk.reply(OTHER_ANSWER)).to_have_count(1)
    assert assistant.patient_said(talk.conversation) == [QUESTION, OTHER_QUESTION]


def issued(assistant, conversation, days_ago):
    """The ticket of `conversation` as it was issued so many days ago."""

    class Then(TimestampSigner):
        def get_timestamp(self):
            return int(time.time()) - days_ago * 86_400

    signer = Then(assistant.settings.secret_key, salt="conversation web", digest_method=hashlib.sha256)
    return signer.sign(conversation.split(":", 1)[1]).decode()


def forged(ticket):
    """`ticket` with another signature."""
    head, signature = ticket.rsplit(".", 1)
    return f"{head}.{signature[::-1]}"


@pytest.mark.parametrize("theft", ["forged", "expired", "signature of another conversation", "id alone"])
def test_a_ticket_that_is_not_ones_own_opens_nothing(talk, another, assistant, theft):
    talk.ask(QUESTION)
    ticket, thief = talk.kept["ticket"], another()
    thief.ask("hello there")
    wrong = {
        "forged": forged(ticket),
        "expired": issued(assistant, talk.conversation, days_ago=7),
        "signature of another conversation": ".".join([ticket.split(".")[0], *thief.kept["ticket"].split(".")[1:]]),
        "id alone": ticket.split(".")[0],
    }[theft]
    thief.page.evaluate(KEEP, wrong)
    thief.page.reload()
    thief.open().reaches("connected")
    expect(thief.turns).to_have_count(0)
    assert conversation_of(thief.kept["ticket"]) != talk.conversation

    talk.ask(OTHER_QUESTION)
    thief.ask(QUESTION)
    expect(thief.turns).to_have_count(1)
    expect(thief.reply(OTHER_ANSWER)).to_have_count(0)
    assert assistant.patient_said(talk.conversation) == [QUESTION, OTHER_QUESTION]


def test_the_expired_ticket_was_a_good_one(talk, assistant):
    """Only its age made it worthless: the same without a week opens the talk."""
    talk.ask(QUESTION)
    talk.page.evaluate(KEEP, issued(assistant, talk.conversation, days_ago=0))
    talk.page.reload()
    expect(talk.open().reply(ANSWER)).to_have_count(1)


def test_a_ticket_is_renewed_while_it_is_used(talk):
    talk.ask(QUESTION)
    first = talk.kept["ticket"]
    time.sleep(1.1)  # tickets count whole seconds
    talk.page.reload()
    talk.open().reaches("connected")
    expect(talk.turns).to_have_count(1)
    wait_until(lambda: talk.kept["ticket"] != first)
    assert conversation_of(talk.kept["ticket"]) == conversation_of(first)
