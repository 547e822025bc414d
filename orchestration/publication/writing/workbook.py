"""The workbook of a release, made to be read and printed: cover, objectives, marts, dictionary.

Belongs here: looks. Not here: words (sources/texts/release.yml), what goes out
(orchestration.products), or who may see it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from babel.dates import format_date

from orchestration.products.codes import ESTIMATED, LOW_RELIABILITY, labels, signs
from orchestration.products.declaration import Tier, published_registers
from orchestration.products.tables import ProductTable
from orchestration.products.words import completeness_texts, one_row, restated_summary
from orchestration.publication.finality import reopening_text
from orchestration.publication.writing.files import safe_cell
from orchestration.runtime.settings import SEEDS
from sources.registers import register_rows
from sources.texts import LANGUAGES, both, keys, text

#: Widths of columns, in characters.
NARROWEST, WIDEST = 9, 40

#: So many characters stand side by side on a printed page in type that can be read; a wider table
#: goes over several pages.
PRINTED = 180

#: What is the same in every row of a release, and said in the head of each page.
_OF_ALL_ROWS = ("county_code", "reporting_month")

#: Columns of a sheet of an objective, with the key of each heading and its width.
_OBJECTIVE_COLUMNS = {
    "code": 10,
    "indicator_sq": 34,
    "indicator_en": 34,
    "unit": 14,
    "in_month": 12,
    "year_to_date": 14,
    "target": 10,
    "progress": 12,
    "status": 24,
    "activity": 22,
    "completeness": 12,
}

#: The same of the cover, the height of a line in points, and xlsxwriter's number of the paper.
COVER_WIDTHS, LINE, A4 = (36, 80), 15, 9

#: Number formats by unit; a count has the first.
NUMBER_FORMATS = {
    "": "#,##0",
    "share": "0 %",
    "per_cent": "#,##0.0",
    "hours": "0.0",
    "days": "#,##0.#",
}


#: The columns of the register of indicators with names for tables.
_SHORT_NAMES = ("short_name_sq", "short_name_en")

#: How bars of charts look, without colour.
_DARK = "#444444"
_HATCHED = {"pattern": "wide_upward_diagonal", "fg_color": _DARK, "bg_color": "#FFFFFF"}

#: So many rows with charts go on a printed page.
_CHART_PAGE = 28

#: So many columns at most stay in sight while the others move.
_MOST_FROZEN = 6

#: Observation statuses of numbers that a sign goes before, and the words for them.
UNCERTAIN = {LOW_RELIABILITY: "lower_bound", ESTIMATED: "may_fall"}


@dataclass(frozen=True)
class Objective:
    """A specific objective of a plan, with its names; empty where the register has none."""

    plan_code: str
    code: str
    name_sq: str
    name_en: str


@dataclass(frozen=True)
class Looks:
    """The formats of the workbook."""

    title: Any
    bold: Any
    text: Any
    heading: Any
    dated: Any
    sign: Any
    #: Of a count with what it stands for, in words and figures, and its heading.
    count: Any
    count_heading: Any
    numbers: dict[str, Any]
    #: The same of numbers that are not certain, by observation status.
    signed: dict[str, dict[str, Any]]


def write_workbook(
    path: Path,
    *,
    facts: dict[str, Any],
    tables: Sequence[ProductTable],
    changes: ProductTable | None,
    observations: ProductTable | None,
    registers: Sequence[ProductTable],
    measures: Mapping[tuple[str, str], Objective],
    gate: dict[str, Any],
) -> None:
    """Write the workbook; the same release gives the same bytes.

    `facts` are what the manifest has of the release as a whole, `gate` what gate.json holds,
    `measures` the objective of a measure, by plan and code.
    """
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    looks = book_looks(book)
    names = {
        table.product.name: dict(
            zip(table.frame[table.product.key[-1]], table.frame["name_sq"], strict=True)
        )
        for table in registers
        if "name_sq" in table.frame
    }
    year, month = map(int, facts["reporting_month"].split("-"))
    book.set_properties({"created": datetime(year, month, 1), "title": _title(facts, names)})
    statuses = _statuses(observations)
    uncertain = [word for status, word in UNCERTAIN.items() if status in statuses.values()]
    _write_cover(book, looks, facts, tables, changes, gate, names, uncertain)
    heading = _page_heading(facts, names)
    by_name = {one.product.name: one for one in (*tables, *registers)}
    for objective in sorted(set(measures.values()), key=lambda one: one.code):
        codes = {measure for measure, of in measures.items() if of == objective}
        _write_objective(
            book, looks, objective, by_name["indicator_progress"], by_name["indicators"].frame,
            codes, statuses, heading,
        )  # fmt: skip
    shown = list(tables)
    if changes is not None and len(changes.frame):
        shown.append(changes)
    for table in shown:
        write_table(book, looks, table, statuses, names, heading)
    write_dictionary(book, looks, shown)
    book.close()


def book_looks(book: Any) -> Looks:
    """Return the formats that every workbook of krat uses."""
    heading = {
        "bold": True, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "top", "bottom": 1,
    }  # fmt: skip
    return Looks(
        title=book.add_format({"bold": True, "font_size": 16, "text_wrap": True, "valign": "top"}),
        bold=book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
        text=book.add_format({"text_wrap": True, "valign": "top"}),
        heading=book.add_format(heading),
        dated=book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}),
        sign=book.add_format({"align": "right", "valign": "top", "font_color": "#666666"}),
        count=book.add_format({"align": "right", "valign": "top", "text_wrap": True}),
        count_heading=book.add_format({**heading, "align": "right"}),
        numbers={
            unit: book.add_format({"num_format": text, "valign": "top"})
            for unit, text in NUMBER_FORMATS.items()
        },
        signed={
            status: {
                unit: book.add_format(
                    {"num_format": f'"{signs()[status]} "{text}', "valign": "top"}
                )
                for unit, text in NUMBER_FORMATS.items()
            }
            for status in UNCERTAIN
        },
    )


def _write_cover(
    book: Any,
    looks: Looks,
    facts: dict[str, Any],
    tables: Sequence[ProductTable],
    changes: ProductTable | None,
    gate: dict[str, Any],
    names: dict[str, dict[str, str]],
    uncertain: Sequence[str],
) -> None:
    county = names.get("counties", {}).get(facts["county_code"], "")
    came = facts.get("completeness", {})
    lines = [
        (both("release.workbook.county"), f"{county} ({facts['county_code']})"),
        (both("release.workbook.month"), " / ".join(_month_names(facts))),
        (
            both("release.workbook.release"),
            f"r{facts['number']}: {both('release.workbook.tiers.' + facts['tier'])}",
        ),
        (both("release.workbook.released_on"), facts["released_on"]),
    ]
    if facts["is_made_up"]:
        example = (both("release.workbook.example"), both("release.workbook.made_up", " "))
        lines.insert(0, example)
    if "status" in facts:
        status = both(f"release.workbook.statuses.{facts['status']}")
        lines.append((both("release.workbook.status"), f"{status} ({facts['final_on']})"))
    if facts.get("known_until"):
        lines.append((both("release.workbook.last_delivery"), facts["known_until"]))
    if came:
        names_of_facts = ("release.workbook.completeness", "release.workbook.counties")
        lines += [
            (both(name), fact)
            for name, fact in zip(names_of_facts, completeness_texts(came), strict=False)
        ]
    if missing := came.get("others_missing"):
        others = [names.get("counties", {}).get(code, code) for code in missing.split()]
        lines.append((both("release.workbook.others_missing"), ", ".join(others)))
    if reopened := facts.get("reopened"):
        lines.append((both("release.reopened"), reopening_text(reopened)))
    if facts["tier"] == Tier.RESTRICTED:
        command = f"krat explain {facts['county_code']} {facts['reporting_month']}"
        lines.append((both("release.workbook.explain"), f"{command} 2.1.9.1"))
    mind_title = (text("release.workbook.mind", "sq"), text("release.workbook.mind", "en"))
    lines += [("", ""), mind_title]
    mind = [
        (
            f"{count} × {both('release.workbook.open_findings')}",
            _rule_words(rule),
        )
        for rule, count in gate.get("findings_by_rule", {}).items()
    ]
    mind += [
        (
            f"{both('release.workbook.waiver')}: {_rule_words(waiver['rule'])}",
            f"{waiver['waiver_reason']} ({waiver['waived_by']}, "
            f"{both('release.workbook.until')} {waiver['waived_until']})",
        )
        for waiver in gate.get("waivers", [])
    ]
    for table in tables:
        if table.product.name == "remarks":
            kept = table.frame[table.frame["kind"] == "correction"]
            mind += [
                (
                    f"{both('release.workbook.correction')}: {row.indicator_code}",
                    f"{row.reason} ({row.decided_by})",
                )
                for row in kept.itertuples()
            ]
    if changes is not None and (summary := restated_summary(changes.frame)):
        mind.append((changes.product.title, summary))
    mind[:0] = [
        (both(f"release.workbook.uncertain.{word}"), both(f"release.uncertain.{word}", " "))
        for word in uncertain
    ]
    lines += mind or [("–", both("release.workbook.nothing", " "))]
    lines += [("", ""), (both("release.workbook.signs"), "")]
    statuses = labels("obs_status")
    lines += [(sign, statuses[status]) for status, sign in signs().items()]
    lines += [("", ""), (both("release.workbook.sheets"), "")]
    sheets = {len(lines) + position: table for position, table in enumerate(tables, start=2)}
    lines += [(table.product.title, one_row(table.product)) for table in tables]
    sheet = write_cover(book, looks, _title(facts, names), lines)
    for position, table in sheets.items():
        sheet.write_string(position, 2, str(len(table.frame)), looks.text)


def write_cover(book: Any, looks: Looks, title: str, lines: Sequence[tuple[str, str]]) -> Any:
    """Write the sheet that a workbook opens with, a label and a fact a line; return it."""
    sheet = book.add_worksheet(text("release.workbook.cover", "sq"))
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, COVER_WIDTHS[0])
    sheet.set_column(1, 1, COVER_WIDTHS[1])
    sheet.merge_range(0, 0, 0, 1, title, looks.title)
    for position, line in enumerate(lines, start=2):
        for column, (words, form) in enumerate(zip(line, (looks.bold, looks.text), strict=True)):
            sheet.write_string(position, column, safe_cell(words), form)
        sheet.set_row(position, row_height(line, COVER_WIDTHS))
    sheet.set_portrait()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    return sheet


def row_height(texts: Sequence[str], widths: Sequence[int]) -> int:
    """Return the height of a row with these texts, in points, for columns of so many characters.

    Written down, as LibreOffice doesn't look for it when it prints.
    """
    lines = (-(-len(words) // width) for words, width in zip(texts, widths, strict=True))
    return LINE * max(1, *lines)


def _rule_words(rule: str) -> str:
    """Return what a rule says, in both languages, with its code."""
    rules = {row["rule"]: row for row in register_rows(SEEDS, "quality_rules")}
    if rule not in rules:
        return rule
    return f"{rules[rule]['sentence_sq']} / {rules[rule]['sentence_en']} ({rule})"


def _title(facts: dict[str, Any], names: dict[str, dict[str, str]]) -> str:
    county = names.get("counties", {}).get(facts["county_code"], facts["county_code"])
    return f"{county}: {_month_names(facts)[0]}"


def _month_names(facts: dict[str, Any]) -> list[str]:
    year, month = map(int, facts["reporting_month"].split("-"))
    return [format_date(date(year, month, 1), "LLLL yyyy", language) for language in LANGUAGES]


def _page_heading(facts: dict[str, Any], names: dict[str, dict[str, str]]) -> str:
    """Return the head of each printed page: what it is of, and whether it is made up."""
    title = _title(facts, names)
    made_up = text("release.made_up", "sq") if facts["is_made_up"] else ""
    # In a head & begins a code.
    left, right = (words.replace("&", "&&") for words in (title, made_up))
    return f"&L{left}&R{right}"


def _write_objective(
    book: Any,
    looks: Looks,
    objective: Objective,
    progress: ProductTable,
    indicators: pd.DataFrame,
    measures: Collection[tuple[str, str]],
    statuses: dict[tuple[str, str, str], str],
    heading: str,
) -> None:
    """Write a sheet with the indicators of an objective, and a chart of their numbers.

    Nothing is written for an objective of which the release has no indicator.
    """
    key = ["plan_code", "indicator_code"]
    frame = progress.frame.merge(indicators[[*key, "measure_code", *_SHORT_NAMES, "unit"]], on=key)
    own = [one in measures for one in zip(frame["plan_code"], frame["measure_code"], strict=True)]
    rows = frame[own].to_dict("records")
    if not rows:
        return
    rows.sort(key=lambda row: [int(part) for part in re.findall("[0-9]+", row["indicator_code"])])
    name = text("release.workbook.objective.sheet", "sq", code=objective.code)
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    title = text("release.workbook.objective.sheet", "sq", code=objective.code)
    english = text("release.workbook.objective.sheet", "en", code=objective.code)
    _write_across(sheet, 0, f"{title}. {objective.name_sq}".rstrip(". "), looks.title, 2)
    _write_across(sheet, 1, f"{english}. {objective.name_en}".rstrip(". "), looks.text, 1)
    head = 3
    for position, (column, width) in enumerate(_OBJECTIVE_COLUMNS.items()):
        words = both(f"release.workbook.objective.columns.{column}")
        sheet.write_string(head, position, words, looks.heading)
        sheet.set_column(position, position, width)
    sheet.set_row(head, 4 * LINE)
    told = []
    for number, row in enumerate(rows, start=head + 1):
        of_row = {
            measure: (
                row[measure],
                statuses.get((progress.product.name, progress.product.row_name(row), measure)),
            )
            for measure in ("actual_month", "actual_year_to_date", "target_value")
        }
        names = [safe_cell(row[name]) for name in _SHORT_NAMES]
        unit = labels("unit").get(row["unit"], row["unit"])
        for position, words in enumerate((row["indicator_code"], *names, unit)):
            sheet.write_string(number, position, words, looks.text)
        for position, (value, status) in enumerate(of_row.values(), start=4):
            _write_number(sheet, number, position, value, status, "", looks)
        shares = (row["progress_annual"], row["progress_cumulative"])
        written = [f"{share:.1f}".replace(".", ",") + " %" for share in shares if pd.notna(share)]
        sheet.write_string(number, 7, " / ".join(written) or "–", looks.count)
        sheet.write_string(number, 8, labels("status").get(row["status"], ""), looks.text)
        activity = labels("activity_status").get(row["activity_status"], "")
        sheet.write_string(number, 9, activity, looks.text)
        _write_number(sheet, number, 10, row["completeness"], None, "share", looks)
        widths = list(_OBJECTIVE_COLUMNS.values())
        shown = [*names, unit, activity]
        sheet.set_row(number, row_height(shown, [*widths[1:4], widths[9]]))
        value, status = of_row["actual_year_to_date"]
        told.append((number, row["unit"], value, status))
    below = head + len(rows) + 2
    last = _write_charts(book, sheet, name, told, below)
    _write_across(sheet, last, both("release.workbook.objective.note", " "), looks.text, 3)
    sheet.freeze_panes(head + 1, 2)
    sheet.repeat_rows(head)
    sheet.print_area(0, 0, last, len(_OBJECTIVE_COLUMNS) - 1)
    _set_page(sheet, heading, sum(_OBJECTIVE_COLUMNS.values()))


def _write_across(sheet: Any, row: int, words: str, form: Any, lines: int) -> None:
    """Write a text over all columns of a sheet of an objective, on so many lines."""
    sheet.merge_range(row, 0, row, len(_OBJECTIVE_COLUMNS) - 1, safe_cell(words), form)
    sheet.set_row(row, lines * LINE * (1.4 if row == 0 else 1))


def _write_charts(
    book: Any,
    sheet: Any,
    name: str,
    told: Sequence[tuple[int, str, Any, str | None]],
    first: int,
) -> int:
    """Insert the charts of a sheet below row `first`; return the row after them.

    Numbers of persons and of other things have a chart each: they have no common axis. `told` has a
    row's number, unit, value and observation status; a row without a number is in no chart, the
    table above has its sign.
    """
    breaks: list[int] = []
    for key, is_of_persons in (("persons", True), ("others", False)):
        shown = [one for one in told if pd.notna(one[2]) and (one[1] == "persons") == is_of_persons]
        if not shown:
            continue
        chart = book.add_chart({"type": "bar"})
        cells = [f"'{name}'!$B${row + 1}" for row, *_ in shown]
        values = [f"'{name}'!$F${row + 1}" for row, *_ in shown]
        uncertain = {"pattern": _HATCHED, "border": {"color": _DARK}}
        certain = {"fill": {"color": _DARK}}
        chart.add_series(
            {
                "categories": f"=({','.join(cells)})",
                "values": f"=({','.join(values)})",
                "points": [uncertain if one[3] in UNCERTAIN else certain for one in shown],
                "fill": {"color": _DARK},
                "gap": 60,
                "data_labels": {
                    "value": True,
                    "custom": [{"value": _signed(value, status)} for *_, value, status in shown],
                },
            }
        )
        title = both(f"release.workbook.objective.chart.{key}")
        chart.set_title({"name": title, "name_font": {"size": 11}, "overlay": False})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
        gridlines = {"visible": False}
        chart.set_x_axis({"min": 0, "num_format": "#,##0", "major_gridlines": gridlines})
        height = 90 + 26 * len(shown)
        chart.set_size({"width": 900, "height": height})
        sheet.insert_chart(first, 0, chart, {"description": title, "x_offset": 4})
        # A page break through a chart would cut it.
        if not breaks or first + height // 20 - breaks[-1] > _CHART_PAGE:
            breaks.append(first)
        first += -(-height // 20) + 1
    sheet.set_h_pagebreaks(breaks)
    return first


def _signed(value: float, status: str | None) -> str:
    """Return a number as its cell shows it: a bound has its sign."""
    written = f"{value:,.0f}".replace(",", "\u00a0")
    return f"{signs()[status]} {written}" if status in UNCERTAIN else written


def _write_number(
    sheet: Any, row: int, column: int, value: Any, status: str | None, unit: str, looks: Looks
) -> None:
    """Write a number in its format, or the sign of why there is none."""
    if pd.isna(value):
        sheet.write_string(row, column, signs().get(str(status), "–"), looks.sign)
        return
    forms = looks.signed.get(status or "", looks.numbers)
    sheet.write_number(row, column, value, forms.get(unit) or forms[_decimals(value)])


def write_table(
    book: Any,
    looks: Looks,
    table: ProductTable,
    statuses: dict[tuple[str, str, str], str],
    names: dict[str, dict[str, str]],
    heading: str = "",
) -> None:
    """Write a sheet with all rows of a table; `names` has those of codes by their register.

    It is printed without what is the same in all rows, which the `heading` of the page says.
    """
    product = table.product
    sheet = book.add_worksheet(product.title_sq[:31])
    # A release is of one county, which needs no name beside its code.
    registers = {one.key[-1]: one.name for one in published_registers() if one.name != "counties"}
    rows = table.frame.to_dict("records")
    position, width, frozen, printed = 0, 0, 0, 0
    for column in table.columns:
        words = labels(column.name)
        longest = max(map(len, column.title_sq.split()))
        sheet.write_string(0, position, safe_cell(column.title), looks.heading)
        for number, row in enumerate(rows, start=1):
            value = row[column.name]
            if pd.isna(value):
                if column.unit:
                    status = row.get("obs_status") or statuses.get(
                        (product.name, product.row_name(row), column.name)
                    )
                    sign = signs().get(str(status), ":")
                    sheet.write_string(number, position, sign, looks.sign)
                continue
            if isinstance(value, bool):
                text = both(f"release.workbook.{'is_true' if value else 'is_false'}")
                sheet.write_string(number, position, text, looks.text)
            elif isinstance(value, int | float):
                status = statuses.get((product.name, product.row_name(row), column.name))
                _write_number(sheet, number, position, value, status, column.unit, looks)
                text = f"{value:,.1f}"
            elif isinstance(value, date | datetime):
                sheet.write_datetime(number, position, value, looks.dated)
                text = "2023-01-01"
            else:
                text = safe_cell(words.get(str(value), str(value)))
                sheet.write_string(number, position, text, looks.text)
            longest = max(longest, len(text))
        wide = min(max(longest + 2, NARROWEST), WIDEST)
        sheet.set_column(position, position, wide)
        position += 1
        register_names = names.get(registers.get(column.name, ""))
        if register_names is not None:
            sheet.write_string(0, position, both("release.workbook.name"), looks.heading)
            for number, row in enumerate(rows, start=1):
                text = register_names.get(row[column.name], "")
                sheet.write_string(number, position, safe_cell(text), looks.text)
            sheet.set_column(position, position, WIDEST)
            wide += WIDEST
            position += 1
        if heading and column.name in _OF_ALL_ROWS and printed == position - 1:
            printed = position
        else:
            width += wide
        if column.name in product.key:
            frozen = position
    sheet.set_row(0, 4 * LINE)
    sheet.freeze_panes(1, frozen if frozen <= _MOST_FROZEN else 0)
    sheet.autofilter(0, 0, max(len(rows), 1), position - 1)
    sheet.repeat_rows(0)
    sheet.print_area(0, printed, max(len(rows), 1), position - 1)
    _set_page(sheet, heading or f"&L{product.title_sq}", width)


def _set_page(sheet: Any, heading: str, width: int) -> None:
    """Set a landscape page with its head and number; a sheet of so many characters fits its width.

    A sheet too wide for type that can be read goes over as many pages as it takes.
    """
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    sheet.set_header(heading)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.fit_to_pages(-(-width // PRINTED), 0)


def write_dictionary(book: Any, looks: Looks, tables: Sequence[ProductTable]) -> None:
    """Write the sheet that says what each column of the tables is."""
    sheet = book.add_worksheet(text("release.workbook.dictionary", "sq"))
    sheet.set_column(0, 1, 30)
    sheet.set_column(2, 2, 60)
    sheet.set_column(3, 3, 20)
    sheet.set_column(4, 4, 100)
    headings = [both(key) for key in keys("release.workbook.columns")]
    for position, heading in enumerate(headings):
        sheet.write_string(0, position, heading, looks.heading)
    row = 0
    for table in tables:
        for column in table.columns:
            row += 1
            entry = (
                table.product.name,
                column.name,
                column.title,
                column.unit,
                column.description,
            )
            for position, fact in enumerate(entry):
                sheet.write_string(row, position, safe_cell(fact), looks.text)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row, 1), len(headings) - 1)
    sheet.repeat_rows(0)
    _set_page(sheet, "", PRINTED)


def _statuses(observations: ProductTable | None) -> dict[tuple[str, str, str], str]:
    """Return each value's observation status by its mart, row and column."""
    if observations is None:
        return {}
    frame = observations.frame
    keys = zip(frame["mart"], frame["mart_row"], frame["measure"], strict=True)
    return dict(zip(keys, frame["obs_status"], strict=True))


def _decimals(value: float) -> str:
    return "" if float(value).is_integer() else "per_cent"
