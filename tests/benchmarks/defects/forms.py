"""A report's file as an officer sees it: labels, headings and cells, to be spoiled and saved.

Belongs here: finding and changing cells. Not here: what is spoiled (kinds), and nothing of krat's
own reader, which is what is measured.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

Value = str | int | float | date | None

HEADING = "Kodi i treguesit"


@dataclass(frozen=True)
class Spot:
    """A cell of a sheet, or with no `cell` a row of it; rows count from 1."""

    sheet: str | None
    cell: str | None
    row: int | None


class Form:
    """A file's grid of cells; rows and columns count from 0. `key` is one of its headings."""

    def __init__(self, path: Path, key: str = HEADING) -> None:
        self.is_text = path.suffix == ".csv"
        self.sheet: str | None = None
        if self.is_text:
            with path.open(encoding="utf-8", newline="") as file:
                self.rows: list[list[Value]] = [[*row] for row in csv.reader(file, delimiter=";")]
        else:
            page = load_workbook(path).worksheets[0]
            self.sheet = page.title
            self.rows = [[*row] for row in page.iter_rows(values_only=True)]
        self.top = next(number for number, row in enumerate(self.rows) if key in row)

    @property
    def lines(self) -> range:
        """The rows below the headings."""
        return range(self.top + 1, len(self.rows))

    def column(self, heading: str) -> int:
        """Return where a heading stands; ValueError if it doesn't."""
        return self.rows[self.top].index(heading)

    def value(self, row: int, heading: str) -> Value:
        return self.rows[row][self.column(heading)]

    def number(self, row: int) -> int | None:
        """Return the whole number of a row's value, None where there is none."""
        value = self.value(row, "Vlera")
        return int(value) if value not in (None, "") and str(value).isdigit() else None

    def put(self, row: int, heading: str, value: Value) -> Spot:
        """Write a cell of the table; return where it stands."""
        column = self.column(heading)
        self.rows[row][column] = value
        return self.place(row, column)

    def count(self, row: int, number: int) -> Spot:
        """Write a number as the form wants it: a zero says that it is meant."""
        self.put(row, "Gjendja", "zero" if number == 0 else None)
        return self.put(row, "Vlera", number)

    def put_head(self, label: str, value: Value) -> Spot:
        """Write what is said once a file: beside its label, or in each line of its column."""
        if self.is_text:
            places = [self.put(row, label, value) for row in self.lines]
            return places[0]
        row = next(number for number in range(self.top) if self.rows[number][0] == label)
        self.rows[row][1] = value
        return self.place(row, 1)

    def totals(self) -> list[int]:
        """Return the rows that hold an indicator's total."""
        return [row for row in self.lines if not self.value(row, "Ndarja")]

    def parts(self, total: int) -> list[int]:
        """Return the rows of the breakdown of the indicator in the row `total`."""
        code = self.value(total, HEADING)
        return [
            row for row in self.lines if self.value(row, HEADING) == code and row not in (total,)
        ]

    def place(self, row: int, column: int | None = None) -> Spot:
        cell = None if column is None else f"{get_column_letter(column + 1)}{row + 1}"
        return Spot(self.sheet, cell, row + 1)

    def content(self, separator: str = ";") -> bytes:
        """Return the file as it is now."""
        if self.is_text:
            text = io.StringIO(newline="")
            csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(self.rows)
            return text.getvalue().encode()
        book = Workbook()
        book.active.title = self.sheet
        for row in self.rows:
            book.active.append(row)
        sink = io.BytesIO()
        book.save(sink)
        return sink.getvalue()
