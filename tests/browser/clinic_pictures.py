"""Takes the pictures of docs/clinic/: `python -m tests.browser.clinic_pictures` (or `make pictures`). No model is needed.

Everybody in them is invented. The clock stands still, so the same pages make the same pictures.
"""

import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from unittest.mock import patch
from zoneinfo import ZoneInfo

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect
from rasa.shared.core.events import BotUttered, Event, UserUttered

from infusion_guide.callbacks import fields
from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.callback import summary as summary_of
from infusion_guide.clinic.hours import by_opening_hours
from infusion_guide.clinic.settings import ROOT, settings
from infusion_guide.evaluate.scores import RATES
from infusion_guide.replies.book import fill, variations
from infusion_guide.replies.review import digest, readings
from infusion_guide.storage import callbacks, clinic_answers, misses, reviews, tables
from infusion_guide.storage import counts as facts
from infusion_guide.storage import taught as room
from infusion_guide.storage.sealing import seal
from infusion_guide.teaching import __main__ as teach
from infusion_guide.teaching import trial, waiting
from infusion_guide.teaching.waiting import Line
from tests import report_example, staff_pages
from tests.browser.chromium import chromium
from tests.browser.fake_assistant import NOWHERE, FakeAssistant, reply, turn
from tests.browser.looks import PHONE
from tests.browser.websites import tag
from tests.browser.widget import Widget
from tests.staff_pages import PASSWORD, StaffPages

FOLDER = ROOT / "docs" / "clinic"
MOST_BYTES = 120_000
WIDE = 1100  # pixels
PAPER, MARGINS = (816, 1056), (57, 68)  # Letter, and what @page leaves free: left and right, top and bottom
CLINIC = {
    "CLINIC_NAME": "Riverbend Infusion Clinic",
    "CLINIC_PHONE": "212-555-0142",
    "CLINIC_HOURS": "Mon-Fri 9:00-17:00",
    "CLINIC_TIMEZONE": "America/New_York",
    "CLINIC_HOLIDAYS": "",
    "STORED_WORDS": "plain",
}
ZONE = ZoneInfo(CLINIC["CLINIC_TIMEZONE"])
NOW = datetime(2026, 11, 24, 9, 40, tzinfo=ZONE)
EVENING = datetime(2026, 11, 23, 17, 41, tzinfo=ZONE)  # when Sam wrote
PEOPLE = {"front_desk": "maria", "clinician": "dr.okafor", "admin": "lena"}
REFERENCE = "K7M-2QX"
CRISIS = "web:kX3u0VdJ2mQ8yB1nT5rLw9Za"
SAM = {
    fields.NAME: "Sam",
    fields.CONTACT: "+12125550118",
    fields.TIME: "Mornings, no voicemail",
    fields.TOPIC: "what one visit costs",
}


# ---- A clinic that does not exist ----


class Clock:
    """time.time() that stands still; `at` sets it for what is written then."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Another time, for a while."""
        self.now, before = moment, self.now
        try:
            yield
        finally:
            self.now = before


def ago(**length: float) -> datetime:
    """So long before NOW: ago(minutes=12)."""
    return NOW - timedelta(**length)


def fill_requests(pages: StaffPages, clock: Clock) -> None:
    """People who want to be called: new, taken, done."""

    def ask(reference: str, at: datetime, name: str, contact: str, best: Optional[str], topic: Optional[str]) -> None:
        given = {"name": name, "contact": contact, "best_time": best, "topic": topic}
        said = {name: words for name, words in given.items() if words}
        pages.run(callbacks.put, Callback(reference, f"web:{reference}", "web", at.timestamp(), said))

    def act(reference: str, action: str, by: str, at: datetime) -> None:
        with clock.at(at):
            pages.run(callbacks.act, reference, action, by)

    def note(reference: str, by: str, words: str, at: datetime) -> None:
        with clock.at(at):
            pages.run(lambda c: callbacks.write_note(c, callbacks.one(c, reference), by, words))

    ask("W4T-9RB", ago(days=4, hours=3), "Priya N.", "+12125550173", "afternoons", "How to get ready")
    act("W4T-9RB", "take", "maria", ago(days=4, hours=2))
    act("W4T-9RB", "done", "maria", ago(days=4, hours=1))
    ask("C8Q-3MV", ago(days=1, hours=22), "Tom", "tom@example.org", None, None)
    act("C8Q-3MV", "take", "dr.okafor", ago(days=1, hours=1))
    act("C8Q-3MV", "done", "dr.okafor", ago(hours=23))
    ask("H3Y-6JD", ago(hours=20), "Dana Whitfield", "+12125550126", "after 3 PM", "Whether insurance pays")
    act("H3Y-6JD", "take", "maria", ago(minutes=35))
    note("H3Y-6JD", "maria", "Called at 9:05, no answer, no message left. Next try today after 3.", ago(minutes=30))
    ask(REFERENCE, EVENING, SAM[fields.NAME], SAM[fields.CONTACT], SAM[fields.TIME], SAM[fields.TOPIC])
    ask("P7G-4XF", ago(minutes=52), "Mrs. Alvarez", "+12125550161", "Any time", "A visit for her son")


