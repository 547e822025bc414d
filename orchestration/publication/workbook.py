"""The workbook of a release, made to be read: a cover, a sheet a mart, a dictionary.

Belongs here: looks. Not here: what goes out (marts) or who may see it.
"""

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from orchestration.publication.marts import Mart

WIDEST = 60
DICTIONARY_TITLES = ("tabela / table", "kolona / column", "përshkrimi / description")


def write_workbook(
    path: Path,
    *,
    county_code: str,
    month: date,
    is_made_up: bool,
    marts: tuple[Mart, ...],
    frames: dict[str, pd.DataFrame],
    descriptions: dict[str, dict[str, str]],
) -> None:
    """Write the workbook; the same frames give the same bytes."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(month.year, month.month, 1)})
    bold = book.add_format({"bold": True})
    head = book.add_format(
        {"bold": True, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "top"}
    )
    dated = book.add_format({"num_format": "yyyy-mm-dd"})
    number = book.add_format({"num_format": "#,##0.##"})
    cover = book.add_worksheet("Kopertina")
    cover.set_column(0, 0, 34)
    cover.set_column(1, 1, 70)
    lines = [
        ("KRAT", county_code),
        ("Muaji / Month", f"{month:%Y-%m}"),
        *([("SHEMBULL / EXAMPLE", "Të dhëna të trilluara. Made-up data.")] if is_made_up else []),
        *((f"{mart.title_sq} / {mart.title_en}", f"{len(frames[mart.name])}") for mart in marts),
    ]
    for position, (label, text) in enumerate(lines):
        cover.write_string(position, 0, label, bold)
        cover.write_string(position, 1, text)
    for mart in marts:
        sheet = book.add_worksheet(mart.title_sq[:31])
        frame = frames[mart.name]
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(frame.columns):
            sheet.write_string(0, column, name, head)
            values = frame[name].tolist()
            longest = max([len(name), *(len(str(value)) for value in values)])
            sheet.set_column(column, column, min(longest + 2, WIDEST))
            for row, value in enumerate(values, start=1):
                if pd.isna(value):
                    continue
                if isinstance(value, bool):
                    sheet.write_boolean(row, column, value)
                elif isinstance(value, int | float):
                    sheet.write_number(row, column, value, number)
                elif isinstance(value, date | datetime):
                    sheet.write_datetime(row, column, value, dated)
                else:
                    sheet.write_string(row, column, str(value))
    dictionary = book.add_worksheet("Fjalori")
    dictionary.set_column(0, 1, 30)
    dictionary.set_column(2, 2, 100)
    for column, title in enumerate(
        ("tabela / table", "kolona / column", "përshkrimi / description")
    ):
        dictionary.write_string(0, column, title, head)
    entries = [
        (name, column, text) for name in descriptions for column, text in descriptions[name].items()
    ]
    for row, entry in enumerate(entries, start=1):
        for column, text in enumerate(entry):
            dictionary.write_string(row, column, text)
    book.close()
