"""Kills the assistant in the middle of talks and counts what patients lose: `python -m tests.browser.restarts --times 20`."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List

from playwright.sync_api import Error, expect

from tests.browser.assistant import CLINIC_NAME, CLINIC_PHONE, Assistant
from tests.browser.chromium import chromium
from tests.browser.websites import Website, page, tag
from tests.browser.widget import OTHER_QUESTION, QUESTION, WATCH, WORDS, Widget

BACK = 60_000  # milliseconds for the start of the assistant and the widget's next try to connect
WHILE_DOWN = ("is there anything for people with ptsd nightmares?", "how do I stay busy with hobbies and a diary?")


def while_it_is_down(talk: Widget, assistant: Assistant) -> List[str]:
    """The patient writes while nobody is there. Returns what was written."""
    assistant.kill()
    talk.reaches("offline")
    expect(talk.says(WORDS["offline"])).to_be_visible()
    expect(talk.notice.get_by_role("link", name="911")).to_be_in_viewport()
    for text in WHILE_DOWN:
        talk.write(text)
    expect(talk.says(WORDS["waiting"])).to_have_count(len(WHILE_DOWN))
    return list(WHILE_DOWN)


def before_it_reads(talk: Widget, assistant: Assistant) -> List[str]:
    """The message has left the browser and is read by nobody."""
    assistant.freeze()
    talk.write(WHILE_DOWN[0])
    expect(talk.says(WORDS["sending"])).to_be_visible()
    assistant.kill()
    return [WHILE_DOWN[0]]


def while_it_answers(talk: Widget, assistant: Assistant) -> List[str]:
    """The assistant dies at any moment between reading and answering, or just after."""
    talk.write(WHILE_DOWN[0])
    time.sleep(random.uniform(0, 0.06))
    assistant.kill()
    return [WHILE_DOWN[0]]


WAYS: Dict[str, Callable[[Widget, Assistant], List[str]]] = {
    way.__name__: way for way in (while_it_is_down, before_it_reads, while_it_answers)
}


def survives(talk: Widget, assistant: Assistant, way: str) -> None:
    """One talk with one restart; the fresh widget is open, the assistant runs before and after.

    Raises:
        AssertionError: something was lost, doubled or out of order, or the widget said nothing about it.
    """
    written = [QUESTION, OTHER_QUESTION]
    for text in written:
        talk.ask(text)
    before = talk.texts
    try:
        written += WAYS[way](talk, assistant)
    finally:
        assistant.start()
        assistant.wait()
    expect(talk.turns).to_have_count(len(written))
    for number in range(len(written)):
        expect(talk.turns.nth(number)).to_have_attribute("data-standing", "answered", timeout=BACK)
    expect(talk.says(WORDS["offline"])).to_have_count(0)
    expect(talk.says(WORDS["waiting"])).to_have_count(0)

    stored = assistant.patient_said(talk.conversation)
    assert stored == written, f"The database has {stored}"
    turns = assistant.rows("SELECT message_id FROM turns WHERE sender_id = ?", talk.conversation)
    assert len(turns) == len(written) and talk.kept["unsent"] == []
    said = talk.texts
    assert said[: len(before)] == before, "What was said before has changed."
    assert [text.split(": ", 1)[1] for text in said if text.startswith(WORDS["you"])] == written, said
    answers = [text for text in said if text.startswith(WORDS["assistant"])]
    assert len(answers) == len(set(answers)) >= len(written), f"Answers: {answers}"

    talk.page.reload()
    talk.open()
    expect(talk.turns).to_have_count(len(written))
    assert talk.texts == said, "After a reload the talk is another one."


def main() -> int:
    """Prints a line for each try and a sum; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    well = 0
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, Website() as website:
        with Assistant(Path(folder), allowed_origins=website.url) as assistant:
            told = tag(assistant.url, clinic_name=CLINIC_NAME, clinic_phone=CLINIC_PHONE)
            address = website.put("/", page(told))
            for number in range(times):
                way = list(WAYS)[number % len(WAYS)]
                context = browser.new_context()
                context.add_init_script(WATCH)
                tab = context.new_page()
                tab.goto(address)
                started = time.monotonic()
                try:
                    survives(Widget(tab).open(), assistant, way)
                    well += 1
                    result = "well"
                except (AssertionError, Error) as error:
                    result = f"LOST: {str(error)[:600]}"
                print(f"{number + 1:2}. {way}: {result} ({time.monotonic() - started:.0f} s)", flush=True)
                context.close()
    print(f"{well} of {times} restarts: every message answered once, history intact, nothing lost or doubled.")
    return 0 if well == times else 1


if __name__ == "__main__":
    sys.exit(main())
