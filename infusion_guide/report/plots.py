"""Draws the plots of a report as SVG: numbers as they may be shown, in colors that everybody can tell apart.

Nothing here is global: no pyplot, no changed setting of Matplotlib, whose half second of import is paid when something is
drawn. Ink and lines are variables of the picture, so that it is readable on light and dark paper.
"""

import re
from base64 import b64encode
from io import StringIO
from threading import Lock
from typing import Any, Dict, List, Optional, Tuple

from infusion_guide.report.disclosure import Count, Parts

# Okabe and Ito, "Color Universal Design", 2008: told apart with every kind of color vision, on white and on black.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"

_INK, _LINE = "#1d2b33", "#c3ccd0"
_LOOK = (
    f"<style>svg{{--ink:{_INK};--line:{_LINE}}}"
    "@media (prefers-color-scheme:dark){svg{--ink:#e8eef0;--line:#45565e}}"
    f"@media print{{svg{{--ink:{_INK};--line:{_LINE}}}}}</style>"
)
_WIDTH = 4.8  # inches; letters of 10 points are readable on a phone, too
_LETTERS, _SMALL_LETTERS = 10, 6.5  # points
_FAINT = 0.45  # opacity of bars that only say "fewer than"
_MOST_LABELS = 12  # below bars
_one_at_a_time = Lock()  # Matplotlib shares caches of fonts and texts between its figures


def columns(parts: Parts, color: str) -> str:
    """Standing bars, one for each label of `parts`, in order."""
    return panels({"": parts}, {"": color}, height=2.2)


def panels(rows: Dict[str, Parts], colors: Dict[str, str], height: float = 1.35) -> str:
    """Standing bars in rows, one below the other on the same labels; `height` of one in inches."""
    with _one_at_a_time:
        figure = _figure(height * len(rows) + 0.45)
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (title, parts) in zip(axes, rows.items()):
            _stand(axis, list(parts.values()), colors[title])
            axis.set_title(_plain(title), loc="left", fontsize=_LETTERS, color=_INK, fontweight="bold")
        labels = list(rows[next(iter(rows))])
        every = -(-len(labels) // _MOST_LABELS)
        axes[-1].set_xticks(range(0, len(labels), every))
        slanted = {"rotation": 45, "ha": "right"} if max(map(len, labels)) > 2 and len(labels) > 6 else {}
        axes[-1].set_xticklabels([_plain(label) for label in labels[::every]], fontsize=_LETTERS - 1, **slanted)
        return _svg(figure)


def ranked(parts: Parts, color: str) -> str:
    """Lying bars with the number at their end, the first one on top."""
    with _one_at_a_time:
        figure = _figure(0.3 * len(parts) + 0.35)
        axis = figure.subplots()
        counts = list(parts.values())
        bars = axis.barh(range(len(counts)), [count.size for count in counts], 0.68, color=color)
        for bar, count in zip(bars, counts):
            bar.set_alpha(_FAINT if count.hidden else None)
            _write(axis, (bar.get_width(), bar.get_y() + bar.get_height() / 2), count.text, (4, 0), _LETTERS, va="center")
        axis.set_yticks(range(len(counts)))
        axis.set_yticklabels([_plain(label) for label in parts], fontsize=_LETTERS)
        axis.set_ylim(len(counts) - 0.4, -0.6)
        axis.set_xlim(0, max(5, *(count.size for count in counts)) * 1.16)
        axis.set_xticks([])
        _quiet(axis, "left")
        return _svg(figure)


def data_address(svg: str) -> str:
    """`svg` as the address of an image, which needs no file and no call."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _stand(axis: Any, counts: List[Count], color: str) -> None:
    bars = axis.bar(range(len(counts)), [count.size for count in counts], 0.78, color=color)
    for bar, count in zip(bars, counts):
        if count.hidden or count.text.startswith("about"):
            bar.set_alpha(_FAINT if count.hidden else None)
            text = count.text.replace("about ", "~")
            _write(axis, (bar.get_x() + bar.get_width() / 2, bar.get_height()), text, (0, 1), _SMALL_LETTERS, ha="center")
    axis.set_ylim(0, max(5, *(count.size for count in counts)) * 1.15)
    axis.set_xlim(-0.6, len(counts) - 0.4)
    axis.yaxis.set_major_locator(_whole_numbers())
    axis.tick_params(axis="y", labelsize=_LETTERS - 1)
    axis.grid(axis="y", color=_LINE, linewidth=0.7)
    axis.set_axisbelow(True)
    _quiet(axis, "bottom")


def _write(axis: Any, at: Tuple[float, float], text: str, offset: Tuple[float, float], size: float, **align: str) -> None:
    axis.annotate(_plain(text), at, xytext=offset, textcoords="offset points", fontsize=size, color=_INK, **align)


def _figure(height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), constrained_layout=True, facecolor="none")


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=3, integer=True, min_n_ticks=2)


def _quiet(axis: Any, kept: Optional[str]) -> None:
    """Only the line `kept` of the frame, no ticks, and the paper shines through."""
    axis.set_facecolor("none")
    for side, line in axis.spines.items():
        line.set_visible(side == kept)
        line.set_color(_LINE)
    axis.tick_params(length=0, colors=_INK)


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # which begins a formula


def _svg(figure: Any) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    written = StringIO()
    FigureCanvasSVG(figure)  # the canvas that it is saved with
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None}, facecolor="none")
    svg = written.getvalue()[written.getvalue().index("<svg") :]
    svg = svg.replace(_INK, "var(--ink)").replace(_LINE, "var(--line)")
    return re.sub(r"(<svg[^>]*>)", lambda tag: tag[1] + _LOOK, svg, count=1)
