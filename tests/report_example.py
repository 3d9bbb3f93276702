"""A clinic that does not exist: a month of invented figures. `python -m tests.report_example` draws docs/report.png from it."""

import random
import sys
import tempfile
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from PIL import Image

from infusion_guide.clinic.settings import ROOT
from infusion_guide.report import figures, page
from infusion_guide.report.period import Period
from infusion_guide.storage import tables
from infusion_guide.storage.database import Database

ZONE = ZoneInfo("America/New_York")
LAST = date(2026, 11, 22)
PERIOD = Period(LAST - timedelta(days=29), LAST, ZONE)
_OUTCOMES = {"answered": 60, "uncovered": 14, "declined": 6, "missed": 6, "other": 20, "check_in": 2, "crisis": 1}
_TOPICS = {
    "answered": ("faq/what_is", "faq/how_works", "faq/depression", "faq/rapid_onset", "faq/duration_frequency", "faq/evidence"),
    "uncovered": ("uncovered/cost", "uncovered/insurance", "uncovered/side_effects", "uncovered/driving", "uncovered/safety"),
    "declined": ("advice/dosing", "advice/eligibility", "advice/interaction"),
}
_CHANNELS = {"web": 70, "whatsapp": 18, "sms": 6, "telegram": 1}


def fill(database, first=PERIOD.first, days=30, seed=6):
    """Writes invented facts and requests of `days` days, the same ones for the same seed."""
    draw = random.Random(seed)
    facts, requests = [], []

    def count(at, channel, what, name=None):
        hour = at.timestamp() // 3600 * 3600
        facts.append({"hour": hour, "channel": channel, "what": what, "name": name, "count": 1})

    for number in range(days):
        day = first + timedelta(days=number)
        for _ in range(draw.randint(2, 7) if day.weekday() > 4 else draw.randint(9, 22)):
            at = datetime(day.year, day.month, day.day, min(23, max(0, round(draw.gauss(16, 4)))), 10, tzinfo=ZONE)
            channel = _pick(draw, _CHANNELS)
            count(at, channel, "conversation")
            for _ in range(draw.randint(1, 3)):
                outcome = _pick(draw, _OUTCOMES)
                count(at, channel, "turn", outcome)
                if outcome in _TOPICS:
                    topics = _TOPICS[outcome]
                    name = f"utter_{topics[min(int(draw.expovariate(0.6)), len(topics) - 1)]}"
                    count(at, channel, "reply", name)
                    if draw.random() < 0.25:
                        count(at, channel, "up" if draw.random() < 0.8 else "down", name)
            if draw.random() < 0.07:
                count(at, channel, "request")
                requests.append(_request(draw, len(requests), at.timestamp()))
    with database.engine.begin() as connection:
        connection.execute(sa.insert(tables.facts), facts)
        if requests:
            connection.execute(sa.insert(tables.requests), requests)
    return len(facts), len(requests)


def _pick(draw, weights):
    return draw.choices(list(weights), list(weights.values()))[0]


def _request(draw, number, at):
    taken = at + draw.uniform(600, 30_000) if draw.random() < 0.95 else None
    done = taken + draw.uniform(300, 90_000) if taken and draw.random() < 0.9 else None
    status = "done" if done else "taken" if taken else "new"
    row = {"reference": f"EXA-{number:03}", "sender_id": f"web:{number}", "channel": "web", "at": at, "updated": done or at}
    return {**row, "given": "{}", "status": status, "taken": taken, "done": done}


def fresh(folder):
    """An empty database with all tables, in `folder`."""
    database = Database(f"sqlite:///{folder}/report.db")
    tables.metadata.create_all(database.engine)
    return database


def main():
    """Draws the picture."""
    from tests.browser.chromium import chromium

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        database = fresh(folder)
        fill(database)
        path = Path(folder) / "report.html"
        path.write_text(page.document(figures.gather_now(database, PERIOD), LAST), encoding="utf-8")
        tab = browser.new_page(viewport={"width": 1180, "height": 1500})
        tab.goto(path.as_uri())
        shot = Image.open(BytesIO(tab.screenshot())).convert("RGB")
    target = ROOT / "docs" / "report.png"
    shot.quantize(256, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    print(f"docs/report.png: {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
