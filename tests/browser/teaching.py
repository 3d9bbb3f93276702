"""From a missed question to its answer, as staff and a patient do it: `python -m tests.browser.teaching` (about 15 minutes).

A fresh copy of the project is served by `make run`'s own command. A patient asks what the assistant does not understand; a
clinician teaches it on the staff pages; an admin has it tried; the assistant that goes live is asked again.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List

from playwright.sync_api import Browser, Page, expect

from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.engine.training import MODELS, model_path
from infusion_guide.storage import accounts as staff
from infusion_guide.storage.database import Database
from tests.browser.chromium import chromium
from tests.browser.widget import WATCH, Widget
from tests.faults.cluster import Process, variables
from tests.ports import HOST, free_port
from tests.staff_pages import NAMES, PASSWORD

QUESTIONS = ("can my service dog come in with me", "do i have to take my nail polish off")
TOPIC = "uncovered/preparation"
TRIAL = 3600.0  # seconds


def main() -> int:
    """Runs it in a copy; the copy's own process prints what it sees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="in this project, which changes data/taught/ and models/")
    parser.add_argument("--pictures", type=Path, default=ROOT / "results" / "teaching", help="folder for screenshots")
    chosen = parser.parse_args()
    if chosen.here:
        return whole_way(chosen.pictures)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        (copy / "models").mkdir()
        for model in (
            model_path(),
            *MODELS.glob("*.onnx"),
            *MODELS.glob("*.npy"),
        ):  # only to save the time of training what is known
            shutil.copy(model, copy / "models")
        pictures = str(chosen.pictures.resolve())
        command = [sys.executable, "-W", "ignore", "-m", "tests.browser.teaching", "--here", "--pictures", pictures]
        return subprocess.run(command, cwd=copy).returncode


def whole_way(pictures: Path) -> int:
    """Exit code 0 when the first question of QUESTIONS was missed before and answered with TOPIC after."""
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        chosen = Settings(
            port=free_port(),
            staff_port=free_port(),
            database_url=f"sqlite:///{folder}/conversations.db",
            clinic_name="Willow Creek Clinic",
        )
        command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run"]
        server = Process(command, variables(chosen), Path(folder) / "server.log")
        server.start()
        try:
            address, pages = f"http://{HOST}:{chosen.port}", f"http://{HOST}:{chosen.staff_port}"
            server.wait_for(f"{pages}/staff/health")
            for role in ("clinician", "admin"):
                row = (NAMES[role], role, staff.hashed(PASSWORD), False)
                Database(chosen.database_url).run_now(lambda connection, row=row: staff.add(connection, *row))
            before = [asked(browser, address, question) for question in QUESTIONS]
            print("Before:", *before, sep="\n  ")
            teach(browser, pages, pictures)
            went_live = tried(browser, pages, pictures)
            server.wait_for(f"{address}/ready")
            after = [asked(browser, address, question, pictures / "after.png") for question in QUESTIONS]
            print("After:", *after, sep="\n  ")
        finally:
            server.stop()
    subprocess.run(["git", "-C", str(ROOT), "--no-pager", "diff", "--stat"], check=True)
    missed = all(name.startswith("utter_fallback") for name in before)
    return 0 if missed and went_live and after[0] == f"utter_{TOPIC}" else 1


def asked(browser: Browser, address: str, question: str, picture: "Path | None" = None) -> str:
    """The name of the reply to `question`, asked in the chat of the demonstration page."""
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.add_init_script(WATCH)
    page.goto(address)
    turn = Widget(page).open().ask(question)
    name = turn.locator(".reply").first.get_attribute("data-action") or ""
    if picture:
        page.screenshot(path=str(picture))
    page.close()
    return name


def signed_in(browser: Browser, pages: str, role: str) -> Page:
    """The staff pages, signed in."""
    page = browser.new_page(viewport={"width": 1100, "height": 1400})
    page.goto(f"{pages}/staff")
    page.get_by_label("Name").fill(NAMES[role])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def teach(browser: Browser, pages: str, pictures: Path) -> None:
    """A clinician puts what was missed on the list."""
    page = signed_in(browser, pages, "clinician")
    for _ in QUESTIONS:
        page.goto(f"{pages}/staff/unanswered")
        link = page.get_by_role("link", name="Teach or decide").first
        expect(link).to_be_visible(timeout=120_000)  # the first look loads the encoders
        page.screenshot(path=str(pictures / "unanswered.png"))
        link.click()
        page.get_by_label("Topic", exact=True).select_option(TOPIC)
        page.get_by_role("button", name="Put on the list for the next trial").click()
        page.goto(f"{pages}/staff/unanswered")
        if not any(question in page.content() for question in QUESTIONS):  # both were one group
            break
    page.close()


def tried(browser: Browser, pages: str, pictures: Path) -> bool:
    """An admin has it tried and reads the table; whether it went live."""
    page = signed_in(browser, pages, "admin")
    page.goto(f"{pages}/staff/teaching")
    page.get_by_role("button", name="Try them").click()
    page.goto(f"{pages}/staff/teaching?watch=on")
    end = page.get_by_role("heading", name="The last trial")
    expect(end).to_be_visible(timeout=TRIAL * 1000)
    page.screenshot(path=str(pictures / "trial.png"), full_page=True)
    print("\n".join(_table(page)))
    return page.get_by_text("Went live").count() > 0


def _table(page: Page) -> Iterator[str]:
    """The tables of the page as lines."""
    for row in page.get_by_role("row").all():
        cells: List[str] = [cell.inner_text().strip() for cell in row.locator("th, td").all()]
        yield "  ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
