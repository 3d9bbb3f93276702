"""What is in view when an answer arrives, at each size: the table of docs/widget.md. No model and no server are needed."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.fake_assistant import FakeAssistant, reply
from tests.browser.widget import WORDS, Widget, fill

SIZES = ["390x844", "390x664", "390x390", "320x568", "1280x720", "1440x900"]
SIZE = pytest.mark.parametrize("size", SIZES)

FACTS = [
    {"label": 'From the clinic\'s document: "Therapy for Addiction"', "claims": ["Ketamine may lessen cravings."]},
    {"label": "From a public source: SAMHSA", "claims": ["Treatment works best with support."]},
    {"label": "From a public source: NIDA", "claims": ["Cravings come and go."]},
]


def said(text, action, *titles, **more):
    buttons = [{"content_type": "text", "title": title, "payload": "/x"} for title in titles]
    return reply(text, action, sources=FACTS, quick_replies=buttons, **more)


CRAVINGS = said(
    "Cravings are hard, and it makes sense to ask. Ketamine may make cravings weaker for some people with addiction. It "
    "does not work for everyone, and it is one part of treatment. A clinician can tell you what fits you.",
    "utter_faq/cravings",
    "What are triggers?",
    "How long does it last?",
    "Ask for a call-back",
)
COST = said(
    "I don't have the prices. The front desk does, and they can tell you before you come.",
    "utter_uncovered/cost",
    "Does insurance pay?",
    "How many infusions are there?",
    "What happens at a visit?",
    "Ask for a call-back",
)
CHECK_IN = said(
    "That sounds heavy, and I want to know that you're safe. Are you thinking of hurting yourself, or of not living? If so, "
    "call or text 988, free, day or night. In danger, 911. If I got you wrong, just tell me, and we'll go on.",
    "utter_crisis/check_in",
    "I need help now",
    "I'm OK, I meant something else",
)
CARE = said(
    "Yes. Text any words to 988, or chat at 988lifeline.org/chat. A trained counselor writes back. In danger, 911 takes "
    "texts in many places.",
    "utter_crisis/care_text",
    "What happens if I call?",
    "Someone is with me",
    "Will police come?",
)
OVERDOSE = said(
    "Call 911 now if you or they can't stay awake, breathe slowly, snore or gurgle, or have blue lips or a seizure. Give "
    "naloxone if there is any. Awake, even feeling fine? Call Poison Help now, 1-800-222-1222. Don't be alone; have someone "
    "move the rest away. If you mean to die, call or text 988.",
    "utter_crisis/overdose",
    "I took it and feel fine",
    "They are very sleepy",
    "I'm OK, I meant something else",
)
VIOLENCE = said(
    "I'm so sorry. Nobody should hurt you, and it is not your fault. In danger now, call 911. Violence at home: "
    "1-800-799-7233, or text START to 88788. For a child: Childhelp, 1-800-422-4453, call or text. Afraid of what you may do? "
    "Call or text 988. If someone reads your phone, delete this chat.",
    "utter_crisis/violence_abuse",
    "Can I text instead?",
    "I am alone",
)
SUICIDE = said(
    "I'm so glad you told me. You don't have to carry this alone. If you might act on it, call 911 now. Call or text 988, or "
    "chat at 988lifeline.org/chat: a counselor listens, free, day or night. Veterans press 1. Please be near somebody you "
    "trust, and away from anything you could hurt yourself with.",
    "utter_crisis/suicide",
    "What happens if I call?",
    "Can I text instead?",
    "I'm OK, I meant something else",
)
OWN = reply(
    "From Willow Creek Clinic: We take most plans. Bring your card, and our front desk looks it up with you.",
    sources=[{"label": "From Willow Creek Clinic", "claims": []}],
    metadata={"utter_action": "utter_uncovered/insurance", "sources": ["clinic"]},
)
LONG = "I have wanted to write this for weeks, and I do not know where to begin. " * 20

# What the patient says: what is answered. Seven turns, each after the other in one talk.
TURNS = {
    "do cravings stop?": CRAVINGS,
    LONG: COST,
    "it is all too heavy": CHECK_IN,
    "I will, can I text instead?": CARE,
    "I took all my pills": OVERDOSE,
    "I am fine again. Do cravings come back?": CRAVINGS,
    "what is the price?": COST,
}
ALARMS = {"overdose": OVERDOSE, "violence": VIOLENCE, "suicide": SUICIDE}

# Each element of the selector: whether a patient sees it whole, nothing over its middle or its corners.
SEEN = """(element, selector) => {
  const root = element.shadowRoot;
  return [...root.querySelectorAll(selector)].filter((each) => each.checkVisibility()).map((each) => {
    const box = each.getBoundingClientRect();
    const points = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]];
    const free = points.every(([x, y]) => {
      const found = root.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
      return found && (found === each || each.contains(found));
    });
    const whole = box.top >= -0.5 && box.left >= -0.5 && box.bottom <= innerHeight + 0.5 && box.right <= innerWidth + 0.5;
    return [each.innerText.replace(/\\s+/g, " ").trim(), whole && free];
  });
}"""
TOP = """element => ["[part=header]", "[part=notice]"]
  .reduce((sum, part) => sum + element.shadowRoot.querySelector(part).getBoundingClientRect().height, 0)"""
ALWAYS = {"tel:911", "tel:988", "sms:988", "https://988lifeline.org/chat"}


def screen(size):
    width, height = map(int, size.split("x"))
    phone = {"has_touch": True, "is_mobile": True} if width < 600 else {}
    return {"viewport": {"width": width, "height": height}, **phone}


@pytest.fixture
def on(window, errors, fake_page):
    """The open widget on a screen, with an assistant that knows `turns`: on("390x664")."""

    def make(size, turns=TURNS, address=fake_page, **more):
        tab = window(**screen(size), **more).new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        FakeAssistant(tab, answer=lambda text: [turns.get(text.strip(), CRAVINGS)])
        tab.goto(address)
        return Widget(tab).open()

    return make


def hidden(talk, selector):
    """Names of what `selector` finds and a patient does not see whole; it must find something."""
    found = talk.element.evaluate(SEEN, selector)
    assert found, selector
    return [name for name, whole in found if not whole]


@SIZE
def test_the_main_buttons_are_in_view_in_seven_of_seven_turns(on, size):
    talk = on(size)
    missed = {}
    for text, answer in TURNS.items():
        turn = talk.ask(text.strip())
        alarm = answer is OVERDOSE
        buttons = ".notice a, .crisis .contact" if alarm else ".quick button"
        expect(talk.element.locator(buttons).first).to_be_visible()
        out = hidden(talk, buttons)
        first_words = turn.locator(".reply .bubble").bounding_box()
        box = talk.log.bounding_box()
        begins_in_view = box["y"] - 1 <= first_words["y"] <= box["y"] + box["height"] - 40
        if out or not begins_in_view:
            missed[text[:20]] = out or "the answer begins out of view"
    assert missed == {}


@SIZE
def test_four_ways_to_help_are_one_tap_away_in_every_turn(on, size):
    talk = on(size)
    for text in [None, *TURNS]:
        if text:
            talk.ask(text.strip())
        links = talk.notice.get_by_role("link")
        assert {link.get_attribute("href") for link in links.all()} == ALWAYS
        assert hidden(talk, ".notice a") == [], text


@pytest.mark.parametrize(
    "size, most", [("390x844", 0.18), ("390x664", 0.18), ("320x568", 0.25), ("1280x720", 0.18), ("1440x900", 0.18)]
)
def test_notice_and_header_are_small_after_the_first_answer_and_full_in_danger(on, size, most):
    talk = on(size)
    words = talk.notice.get_by_text(WORDS["notice"])
    first = talk.element.evaluate(TOP)
    assert words.bounding_box()["height"] > 10
    talk.ask("do cravings stop?")
    small = talk.element.evaluate(TOP)
    assert small <= most * talk.page.viewport_size["height"], f"{small:.0f} of {talk.page.viewport_size['height']} px"
    assert words.bounding_box()["height"] <= 1
    for grave in ("it is all too heavy", "I will, can I text instead?", "I took all my pills"):
        talk.ask(grave)
        assert talk.element.evaluate(TOP) == first, grave
        assert words.bounding_box()["height"] > 10
    talk.ask("what is the price?")
    assert talk.element.evaluate(TOP) == small


@pytest.mark.parametrize("size", ["320x568", "390x664", "390x844", "1280x720", "1440x900"])
@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_is_whole_with_its_numbers_and_their_names(on, size, alarm):
    talk = on(size, {"help": ALARMS[alarm]})
    talk.ask("hello")
    talk.ask("help")
    card, log = talk.element.locator(".crisis").bounding_box(), talk.log.bounding_box()
    assert card["y"] >= log["y"] - 1
    assert card["y"] + card["height"] <= log["y"] + log["height"] + 1, "the card ends out of view"
    assert hidden(talk, ".notice a, .crisis .contact, .crisis h3, .crisis .bubble") == []
    shown = talk.page.evaluate("""() => [...document.querySelector("infusion-guide").shadowRoot
      .querySelectorAll(".notice a, .crisis .contact")].filter((each) => each.checkVisibility()).map((each) => each.innerText)""")
    told = " ".join(" ".join(shown).split())
    for name in (fill("callNumber", number="911"), WORDS["nameEmergency"], WORDS["nameCrisis"], fill("chatNumber", number="988")):
        assert name in told
    named = {
        "overdose": "Poison Help 1-800-222-1222",
        "violence": "Violence at home text START to 88788 Childhelp 1-800-422-4453",
    }
    assert named.get(alarm, "") in told


def red(colour):
    """Whether a computed colour is red as an alarm's."""
    red, green, blue = [int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return red > 120 and red > 1.6 * max(green, blue)


@SIZE
def test_a_check_in_is_calm(on, size):
    talk = on(size)
    talk.ask("it is all too heavy")
    expect(talk.element.locator(".crisis, .turn h3, .turn .contact")).to_have_count(0)
    expect(talk.quick_replies.get_by_role("button")).to_have_count(2)
    colours = talk.element.evaluate("""element => [...element.shadowRoot.querySelectorAll("*")].filter((each) =>
      each.checkVisibility()).flatMap((each) => {
        const style = getComputedStyle(each);
        return [style.color, style.backgroundColor, style.borderTopColor];
      }).filter((each) => each.startsWith("rgb("))""")
    assert len(colours) > 50 and [colour for colour in set(colours) if red(colour)] == []
    words = talk.turns.last.locator(".reply .bubble").bounding_box()
    assert words["y"] + words["height"] <= talk.quick_replies.bounding_box()["y"] + 1 or size == "390x390"


@SIZE
def test_the_first_screen_is_two_lines_and_four_questions(on, size):
    talk = on(size)
    expect(talk.element.locator(".introduction p")).to_have_count(2)
    questions = talk.element.locator(".starters button")
    expect(questions).to_have_count(4)
    if size != "390x390":  # a keyboard is not up before one is asked for
        assert hidden(talk, ".starters button") == []
    expect(talk.input).to_have_attribute("placeholder", WORDS["inputPlaceholder"])
    questions.nth(1).click()
    expect(talk.mine).to_contain_text(WORDS["starterTwo"])
    expect(questions).to_have_count(0)


def test_a_long_message_is_clamped_and_can_be_read(on):
    talk = on("390x664")
    talk.ask(LONG.strip())
    bubble = talk.mine.first
    assert bubble.bounding_box()["height"] < 110
    talk.button("showAll").click()
    assert bubble.bounding_box()["height"] > 300
    talk.button("showLess").click()
    assert bubble.bounding_box()["height"] < 110


def test_what_stands_below_is_told_and_one_tap_away(on):
    talk = on("390x390")
    talk.ask("do cravings stop?")
    last = talk.turns.last.locator(".reply .bubble")
    more = talk.button("moreBelow")
    for _ in range(5):
        if not more.is_visible():
            break
        more.click()
    box, log = last.bounding_box(), talk.log.bounding_box()
    assert box["y"] + box["height"] <= log["y"] + log["height"] + 12
    expect(more).to_have_count(0)

    talk.log.evaluate("log => log.scrollTo(0, 0)")
    talk.page.wait_for_timeout(100)  # the scroll event
    talk.page.evaluate("""() => document.querySelector("infusion-guide").hear({ kind: "replied", reply: {
      messageId: "elsewhere", number: 0, text: "Written in another window.", at: Date.now() / 1000 + 5, action: "utter_faq/x",
      language: "en", quickReplies: [], sources: [] } })""")
    new = talk.button("newBelow")
    expect(new).to_be_visible()
    assert talk.log.evaluate("log => log.scrollTop") == 0  # who reads is not pulled away
    new.click()
    expect(talk.says("Written in another window.").first).to_be_in_viewport()
    expect(new).to_have_count(0)


def test_sources_are_one_quiet_line(on):
    talk = on("390x664")
    turn = talk.ask("do cravings stop?")
    line = turn.get_by_text(fill("sources", count=3))
    expect(line).to_have_count(1)
    expect(turn.get_by_role("listitem")).to_have_count(0)
    line.click()
    expect(turn.get_by_role("listitem")).to_have_count(3)


def test_the_clinics_own_answer_is_the_clinics(on):
    talk = on("390x664", {"insurance?": OWN})
    talk.ask("insurance?")
    own = talk.element.locator(".own .bubble")
    expect(own).to_contain_text("From Willow Creek Clinic")
    assert own.inner_text().count("From Willow Creek Clinic") == 1


def test_the_panel_stays_as_it_was_on_the_next_page(on, website, fake_page):
    talk = on("1280x720")
    talk.ask("do cravings stop?")
    talk.button("feedbackUp").click()
    expect(talk.button("feedbackUp")).to_have_attribute("aria-pressed", "true")
    talk.page.goto(fake_page + "?page=2")
    expect(talk.panel).to_be_visible()
    assert talk.page.evaluate("document.activeElement === document.body")
    talk.close.click()
    talk.page.goto(fake_page + "?page=3")
    expect(talk.launcher).to_be_visible()
    expect(talk.panel).to_be_hidden()


def test_copy_and_print_hold_the_whole_talk(on):
    talk = on("390x664")
    talk.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    talk.ask("do cravings stop?")
    talk.ask(LONG.strip())
    talk.menu.click()
    talk.page.get_by_role("button", name=WORDS["copyTranscript"]).click()
    expect(talk.status).to_contain_text(WORDS["copyDone"])
    copied = talk.page.evaluate("navigator.clipboard.readText()")
    assert LONG.strip() in copied and CRAVINGS["text"] in copied and "SAMHSA" in copied

    # Chromium without a window prints nowhere: the dialog stands still until the test says that it was closed.
    talk.page.evaluate("window.print = () => { window.printing = true; }")
    talk.menu.click()
    talk.button("printTranscript").click()
    talk.page.wait_for_function("window.printing")
    talk.page.emulate_media(media="print")
    expect(talk.page.get_by_role("heading", name="Willow Creek Clinic")).to_be_hidden()  # the page's own
    expect(talk.says("Treatment works best with support.").first).to_be_visible()  # sources, opened
    expect(talk.notice.get_by_text(fill("callNumber", number="911"))).to_be_visible()
    for useless in (talk.input, talk.menu, talk.person, talk.button("feedbackUp").first, talk.button("showAll")):
        expect(useless).to_be_hidden()
    assert talk.mine.last.bounding_box()["height"] > 100  # whole, not its first lines
    talk.page.emulate_media(media="screen")
    talk.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(talk.page.get_by_role("heading", name="Willow Creek Clinic")).to_be_attached()
    expect(talk.input).to_be_visible()
    assert talk.page.evaluate("document.adoptedStyleSheets.length") == 0


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=["light", "dark", "forced"])
@pytest.mark.parametrize("size", ["390x664", "320x568", "1280x720"])
def test_axe_finds_nothing(on, size, look):
    talk = on(size, {**TURNS, "insurance?": OWN, "he hits me": VIOLENCE}, **look)
    found = {"first": violations(talk.page)}
    for text in (*TURNS, "insurance?", "he hits me"):
        talk.ask(text.strip())
        found[text[:20]] = violations(talk.page)
    talk.menu.click()
    found["menu"] = violations(talk.page)
    talk.menu.click()
    talk.element.locator("summary").first.click()
    found["sources"] = violations(talk.page)
    assert {state: lines for state, lines in found.items() if lines} == {}


def test_nothing_jumps_while_the_page_loads_and_the_chat_opens(window, fake_page):
    tab = window(**screen("390x844")).new_page()
    FakeAssistant(tab)
    tab.add_init_script("""window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((each) => {
      window.shift += each.value; })).observe({ type: "layout-shift", buffered: true })""")
    tab.goto(fake_page)
    Widget(tab).open()
    tab.wait_for_timeout(300)
    assert tab.evaluate("window.shift") == 0