def fill_misses(pages: StaffPages) -> None:
    """Messages that went badly."""
    asked = {
        ("fallback", "utter_fallback_rephrase", "uncovered/booking_logistics"): (
            "is there parking at the office",
            "where can i park at your office",
            "Is there parking at your office? Peter Hale",
            "is there a parking lot at the office",
            "is there parking at the office",
        ),
        ("thumbs_down", "utter_uncovered/aftercare", "uncovered/aftercare"): (
            "can i eat right after the infusion",
            "when can i eat after the infusion",
            "Can I have lunch right after an infusion?",
        ),
        ("low_confidence", "utter_uncovered/booking_logistics", "uncovered/booking_logistics"): (
            "may my dog come with me",
            "can my dog come along",
        ),
    }
    number = 0
    for (reason, said, label), texts in asked.items():
        for text in texts:
            number += 1
            row = {"sender_id": f"web:{number}", "message_id": f"m{number}", "at": ago(hours=7 * number).timestamp()}
            known = {"reason": reason, "said": said, "label": label, "confidence": 0.3, "words": seal(text)}
            pages.run(misses.put, {**row, **known})


def fill_answers(pages: StaffPages, clock: Clock) -> None:
    """Signatures, one of them old; an answer of the clinic's own; what was used."""
    for topic, signed, said, up, down in (
        ("aftercare", ago(days=430), 21, 3, 4),
        ("age_limits", ago(days=40), 9, 2, 0),
        ("booking_logistics", None, 48, 11, 1),
        ("candidacy_general", ago(days=41), 17, 2, 1),
    ):
        name = f"utter_uncovered/{topic}"
        if signed:
            with clock.at(signed):
                pages.run(reviews.sign, name, digest(name, ""), "dr.okafor")
        for what, number in (("reply", said), ("up", up), ("down", down)):
            pages.run(facts.count, "web", what, name, number)
    with clock.at(ago(days=12)):
        words = "We are open Monday to Friday, 9 to 5. Parking is free behind the building. To book a visit, call 212-555-0142."
        pages.run(clinic_answers.save, "uncovered/booking_logistics", words, "dr.okafor", 0)


def fill_conversation(pages: StaffPages) -> None:
    """A talk with a crisis."""
    talk = [
        ("I'm Peter Hale, 212-555-0117. I don't want to live like this anymore", "utter_crisis/suicide", ago(minutes=61)),
    ]
    first, last = talk[0][2].timestamp(), talk[-1][2].timestamp()
    events: List[Event] = []
    for words, name, at in talk:
        said = readings(name)[0]
        buttons = {"buttons": [{"title": title, "payload": f"/{title}"} for title in said.buttons]}
        events.append(UserUttered(words, timestamp=at.timestamp()))
        events.append(BotUttered("\n".join(said.lines), buttons, {"utter_action": name}, at.timestamp()))
    rows = [{"sender_id": CRISIS, "type_name": event.type_name, "data": seal(event.as_dict())} for event in events]
    known = {"sender_id": CRISIS, "version": len(talk), "state": seal({"slots": {}})}
    conversation = {**known, "started": first, "updated": last, "crisis": last}
    pages.run(lambda c: c.execute(tables.conversations.insert().values(**conversation)))
    pages.run(lambda c: c.execute(tables.events.insert(), rows))


def last_trial() -> Tuple[List[Line], Dict[str, Any]]:
    """Lines that wait, and a trial that went live."""
    on = waiting.utc(ago(hours=1).timestamp())
    label = "uncovered/booking_logistics"
    waits = [Line("uncovered/aftercare", text, "dr.okafor", on) for text in ("can i eat right after", "when may i have lunch")]
    tried = [Line(label, text, "dr.okafor", on) for text in ("is there parking at your office", "where can i leave my car")]
    measured = {  # docs/evaluation.md, held out
        "crisis found, check-in included": (0.991, 0.991, 230),
        "crisis or check-in on ordinary messages": (0.010, 0.010, 499),
        "faq: right topic": (0.888, 0.888, 259),
        "document's answer where there is none": (0.008, 0.006, 530),
        "uncovered: right kind": (0.923, 0.926, 310),
        "advice: right kind": (0.883, 0.883, 60),
    }
    bounds = {name: f"{sign} {bound:.2f}" for name, _, _, sign, bound in RATES}
    rows = [(name, before, after, count, bounds[name]) for name, (before, after, count) in measured.items()]
    state = {
        "state": "released",
        "at": ago(days=6).timestamp(),
        "lines": [each.__dict__ for each in tried],
        "before": [(name, before, count, bound, True) for name, before, _, count, bound in rows],
        "after": [(name, after, count, bound, True) for name, _, after, count, bound in rows],
        "answered": [label, label],
    }
    return waits, state


