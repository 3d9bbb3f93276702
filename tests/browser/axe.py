"""axe-core, which judges a page by WCAG as far as a program can."""

from functools import lru_cache
from typing import List

from playwright.sync_api import Page

from infusion_guide.clinic.settings import ROOT

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_SCRIPT = ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"

_RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return found.violations.flatMap((violation) => violation.nodes.map(
    (node) => [violation.id, node.target.flat().join(" "), node.html.slice(0, 150), node.failureSummary].join(" | "),
  ));
}"""


@lru_cache(maxsize=1)
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")


def violations(page: Page) -> List[str]:
    """What axe finds wrong with the page as it is now, shadow roots included; one line a node."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(_script())  # not a script tag, which a page's policy would refuse
    return page.evaluate(_RUN, list(TAGS))
