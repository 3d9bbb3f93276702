"""Writes .env.example and docs/settings.md from the table of settings: `make settings-docs`."""

import re
import textwrap
from dataclasses import Field, fields
from inspect import getdoc
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from infusion_guide.clinic.settings import ROOT, Settings

EXAMPLE, PAGE = ROOT / ".env.example", ROOT / "docs" / "settings.md"

_EXAMPLE_HEAD = (
    "Copy this file to .env and fill in what your clinic needs. Every line is optional; a wrong value stops the start with a "
    "line that names it. (Made by `make settings-docs`.)"
)
_PAGE_HEAD = """\
# Settings

<!-- Made by `make settings-docs` from infusion_guide/clinic/settings.py: change them there. -->

Write them in `.env`, a copy of `.env.example`, or in the environment, which wins. Every one is optional. A wrong value stops
the start with a line that names it; `make doctor` looks everything over. After a change, restart.
"""
_NAME = re.compile(r"\b(" + "|".join(field.name.upper() for field in fields(Settings)) + r")\b")


def files() -> Dict[Path, str]:
    """What is to stand in each file that is made of the table."""
    return {EXAMPLE: _example(), PAGE: _page()}


def _groups() -> Iterator[Tuple[str, str, Tuple["Field[Any]", ...]]]:
    """Title, introduction (maybe empty) and settings of each group."""
    for group in Settings.__bases__:
        title, _, introduction = (getdoc(group) or "").partition("\n")
        yield title, " ".join(introduction.split()), fields(group)


def _form(field: "Field[Any]") -> str:
    """What a value looks like; empty for any text."""
    return "true or false" if isinstance(field.default, bool) else ", ".join(check.form for check in field.metadata["checks"])


def _default(field: "Field[Any]") -> str:
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def _example() -> str:
    lines = _comment(_EXAMPLE_HEAD)
    for title, introduction, settings in _groups():
        lines += ["", f"# ---- {title} ----", *_comment(introduction)]
        for field in settings:
            form = f" Form: {_form(field)}" if _form(field) else ""
            lines += ["", *_comment(field.metadata["purpose"] + form), f"{field.name.upper()}={_default(field)}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> List[str]:
    return textwrap.wrap(text, 125, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _page() -> str:
    lines = [_PAGE_HEAD]
    for title, introduction, settings in _groups():
        lines += [f"## {_marked_up(title)}", "", *([_marked_up(introduction), ""] if introduction else [])]
        lines += ["| Setting | What it is for | Default | Form |", "|---|---|---|---|"]
        for field in settings:
            default = f"`{_default(field)}`" if _default(field) else "none"
            purpose, form = _marked_up(field.metadata["purpose"]), _form(field) or "text"
            lines.append(f"| `{field.name.upper()}` | {purpose} | {default} | {form} |")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _marked_up(text: str) -> str:
    """Links to pages beside this one, and names of settings as code."""
    return _NAME.sub(r"`\1`", re.sub(r"docs/(\w+\.md)", r"[\1](\1)", text))


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} is up to date.")
