"""Markup, scripts and deceiving links stay words, whoever says them."""

import pytest
from playwright.sync_api import expect

from tests.browser.fake_assistant import FakeAssistant, reply, turn
from tests.browser.widget import Widget

ATTACKS = (
    '<img src=x onerror="window.broken = 1">',
    "<script>window.broken = 1</script>",
    '<svg onload="window.broken = 1"><a href="javascript:window.broken = 1">press</a></svg>',
    "[press](javascript:window.broken=1) javascript:window.broken=1",
    '"><iframe srcdoc="<script>parent.broken = 1</script>"></iframe>',
    "https://clinic.example@evil.example/ http://evil.example/ data:text/html,<script>1</script>",
    "${window.broken = 1} {{window.broken = 1}} <style>* { display: none }</style>",
)

# Elements that no template of the widget makes, and links that lead elsewhere than to a phone, a text message or https.
STRANGE = """element => [...element.shadowRoot.querySelectorAll(
    "img, script, iframe, object, embed, style, form[action], [onerror], [onload]",
  )].map((each) => each.outerHTML)"""
LINKS = """element => [...element.shadowRoot.querySelectorAll("a")].map((link) => link.getAttribute("href"))
  .filter((href) => !/^(tel:[+\\d]+|sms:[+\\d]+|https:\\/\\/[a-z0-9.]+\\/?.*)$/.test(href))"""


JUNK = (None, 5, "words", [], {}, {"message_id": 7}, {"message_id": "x", "text": {"a": 1}, "replies": 3}, {"turns": "all"})


def harmless(talk):
    assert talk.element.evaluate(STRANGE) == []
    assert talk.element.evaluate(LINKS) == []
    assert talk.page.evaluate("window.broken") is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_patient_types(talk, attack):
    talk.ask(attack)
    expect(talk.mine).to_contain_text(attack)
    talk.page.reload()
    talk.open()
    expect(talk.mine).to_contain_text(attack)
    harmless(talk)


def attacked(attack):
    """Every text of a reply that the widget shows."""
    source = {"label": attack, "claims": [attack, attack]}
    button = {"content_type": "text", "title": attack, "payload": "/faq/triggers"}
    return reply(attack, sources=[source, {"label": attack, "claims": []}], quick_replies=[button])


@pytest.fixture
def fake(tab, fake_page):
    """The open widget with an assistant that was taken over."""
    made = FakeAssistant(tab, history=[turn(f"m{n}", attack, attacked(attack), at=n) for n, attack in enumerate(ATTACKS)])
    tab.goto(fake_page)
    return made


def test_what_an_answer_says(tab, fake):
    fake.answer = lambda text: [attacked(text), reply(text, action='utter_crisis/"><img src=x onerror="window.broken=1">')]
    talk = Widget(tab).open()
    expect(talk.turns).to_have_count(len(ATTACKS))
    for attack in ATTACKS:
        talk.ask(attack)
    for summary in talk.element.locator("summary").all():
        summary.click()
    expect(talk.replies).to_have_count(3 * len(ATTACKS))
    harmless(talk)


def test_what_errors_say(tab, fake):
    fake.answer = lambda text: None
    talk = Widget(tab).open()
    for attack in ATTACKS[:3]:
        talk.write("hello")
        expect(talk.turns.last).to_have_attribute("data-standing", "sent")
        fake.say("refused", {"error": attack, "message_id": fake.messages[-1]["message_id"]})
        expect(talk.turns.last).to_contain_text(attack)
    harmless(talk)


@pytest.mark.parametrize(
    "settings",
    [
        {
            "clinic_name": ATTACKS[0],
            "clinic_phone": "javascript:window.broken=1",
            "title": ATTACKS[1],
            "greeting": ATTACKS[2],
            "consent": ATTACKS[4],
            "privacy_link": "javascript:window.broken=1",
        }
    ],
)
def test_what_the_tag_says(tab, clinic_page):
    tab.goto(clinic_page)
    talk = Widget(tab)
    talk.launcher.click()
    expect(talk.says(ATTACKS[2])).to_be_visible()
    harmless(talk)


def test_junk_from_the_server_breaks_nothing(tab, fake):
    fake.answer = lambda text: None
    talk = Widget(tab).open()
    expect(talk.turns).to_have_count(len(ATTACKS))
    for event in ("turn_start", "bot_uttered", "turn_end", "refused", "history", "session_confirm", "erased!"):
        for junk in JUNK:
            fake.say(event, junk)
    fake.answer = lambda text: [reply("Still here.")]
    talk.write("hello")
    expect(talk.says("Still here.").first).to_be_visible()
    expect(talk.notice).to_be_visible()


def test_the_browser_would_have_run_it(tab):
    """The attacks are real ones: as markup they run."""
    for attack in (ATTACKS[0], ATTACKS[4]):
        tab.set_content(attack)
        tab.wait_for_function("window.broken === 1")
