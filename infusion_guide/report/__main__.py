"""`make report`: the report of some days as one HTML file, and its tables as CSV files if wanted."""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

from infusion_guide.clinic.clock import clinic_today
from infusion_guide.clinic.settings import ROOT, SettingError, settings
from infusion_guide.report.csv_export import csv_bytes
from infusion_guide.report.figures import Figures, gather_now
from infusion_guide.report.page import document, lead, tables
from infusion_guide.report.period import Period, PeriodError
from infusion_guide.storage.database import DatabaseUnavailable, database, migrate

OUT = ROOT / "results" / "report.html"


def write_tables(figures: Figures, folder: Path) -> List[Path]:
    """Writes each table as a CSV file into `folder`, as a spreadsheet may open it; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables(figures):
        path = folder / f"{table.name}.csv"
        path.write_bytes(csv_bytes(table.header, table.rows))
        written.append(path)
    return written


def _progress(words: str) -> None:
    """One line for somebody who waits at a terminal, written over by the next."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words} ...", end="", file=sys.stderr, flush=True)


def main(words: Optional[List[str]] = None) -> int:
    """Writes what the command line asks for; 1 and a line that says why when it cannot."""
    parser = argparse.ArgumentParser(prog="make report", description=__doc__)
    parser.add_argument("--from", dest="first", help="first day, YYYY-MM-DD; without it, 30 days")
    parser.add_argument("--to", dest="last", help="last day, YYYY-MM-DD; without it, today")
    parser.add_argument("--out", type=Path, default=OUT, help="HTML file")
    parser.add_argument("--csv", type=Path, help="folder for CSV files")
    asked = parser.parse_args(words)
    try:
        period = Period.read(asked.first, asked.last)
        migrate(settings().database_url)
        figures = gather_now(database(), period, _progress)
        _progress("Drawing")
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(document(figures, clinic_today()), encoding="utf-8")
        files = [asked.out, *(write_tables(figures, asked.csv) if asked.csv else [])]
    except (PeriodError, SettingError, DatabaseUnavailable) as error:
        print(f"No report: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"No report: {error.filename} cannot be written ({error.strerror}). See OUT and CSV.", file=sys.stderr)
        return 1
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(lead(figures, clinic_today()))
    for path in files:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
