"""Takes the pictures of docs/widget/ from the real widget: `make pictures`."""

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from PIL import Image
from playwright.sync_api import Browser, expect

from infusion_guide.clinic.settings import ROOT
from tests.browser.assistant import Assistant
from tests.browser.chromium import chromium
from tests.browser.looks import DESKTOP, PHONE, SMALLEST
from tests.browser.widget import CRISIS, CRISIS_ANSWER, QUESTION, WATCH, WORDS, Widget

FOLDER = ROOT / "docs" / "widget"
MOST_BYTES = 150_000
_DARK = {**PHONE, "color_scheme": "dark"}


def _answer(talk: Widget) -> None:
    talk.ask(QUESTION)
    talk.sources.first.click()


def _crisis(talk: Widget) -> None:
    talk.ask(CRISIS)
    expect(talk.reply(CRISIS_ANSWER)).to_be_visible()


def _offline(talk: Widget) -> None:
    talk.ask(QUESTION)
    talk.page.context.set_offline(True)
    talk.reaches("reconnecting", "offline")
    talk.write("And how long does it last?")
    expect(talk.says(WORDS["waiting"])).to_be_visible()


def _menu(talk: Widget) -> None:
    talk.ask(QUESTION)
    talk.menu.click()


# Name of the picture: screen, and what the patient does before it is taken.
PICTURES: Dict[str, Tuple[Dict[str, Any], Callable[[Widget], None]]] = {
    "desktop": (DESKTOP, _answer),
    "phone": (PHONE, lambda talk: None),
    "phone-answer": (PHONE, _answer),
    "phone-crisis": (PHONE, _crisis),
    "phone-dark": (_DARK, _answer),
    "phone-offline": (PHONE, _offline),
    "phone-menu": (PHONE, _menu),
    "smallest": (SMALLEST, _crisis),
}


def take(browser: Browser, url: str, name: str) -> bytes:
    """One picture as a PNG of at most 256 colours."""
    screen, act = PICTURES[name]
    context = browser.new_context(**screen, reduced_motion="reduce", locale="en-US", timezone_id="America/New_York")
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(url)
    talk = Widget(page).open()
    act(talk)
    page.evaluate("document.activeElement?.shadowRoot?.activeElement?.blur()")  # a caret that blinks makes other bytes
    shot = Image.open(BytesIO(page.screenshot(animations="disabled", caret="hide")))
    context.close()
    if shot.width > 1280:
        shot = shot.resize((shot.width // 2, shot.height // 2), Image.LANCZOS)
    packed = BytesIO()
    shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main() -> int:
    """Writes all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, Assistant(Path(folder)) as assistant:
        for name in PICTURES:
            picture = take(browser, assistant.url, name)
            assert len(picture) <= MOST_BYTES, f"{name} has {len(picture)} bytes"
            (FOLDER / f"{name}.png").write_bytes(picture)
            print(f"docs/widget/{name}.png: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
