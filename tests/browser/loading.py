"""How large the widget is and how soon a patient can press it: `python -m tests.browser.loading` (a warm server)."""

import argparse
import gzip
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from infusion_guide.clinic.settings import ROOT
from tests.browser.assistant import Assistant
from tests.browser.chromium import chromium

SCRIPT = ROOT / "infusion_guide" / "website" / "widget.js"

# From the first byte asked for until the launcher is there, styled, and does what it is for.
_READY = """new Promise((done) => {
  const look = () => {
    const launcher = document.querySelector("infusion-guide")?.shadowRoot?.querySelector(".launcher");
    if (launcher?.checkVisibility() && launcher.getBoundingClientRect().width > 0) {
      launcher.click();
      document.querySelector("infusion-guide").updateComplete.then(() => {
        if (document.querySelector("infusion-guide").state.open) done(performance.now());
      });
    } else requestAnimationFrame(look);
  };
  look();
})"""


def milliseconds(page: Page, url: str) -> float:
    """From the start of the navigation to `url` until the launcher has opened the panel; nothing is in the cache."""
    page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ window.ready = {_READY}; }})")
    page.goto(url)
    return page.evaluate("window.ready")


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    whole = SCRIPT.read_bytes()
    print(f"widget.js: {len(whole):,} bytes, {len(gzip.compress(whole, 9)):,} with gzip")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, Assistant(Path(folder)) as assistant:
        found = []
        for number in range(times + 1):
            context = browser.new_context()  # an empty cache
            took = milliseconds(context.new_page(), assistant.url)
            context.close()
            if number:  # the first one warms the server
                found.append(took)
    spread = f"{min(found):.0f} to {max(found):.0f}"
    print(f"Demonstration page, warm server: interactive after {statistics.median(found):.0f} ms (median of {times}; {spread})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
