"""The forms that institutions fill in: Excel workbooks, written from their obligations.

Belongs here: which rows a form asks for, and how it looks on screen and on A4. Not here: what a
form's columns are (the layouts) or how a filled form is read (sources.reading).
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from math import ceil
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

import xlsxwriter
from babel.dates import format_date
from babel.numbers import format_decimal
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sources.codes import codes_of
from sources.layouts import SOURCES, VERSIONED, Column, Layout, form_key, load_layouts
from sources.registers import (
    PERIODS_IN_MONTHS,
    is_due,
    is_in_force,
    national_plans,
    obligations_in,
    plan_in,
    plan_rows,
    register_rows,
)
from sources.texts import LANGUAGES, text

LAYOUT_ID = "krat-raport-2"

#: Widths of columns in characters. They fit A4 on its long side at 11 points, in wide fonts too.
_WIDTHS = {
    "indicator_code": 10,
    "indicator_name": 27,
    "unit": 10,
    "category": 13,
    "last_value": 8,
    "value": 8,
    "value_state": 11,
    "target": 9,
    "reason": 11,
}
_RECORD_WIDTHS = {"date": 13, "timestamp": 17, "code": 17, "text_code": 18, "count": 13}
_KEY_WIDTH = 13
_PAGE, _PAGE_POINTS = 107, 500
_INSTRUCTIONS_WIDTH = 72
_LIST_WIDTH = 26
#: Lists that are printed are beside each other in so many columns of A4; one longer than this is
#: to the right of them and not printed.
_LIST_COLUMNS = 4
_LONGEST_PRINTED = 60
_SIZE, _TITLE_SIZE = 11, 15
_LINE_HEIGHT = 15
_HEAD_COLUMNS = 2
#: What of a name has room at the foot of a page, beside the month and the page's number.
_FOOTER = 60
#: 1 900, whatever the language of the program.
_WHOLE = r"[>=1000000]0\ 000\ 000;[>=1000]0\ 000;0"
_LARGEST = 999_999_999
_OFFERED = ("value", "value_state", "reason")
_RECORD_ROWS, _RECORD_LINES = 10, 2
_LAST_RECORD_ROW = 5_000
_A4 = 9

LastValues = dict[tuple[str, str, str], float]


@dataclass(frozen=True)
class _Registers:
    """What the registers in a folder say of a county and a month."""

    folder: Path
    county_code: str
    month: date

    @cached_property
    def county(self) -> str:
        names = {
            row["county_code"]: row["name_sq"] for row in register_rows(self.folder, "counties")
        }
        return names[self.county_code]

    @cached_property
    def institutions(self) -> dict[str, dict[str, str]]:
        """The institutions of the county, by their codes."""
        return {
            row["institution_code"]: row
            for row in register_rows(self.folder, "institutions")
            if row["county_code"] == self.county_code
        }

    @cached_property
    def plan_code(self) -> str:
        return plan_in(national_plans(self.folder), self.month)

    def deadline(self, frequency: str = "monthly") -> str | None:
        """Return the day by which the period of the month is reported; None past the calendar."""
        months = PERIODS_IN_MONTHS[frequency]
        last = date(self.month.year, ceil(self.month.month / months) * months, 1)
        for row in register_rows(self.folder, "reporting_calendar"):
            if row["month"] == f"{last:%Y-%m-%d}":
                return f"{date.fromisoformat(row['reporting_deadline']):%d.%m.%Y}"
        return None

    @cached_property
    def targets(self) -> dict[str, float | str]:
        """The year's target of each indicator: the county's, or the nation's, marked as such."""
        found: dict[str, float | str] = {}
        rows = plan_rows(self.folder, "targets", self.plan_code)
        of_year = [
            row
            for row in rows
            if row["year"] == str(self.month.year)
            and row["target_kind"] == "target"
            and row["value_state"] == "number"
            and row["county_code"] in ("AL", self.county_code)
        ]
        for row in sorted(of_year, key=lambda row: row["county_code"] != "AL"):
            value = float(row["value"])
            found[row["indicator_code"]] = (
                text("forms.of_the_nation", "sq", value=_shown(value))
                if row["county_code"] == "AL"
                else value
            )
        return found

    def offered(self, column: Column) -> list[str]:
        """Return what a column of records may be chosen from, as it is shown."""
        found: list[str] = []
        for name in column.code_lists:
            if VERSIONED.fullmatch(name):
                found += [code.name_sq for code in codes_of(name)]
            elif name == "register:institutions":
                found += [row["name_sq"] for row in self.institutions.values()]
            elif name in ("register:municipalities", "register:counties"):
                found += [
                    row["name_sq"]
                    for row in register_rows(self.folder, name.removeprefix("register:"))
                    if row["county_code"] != "AL"
                    and (name.endswith("counties") or row["county_code"] == self.county_code)
                ]
        return found


