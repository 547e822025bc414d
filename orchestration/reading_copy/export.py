"""Answers as files: csv, xlsx and parquet.

Belongs here: writing one answer, safely for whoever opens it in a spreadsheet. Not here: releases,
which are more than their tables.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.publication.writing.files import safe_text
from sources.texts import text

EXPORT_FORMATS = ("csv", "xlsx", "parquet")

#: A sheet ends here; Excel takes no more.
MAX_SHEET_ROWS = 1_048_575


def export(answer: duckdb.DuckDBPyRelation | None, path: Path) -> int:
    """Write an answer in the format of the path's suffix; return its rows.

    Text that would start a formula gets an apostrophe in csv and is text in xlsx; numbers stay
    numbers; a missing value is empty. Raises ValueError for another suffix, for a file that is
    there already, for no answer, and for more rows than a sheet has.
    """
    kind = path.suffix.removeprefix(".").casefold()
    if kind not in EXPORT_FORMATS:
        raise ValueError(f"{path.name} ends in none of {', '.join(EXPORT_FORMATS)}.")
    if answer is None:
        raise ValueError("what was asked gives no answer to export.")
    if path.exists():
        raise ValueError(f"{path} is there already: choose another name.")
    if kind == "parquet":
        import pyarrow.parquet as pq

        table = answer.to_arrow_table()
        pq.write_table(table, path)
        return int(table.num_rows)
    frame = answer.df()
    if kind == "csv":
        # Excel takes UTF-8 for what it is only behind a mark.
        frame.columns = safe_text(pd.DataFrame({"name": frame.columns.map(str)}))["name"]
        safe_text(frame).to_csv(path, index=False, lineterminator="\n", encoding="utf-8-sig")
    else:
        _write_sheet(frame, path)
    return len(frame)


def _write_sheet(frame: pd.DataFrame, path: Path) -> None:
    import xlsxwriter

    if len(frame) > MAX_SHEET_ROWS:
        raise ValueError(f"a sheet holds {MAX_SHEET_ROWS} rows: export to csv or parquet.")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0"})
        dated = book.add_format({"num_format": "yyyy-mm-dd"})
        timed = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(text("export.sheet", "sq"))
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(frame.columns):
            sheet.set_column(column, column, min(max(len(str(name)) + 2, 12), 60))
            sheet.write_string(0, column, str(name), head)
        for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
            for column, value in enumerate(values):
                if isinstance(value, list | dict):
                    sheet.write_string(row, column, str(value))
                elif pd.isna(value):
                    continue
                elif isinstance(value, bool):
                    sheet.write_boolean(row, column, value)
                elif isinstance(value, int | float | Decimal):
                    sheet.write_number(row, column, float(value))
                elif isinstance(value, datetime):
                    midnight = value.time() == datetime.min.time()
                    sheet.write_datetime(
                        row, column, value.replace(tzinfo=None), dated if midnight else timed
                    )
                elif isinstance(value, date):
                    sheet.write_datetime(row, column, value, dated)
                else:
                    sheet.write_string(row, column, str(value))
