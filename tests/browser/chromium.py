"""The system's own Chromium, driven by Playwright."""

import os
import shutil
from contextlib import contextmanager
from typing import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

TIMEOUT = 10_000  # milliseconds until a condition that is waited for is a failure
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path() -> str:
    """Where Chromium is: the variable CHROMIUM, or the first of the usual names on the PATH.

    Raises:
        RuntimeError: it is nowhere.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise RuntimeError("No Chromium was found. `make browser` installs it (on Debian), or set CHROMIUM to its path.")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a window; nothing of it outlives the context."""
    expect.set_options(timeout=TIMEOUT)
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(_FLAGS)  # root has no sandbox of its own
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=flags)
        try:
            yield browser
        finally:
            browser.close()
