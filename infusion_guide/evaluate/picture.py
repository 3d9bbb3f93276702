"""Draws docs/conversation.png from a real conversation: `python -m infusion_guide.evaluate.picture`."""

import asyncio
import logging
import textwrap
from pathlib import Path
from typing import List, Tuple

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from rasa.utils.log_utils import configure_structlog

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine.training import ensure_model
from infusion_guide.evaluate.run import assistant

SAID = [
    "does it help with depression?",
    "how fast does it work",
    "i cant do this anymore",
    "I'm fine, I meant how much does it cost",
]
WIDTH, MARGIN, LINE = 860, 16, 22


def conversation() -> List[Tuple[bool, str]]:
    """The turns of one conversation: (whether the patient speaks, the words and buttons)."""

    async def talk(talker) -> List[Tuple[bool, str]]:
        turns = []
        for text in SAID:
            turns.append((True, text))
            for event in await talker.say("picture", text):
                buttons = "   ".join(f"[ {b['title']} ]" for b in event.data.get("buttons") or [])
                turns.append((False, event.text + (f"\n{buttons}" if buttons else "")))
        return turns

    return asyncio.run(talk(assistant(ensure_model())))


def draw(turns: List[Tuple[bool, str]], path: Path) -> None:
    """Writes the turns as bubbles to a PNG of WIDTH pixels."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)
    wrapped = [(mine, [piece for line in text.split("\n") for piece in textwrap.wrap(line, 76)]) for mine, text in turns]
    height = MARGIN + sum(len(lines) * LINE + 2 * MARGIN + 10 for _, lines in wrapped)
    image = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(image)
    top = MARGIN
    for mine, lines in wrapped:
        wide = max(pen.textlength(line, font) for line in lines) + 2 * MARGIN
        left = WIDTH - MARGIN - wide if mine else MARGIN
        bottom = top + len(lines) * LINE + 2 * MARGIN - 8
        pen.rounded_rectangle((left, top, left + wide, bottom), 14, fill="#d7ecff" if mine else "#f1f1ee")
        for number, line in enumerate(lines):
            pen.text((left + MARGIN, top + MARGIN - 5 + number * LINE), line, fill="#1a1a1a", font=font)
        top = bottom + 12
    image.crop((0, 0, WIDTH, top)).save(path, optimize=True)


if __name__ == "__main__":
    configure_structlog(logging.ERROR)
    draw(conversation(), ROOT / "docs" / "conversation.png")
