"""Tables as files for a spreadsheet, whose program must never take a patient's words for a formula."""

import csv
import io
from typing import Any, Iterable, Sequence

from starlette.responses import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what begins one (owasp.org/www-community/attacks/CSV_Injection)


def csv_response(filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV file that is saved as `filename` (plain letters): UTF-8 with the mark that Excel needs, formulas made text."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (header, *rows):
        writer.writerow([neutral(cell) for cell in row])
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def neutral(cell: Any) -> Any:
    """`cell` as a spreadsheet may open it: an apostrophe before a text that it would work out. Numbers stay numbers."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