def write_forms(
    county_code: str,
    month: date,
    folder: Path,
    seeds_dir: Path,
    last_values: LastValues,
    send_to: str | None = None,
) -> list[Path]:
    """Write `<institution>_<month>.xlsx` for each institution of a county that owes something.

    `last_values` maps (institution, indicator, category) to what was reported last; `send_to` is
    where a filled form goes, by default to the county's committee. The same inputs give the same
    bytes. Returns the paths, none where nothing is owed for the month.
    """
    layout = next(layout for layout in load_layouts() if layout.id == LAYOUT_ID)
    registers = _Registers(seeds_dir, county_code, month)
    owed: dict[str, list[str]] = {}
    for row in obligations_in(seeds_dir, month):
        if row["institution_code"] in registers.institutions and is_due(row, month):
            owed.setdefault(row["institution_code"], []).append(row["indicator_code"])
    indicators = {
        row["indicator_code"]: row
        for row in plan_rows(seeds_dir, "indicators", registers.plan_code)
    }
    categories: dict[str, list[dict[str, str]]] = {}
    for row in plan_rows(seeds_dir, "breakdown_categories", registers.plan_code):
        categories.setdefault(row["indicator_code"], []).append(row)
    units = {row["unit"]: row["name_sq"] for row in register_rows(SOURCES / "submissions", "units")}
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for institution_code in sorted(owed):
        rows: list[dict[str, Any]] = []
        for code in sorted(owed[institution_code], key=_code_order):
            for category in [None, *categories.get(code, [])]:
                key = (institution_code, code, category["category"] if category else "total")
                rows.append(
                    {
                        "indicator_code": code,
                        "indicator_name": indicators[code]["name_sq"],
                        "unit": units[indicators[code]["unit"]],
                        "category": category["name_sq"] if category else "",
                        "last_value": last_values.get(key),
                        "target": None if category else registers.targets.get(code),
                    }
                )
        path = folder / f"{institution_code}_{month:%Y-%m}.xlsx"
        _Form(path, layout, registers, institution_code, send_to).write_report(rows)
        written.append(path)
    return written


def write_record_forms(
    county_code: str, month: date, folder: Path, seeds_dir: Path, send_to: str | None = None
) -> list[Path]:
    """Write `<institution>_<source>_<month>.xlsx` for each log and each records of cases owed.

    They are empty tables, to be filled and sent again as they grow. The same inputs give the same
    bytes. Returns the paths.
    """
    registers = _Registers(seeds_dir, county_code, month)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for row in register_rows(seeds_dir, "record_obligations"):
        if row["institution_code"] not in registers.institutions or not is_in_force(row, month):
            continue
        layouts = [
            layout
            for layout in load_layouts()
            if layout.source == row["source"] and layout.valid_from <= month
        ]
        layout = max(layouts, key=lambda layout: layout.valid_from)
        path = folder / f"{row['institution_code']}_{row['source']}_{month:%Y-%m}.xlsx"
        form = _Form(path, layout, registers, row["institution_code"], send_to, row["frequency"])
        form.write_records()
        written.append(path)
    return written


def _code_order(code: str) -> list[int]:
    return [int(part) for part in code.split(".")]


def _shown(value: float) -> str:
    """Return a number as people write it: 1 900; 2,5."""
    return format_decimal(value, "#,##0.##########", locale="sq")