# ---- The pages ----


def clip(page: Page, height: int) -> bytes:
    """The top of the page."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    return page.screenshot(animations="disabled", caret="hide")


def open_unanswered(page: Page, url: str) -> None:
    """The list of groups; while they are being put together, the page loads itself again."""
    page.goto(f"{url}/staff/unanswered")
    expect(page.locator("section.card").first).to_be_visible(timeout=60_000)


def bottom(page: Page, selector: str) -> int:
    """Where an element ends, with a margin."""
    box = page.locator(selector).first.bounding_box()
    return round(box["y"] + box["height"] + page.evaluate("scrollY")) + 16


class Staff:
    """Takes pictures of the staff pages."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url

    @contextmanager
    def page(self, role: str, **screen: Any) -> Iterator[Page]:
        """A tab that is signed in with `role`."""
        chosen = {"viewport": {"width": WIDE, "height": 800}, **screen}
        context = self.browser.new_context(**chosen, reduced_motion="reduce", locale="en-US")
        page = context.new_page()
        page.goto(f"{self.url}/staff/sign-in")
        page.get_by_label("Name").fill(PEOPLE[role])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("h1")).to_have_text("Requests")
        yield page
        context.close()

    def requests(self, page: Page) -> bytes:
        """The list."""
        page.goto(f"{self.url}/staff/requests?show=all")
        return clip(page, bottom(page, ".frame"))

    def request(self, page: Page) -> bytes:
        """One request."""
        page.goto(f"{self.url}/staff/requests/H3Y-6JD")
        return clip(page, bottom(page, "main > section.card"))

    def unanswered(self, page: Page) -> bytes:
        """Groups."""
        open_unanswered(page, self.url)
        return clip(page, bottom(page, "main > section.card:nth-of-type(2)"))

    def teach(self, page: Page) -> bytes:
        """What to do with a group."""
        open_unanswered(page, self.url)
        page.get_by_role("link", name="Teach or decide").first.click()
        return clip(page, bottom(page, "section[aria-labelledby=teach]"))

    def teaching(self, page: Page) -> bytes:
        """A trial, before and after."""
        page.goto(f"{self.url}/staff/teaching")
        return clip(page, bottom(page, "section[aria-labelledby=last] .frame"))

    def answers(self, page: Page) -> bytes:
        """Replies, some overdue."""
        page.goto(f"{self.url}/staff/answers?kind=uncovered")
        return clip(page, bottom(page, "tbody tr:nth-child(3)"))

    def conversation(self, page: Page) -> bytes:
        """A crisis, redacted."""
        page.goto(f"{self.url}/staff/conversations/one?id={CRISIS}")
        return clip(page, bottom(page, "section[aria-labelledby=talk]"))

    def report(self, page: Page) -> bytes:
        """Its top."""
        days = report_example.PERIOD
        page.goto(f"{self.url}/staff/report?from={days.first}&to={days.last}")
        return clip(page, bottom(page, ".notices"))

    def sign_off(self, page: Page) -> bytes:
        """The first page of the list to sign, as it is printed."""
        page.emulate_media(media="print")
        page.goto(f"{self.url}/staff/sign-off")
        printed = Image.open(BytesIO(clip(page, PAPER[1] - 2 * MARGINS[1]))).convert("RGB")
        paper = ImageOps.expand(printed, (MARGINS[0] - 1, MARGINS[1] - 1), "white")
        paper = ImageOps.expand(paper, 1, "gray")
        found = BytesIO()
        paper.save(found, "PNG")
        return found.getvalue()


# ---- The chat ----


