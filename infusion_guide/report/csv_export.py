"""Tables as files for a spreadsheet, whose program must never take a patient's words for a formula."""

import csv
import io
import re
from typing import Any, Iterable, Sequence

from starlette.responses import Response

# What begins a formula (owasp.org/www-community/attacks/CSV_Injection), also in the full-width letters of East Asia.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf" *[{_SIGNS}\t\r\n]")
# Where a list separator is a semicolon (Windows of much of Europe), Excel begins a cell after one, and a row inside quotes.
_LATER_FORMULA = re.compile(rf"""([;\t\r\n])(?=[\s"']*[{_SIGNS}])""")


def csv_response(filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The answer that a browser saves as the CSV file `filename` (plain letters)."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return Response(csv_bytes(header, rows), media_type="text/csv; charset=utf-8", headers=headers)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """What a CSV file holds: UTF-8 with the mark that Excel needs, formulas made text."""
    text = io.StringIO()
    csv.writer(text).writerows([neutral(cell) for cell in row] for row in (header, *rows))
    return text.getvalue().encode("utf-8-sig")


def neutral(cell: Any) -> Any:
    """`cell` as a spreadsheet may open it: an apostrophe before a text that it would work out. Numbers stay numbers."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return ("'" if _FORMULA.match(cell) else "") + _LATER_FORMULA.sub(r"\1'", cell)