class _Form:
    """A workbook with the form of an institution, its instructions and its lists."""

    def __init__(
        self,
        path: Path,
        layout: Layout,
        registers: _Registers,
        institution_code: str,
        send_to: str | None,
        frequency: str = "monthly",
    ) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), options)
        month = registers.month
        self._book.set_properties({"created": datetime(month.year, month.month, 1)})
        self._layout = layout
        self._height = 0.0
        self._registers = registers
        self._institution = registers.institutions[institution_code]
        self._send_to = send_to or text("forms.committee", "sq", county=registers.county)
        self._deadline = registers.deadline(frequency)
        self._sheet = self._book.add_worksheet(layout.sheet or text("forms.records", "sq"))
        edged = {"border": 1, "text_wrap": True, "valign": "top"}
        self._bold = self._format(bold=True)
        self._head = self._format(bold=True, bg_color="#DDE6F0", **edged)
        self._printed = self._format(num_format=_WHOLE, **edged)
        self._closed = self._format(bg_color="#EEEEEE", **edged)
        self._to_fill = self._format(bg_color="#FFF6CC", locked=False, **edged)
        self._wrapped = self._format(text_wrap=True)

    def _set_height(self, row: int, lines: float) -> None:
        self._sheet.set_row(row, lines * _LINE_HEIGHT)
        self._height += lines * _LINE_HEIGHT

    def _format(self, **properties: Any) -> Format:
        return self._book.add_format({"font_size": _SIZE, "valign": "top", **properties})

    def write_report(self, rows: list[dict[str, Any]]) -> None:
        """Write the form of a monthly report: a row a value."""
        with_target = any(row["target"] is not None for row in rows)
        columns = [
            column
            for column in self._layout.columns
            if column.place == "row" and (with_target or column.name not in ("target", "reason"))
        ]
        widths = [_WIDTHS[column.name] for column in columns]
        top = self._write_head("report", widths)
        sheet = self._sheet
        for row, values in enumerate(rows, start=top + 1):
            # LibreOffice does not fit heights that the file leaves open.
            lines = max(
                _lines(str(values[name] or ""), _WIDTHS[name])
                for name in ("indicator_name", "unit", "category", "target")
            )
            # A state that is chosen takes two lines.
            self._set_height(row, max(2, lines))
        for position, column in enumerate(columns):
            for row, values in enumerate(rows, start=top + 1):
                value = values.get(column.name)
                if column.name == "reason" and values["target"] is None:
                    sheet.write_blank(row, position, None, self._closed)
                elif column.name in _OFFERED:
                    sheet.write_blank(row, position, None, self._to_fill)
                elif isinstance(value, float | int):
                    sheet.write_number(row, position, value, self._printed)
                else:
                    sheet.write_string(row, position, value or "", self._printed)
            if column.name in _OFFERED:
                self._limit(column, position, top + 1, top + len(rows), list(column.choices))
        self._write_headings(top, columns, widths)
        sheet.fit_to_pages(1, 0)
        self._finish("report")
        self._book.close()

    def write_records(self) -> None:
        """Write the form of a log or of records of cases: an empty row a contact or step."""
        columns = [
            column
            for column in self._layout.columns
            if column.place == "row" and column.kind != "dropped"
        ]
        widths = [_RECORD_WIDTHS.get(column.kind, _KEY_WIDTH) for column in columns]
        # What does not fit beside the first column, which is on each page, goes to the next one.
        breaks, used = [], 0
        for position, width in enumerate(widths):
            if used + width > _PAGE:
                breaks.append(position)
                used = widths[0]
            used += width
        kind = self._layout.source
        top = self._write_head(kind, widths[: breaks[0] if breaks else None])
        self._write_headings(top, columns, widths, self._format(locked=False, text_wrap=True))
        # So many as the first page has room for.
        room = int((_PAGE_POINTS - self._height) / (_RECORD_LINES * _LINE_HEIGHT))
        for row in range(top + 1, top + 1 + max(1, min(room, _RECORD_ROWS))):
            self._set_height(row, _RECORD_LINES)
            for position, _ in enumerate(columns):
                self._sheet.write_blank(row, position, None, self._to_fill)
        self._sheet.set_v_pagebreaks(breaks)
        self._sheet.repeat_columns(0)
        self._finish(kind)
        places = self._write_lists(columns)
        for position, column in enumerate(columns):
            self._limit(column, position, top + 1, _LAST_RECORD_ROW, places.get(column.name, ""))
        self._book.close()

    def _write_lists(self, columns: list[Column]) -> dict[str, str]:
        """Write what columns are chosen from on a sheet; return where that of each column is."""
        lists = self._book.add_worksheet(text("forms.lists", "sq"))
        headings: dict[tuple[str, ...], list[Column]] = {}
        for column in columns:
            if offered := self._registers.offered(column):
                headings.setdefault(tuple(offered), []).append(column)
        places: dict[str, str] = {}
        heights: dict[int, int] = {}
        used = [0] * _LIST_COLUMNS
        # The longest first, so that the columns end at much the same row.
        for names, of in sorted(headings.items(), key=lambda each: -len(each[0])):
            is_printed = len(names) <= _LONGEST_PRINTED
            at = used.index(min(used)) if is_printed else len(used)
            if not is_printed:
                used.append(0)
            of_columns = " · ".join(f"«{column.headings[0]}»" for column in of)
            # The headings themselves would make it a second table.
            title = text("forms.list_of", "sq", columns=of_columns)
            for row, content in enumerate((title, *names), start=used[at]):
                style = self._head if row == used[at] else self._wrapped
                lists.write_string(row, at, content, style)
                heights[row] = max(heights.get(row, 1), _lines(content, _LIST_WIDTH))
            letter = xlsxwriter.utility.xl_col_to_name(at)
            first, last = used[at] + 2, used[at] + 1 + len(names)
            place = f"='{lists.name}'!${letter}${first}:${letter}${last}"
            places |= dict.fromkeys((column.name for column in of), place)
            used[at] = last + 1
        for row, height in heights.items():
            lists.set_row(row, height * _LINE_HEIGHT)
        lists.set_column(0, len(used) - 1, _LIST_WIDTH)
        lists.print_area(0, 0, max(used[:_LIST_COLUMNS]) - 2, _LIST_COLUMNS - 1)
        lists.protect()
        lists.set_landscape()
        self._set_page(lists)
        lists.fit_to_pages(1, 0)
        return places

    def _write_head(self, kind: str, widths: list[int]) -> int:
        """Write labels with their codes, and beside them what they mean; return the table's row.

        `widths` are those of the columns on the first page.
        """
        registers, month = self._registers, self._registers.month
        last = len(widths) - 1
        code = self._institution["institution_code"]
        values = {
            "layout_id": self._layout.id,
            "county_code": registers.county_code,
            "institution_code": code,
            "reporting_month": f"{month:%Y-%m}",
            "form_key": form_key(self._layout.id, registers.county_code, code, month),
            "is_made_up": "REALE",
        }
        county = text("forms.county", "sq", county=registers.county)
        institution = self._institution["name_sq"]
        month_in_words = format_date(month, "LLLL y", locale="sq")
        send_to = text("forms.send_to", "sq", place=self._send_to)
        deadline = text("forms.deadline", "sq", day=self._deadline) if self._deadline else ""
        labels = [column for column in self._layout.columns if column.place == "head"]
        words = {"layout_id": text(f"forms.titles.{kind}", "sq"), "institution_code": institution}
        if kind == "report":
            words |= {"county_code": county, "reporting_month": month_in_words}
            words |= {"form_key": deadline, "is_made_up": send_to}
        else:
            # A log has no label for its institution.
            names = [institution] if kind == "hotline" else []
            words["county_code"] = ", ".join([county, *names, month_in_words])
            words["is_made_up"] = ". ".join(filter(None, [send_to, deadline]))
        styles = {
            "layout_id": self._format(bold=True, font_size=_TITLE_SIZE, text_wrap=True),
            "institution_code": self._format(bold=True, text_wrap=True),
            "reporting_month": self._bold,
            "form_key": self._bold,
        }
        for row, column in enumerate(labels):
            self._sheet.write_string(row, 0, column.headings[0], self._format(text_wrap=True))
            self._sheet.write_string(row, 1, values[column.name], self._format())
            style = styles.get(column.name, self._wrapped)
            said = words.get(column.name, "")
            size = _TITLE_SIZE / _SIZE if column.name == "layout_id" else 1
            lines = max(
                _lines(column.headings[0], widths[0]),
                _lines(said, sum(widths[_HEAD_COLUMNS:]) / size) * size,
            )
            self._set_height(row, max(lines, 1.4))
            self._sheet.merge_range(row, _HEAD_COLUMNS, row, last, said, style)
        short = text(f"forms.in_short.{'report' if kind == 'report' else 'records'}", "sq")
        lines = _lines(short, sum(widths[1:]))
        self._set_height(len(labels), lines + 0.6)
        # Not in the first column, which records have on each page.
        self._sheet.merge_range(len(labels), 1, len(labels), last, short, self._wrapped)
        return len(labels) + 1

    def _write_headings(
        self,
        top: int,
        columns: list[Column],
        widths: list[int],
        column_style: Format | None = None,
    ) -> None:
        for position, column in enumerate(columns):
            self._sheet.set_column(position, position, widths[position], column_style)
            self._sheet.write_string(top, position, column.headings[0], self._head)
        lines = max(
            _lines(column.headings[0], width) for column, width in zip(columns, widths, strict=True)
        )
        self._set_height(top, lines)
        self._sheet.repeat_rows(top)
        self._sheet.freeze_panes(top + 1, 1)

    def _limit(
        self, column: Column, position: int, first: int, last: int, offered: list[str] | str
    ) -> None:
        """Let the cells of a column hold whole numbers only, or what is offered."""
        title = {"error_title": column.headings[0][:32]}
        if column.kind == "count":
            whole = {
                "validate": "integer",
                "criteria": "between",
                "minimum": 0,
                "maximum": column.largest or _LARGEST,
                "error_message": text("forms.no_whole_number", "sq"),
                # Where it is not known, a record says so.
                "error_type": "stop" if column.name == "value" else "warning",
            }
            self._sheet.data_validation(first, position, last, position, whole | title)
        elif offered:
            choice = {
                "validate": "list",
                "source": offered,
                "error_message": text("forms.not_in_list", "sq"),
                "error_type": "stop" if column.choices else "warning",
            }
            self._sheet.data_validation(first, position, last, position, choice | title)

    def _finish(self, kind: str) -> None:
        self._sheet.protect("", {"format_columns": True, "format_rows": True, "sort": True})
        self._sheet.set_landscape()
        self._set_page(self._sheet)
        for language in LANGUAGES:
            sheet = self._book.add_worksheet(text("forms.sheet", language))
            sheet.set_column(0, 0, _INSTRUCTIONS_WIDTH, self._wrapped)
            lines = text(f"forms.instructions.{kind}", language).splitlines()
            for row, line in enumerate(lines):
                sheet.set_row(row, (_lines(line, _INSTRUCTIONS_WIDTH) + 0.4) * _LINE_HEIGHT)
                sheet.write_string(row, 0, line, self._wrapped)
            sheet.protect()
            self._set_page(sheet)
            sheet.fit_to_pages(1, 1)

    def _set_page(self, sheet: Worksheet) -> None:
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.3, right=0.3, top=0.5, bottom=0.7)
        sheet.center_horizontally()
        name = shorten(self._institution["name_sq"], _FOOTER, placeholder="…").replace("&", "&&")
        month = format_date(self._registers.month, "LLLL y", locale="sq")
        sheet.set_footer(f"&L&9{name}, {month}&R&9{text('forms.page', 'sq')}")


def _lines(content: str, width: float) -> int:
    """Return how many lines a text takes in a column, also in a wide font and in bold."""
    return max(1, len(wrap(content, int(width * 0.92))))