def ask_for_a_call(page: Page) -> Widget:
    """The chat in the evening, where Sam has answered all but the last question."""
    words = dict(summary_of(SAM))
    words.update(by_opening_hours("utter_callback_sent", EVENING), callback_reference=REFERENCE)

    def says(name: str, at: datetime) -> Dict[str, Any]:
        chosen = variations(name)[0]
        buttons = [{"content_type": "text", **vars(button)} for button in chosen.buttons]
        shown = {"at": at.timestamp(), **({"quick_replies": buttons} if buttons else {})}
        return reply(fill(chosen.text, words), name, **shown)

    fake = FakeAssistant(page, answer=lambda text: [says("utter_callback_sent_closed", EVENING)])
    for minutes, text, name in (
        (2, SAM[fields.TIME], "utter_ask_callback_topic"),
        (1, SAM[fields.TOPIC], "utter_ask_callback_send"),
    ):
        at = EVENING - timedelta(minutes=minutes)
        fake.history.append(turn(f"m{minutes}", text, says(name, at), at=at.timestamp()))
    script = (ROOT / "infusion_guide" / "website" / "widget.js").read_text(encoding="utf-8")
    site = "http://127.0.0.1:9/clinic"
    told = tag("", server=NOWHERE, clinic_name=CLINIC["CLINIC_NAME"], clinic_phone=CLINIC["CLINIC_PHONE"])
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    page.route("**/widget.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.route(site, lambda route: route.fulfill(body=f"<!doctype html>{head}{told}", content_type="text/html"))
    page.goto(site)
    talk = Widget(page).open()
    expect(talk.reply("utter_ask_callback_send")).to_be_visible()
    return talk


def summary(talk: Widget) -> None:
    """As it is: the last question."""


def sent(talk: Widget) -> None:
    """The patient sends it."""
    talk.quick_replies.get_by_role("button", name=line_of_button("send")).click()
    expect(talk.reply("utter_callback_sent_closed")).to_be_in_viewport(ratio=1)


def line_of_button(choice: str) -> str:
    """What stands on a button of the summary."""
    buttons = variations("utter_ask_callback_send")[0].buttons
    return next(button.title for button in buttons if button.payload.endswith(f"/{choice}"))


CHAT: Dict[str, Callable[[Widget], None]] = {"callback-summary": summary, "callback-sent": sent}


def take_chat(browser: Browser) -> Iterator[Tuple[str, bytes]]:
    """The chat's pictures by name."""
    with patch("time.time", EVENING.timestamp):
        for name, act in CHAT.items():
            context = browser.new_context(**PHONE, reduced_motion="reduce", locale="en-US", timezone_id=str(ZONE))
            page = context.new_page()
            page.clock.install(time=EVENING)
            act(ask_for_a_call(page))
            page.evaluate("document.activeElement?.shadowRoot?.activeElement?.blur()")
            yield name, page.screenshot(animations="disabled", caret="hide")
            context.close()


def take_staff(browser: Browser, pages: StaffPages) -> Iterator[Tuple[str, bytes]]:
    """The staff pages' pictures by name."""
    staff = Staff(browser, pages.url)
    with staff.page("front_desk") as page:
        yield "requests", staff.requests(page)
        yield "request", staff.request(page)
    with staff.page("front_desk", **PHONE) as page:
        page.goto(f"{pages.url}/staff/requests")
        yield "requests-phone", page.screenshot()
        page.goto(f"{pages.url}/staff/requests/{REFERENCE}")
        yield "request-phone", page.screenshot()
    with staff.page("clinician") as page:
        yield "unanswered", staff.unanswered(page)
        yield "teach", staff.teach(page)
        yield "answers", staff.answers(page)
        yield "conversation", staff.conversation(page)
    with staff.page("admin") as page:
        yield "teaching", staff.teaching(page)
    with staff.page("clinician", viewport={"width": PAPER[0] - 2 * MARGINS[0], "height": 900}) as page:
        yield "sign-off", staff.sign_off(page)
    report_example.fill(pages.database)
    with staff.page("front_desk") as page:
        yield "report", staff.report(page)


def packed(shot: bytes) -> bytes:
    """A PNG of at most 128 colours."""
    small = BytesIO()
    picture = Image.open(BytesIO(shot)).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


@contextmanager
def clinic(folder: Path) -> Iterator[StaffPages]:
    """The staff pages of the clinic, filled."""
    clock, (waits, state) = Clock(), last_trial()
    (folder / "taught").mkdir()
    with ExitStack() as stack:
        stack.enter_context(patch("time.time", clock))
        stack.enter_context(patch.dict(staff_pages.NAMES, PEOPLE))
        stack.enter_context(patch.object(room, "folder", lambda project=None: folder / "taught"))
        stack.enter_context(patch.object(trial, "state", lambda: state))
        stack.enter_context(patch.object(trial, "is_running", lambda: False))
        stack.enter_context(patch.object(teach, "impossible", lambda: ""))
        waiting.add(waits)
        pages = stack.enter_context(StaffPages(folder))
        fill_requests(pages, clock)
        fill_misses(pages)
        fill_answers(pages, clock)
        fill_conversation(pages)
        yield pages


def main() -> int:
    """Writes all pictures."""
    os.environ.update(CLINIC)
    settings.cache_clear()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, clinic(Path(folder)) as pages, chromium() as browser:
        for name, shot in (*take_chat(browser), *take_staff(browser, pages)):
            picture = packed(shot)
            assert len(picture) <= MOST_BYTES, f"{name} has {len(picture)} bytes"
            (FOLDER / f"{name}.png").write_bytes(picture)
            print(f"docs/clinic/{name}.png: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
