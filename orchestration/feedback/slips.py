"""Return slips: what each institution is told of its report, as a workbook and as a text.

Belongs here: gathering what was found of one institution and month, and putting it in order; and
reminders, which are the slips of reports that did not come yet. Not here: the words
(sources/texts/slips.yml), what is found (dbt_project), or sending it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from sources.custody.home import Home
from sources.datafiles import read_yaml
from sources.texts import text

#: Columns of the tables in a slip, by what they hold; an empty one has no heading.
COLUMNS = {
    "due": ("indicator", "", "", "", "name"),
    "missing": ("indicator", "sheet", "cell", "row", "missing"),
    "doubt": ("indicator", "sheet", "cell", "row", "question"),
    "explained": ("indicator", "sheet", "cell", "state", "entered"),
    "have": ("indicator", "value", "state", "", "name_and_category"),
}
WIDTHS = (14, 14, 18, 10, 90)


@dataclass(frozen=True)
class Slip:
    """What one institution is told of one month: `lines` in Albanian, then the tables.

    `finding_ids` are the findings that it asks about; `is_reminder` marks a report not come yet.
    The slip of files whose sender can't be told has the county's code.
    """

    institution_code: str
    month: date
    subject: str
    lines: tuple[str, ...]
    tables: dict[str, list[tuple[Any, ...]]]
    finding_ids: tuple[str, ...]
    is_reminder: bool


def write_slips(
    home: Home,
    county_code: str,
    month: date,
    as_of: date,
    folder: Path,
    *,
    reminders_only: bool = False,
) -> list[Slip]:
    """Write `<institution>.xlsx` and `.txt` into `folder` for each institution of a county.

    An institution gets a slip when a report of the month is expected of it, came, or was refused; a
    reminder, when its report did not come yet. Dates are reckoned from `as_of`. The reading copy
    must exist. Returns the slips written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for slip in slips(home, county_code, month, as_of):
        if slip.is_reminder or not reminders_only:
            _write_workbook(folder / f"{slip.institution_code}.xlsx", slip)
            letter = folder / f"{slip.institution_code}.txt"
            letter.write_text(as_text(slip), encoding="utf-8")
            written.append(slip)
    return written


def slips(home: Home, county_code: str, month: date, as_of: date) -> Iterator[Slip]:
    """Yield the slips of a county's month, in the order of the institutions' codes.

    Last comes that of files whose sender or month can't be told, if there are any.
    """
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        institutions = connection.execute(
            "select institution_code, name_sq from core.dim_institutions "
            "where county_code = ? order by institution_code",
            [county_code],
        ).fetchall()
        # What did not come belongs to the made-up example if what came does.
        [(is_made_up,)] = connection.execute(
            "select coalesce(bool_or(is_made_up), false) from core.fct_submissions "
            "where county_code = ? and reporting_month = ?",
            [county_code, month],
        ).fetchall()
        reports = _by_institution(
            connection,
            "select institution_code, status, received_at, version, reporting_deadline, "
            "date_diff('day', reporting_deadline, cast(first_received_at as date)), is_made_up "
            "from core.fct_submissions where county_code = ? and reporting_month = ? "
            "and status in ('on_time', 'late') order by received_at",
            county_code,
            month,
        )
        refused = _by_institution(
            connection,
            "select institution_code, received_at from core.fct_submissions "
            "where county_code = ? and reporting_month = ? and status = 'refused' "
            "and not has_later_report order by received_at",
            county_code,
            month,
        )
        due = _by_institution(
            connection,
            "select institution_code, reporting_deadline, indicator_code, indicators.name_sq "
            "from core.fct_values_due "
            "inner join core.dim_indicators as indicators "
            "using (plan_code, indicator_code) "
            "where county_code = ? and reporting_month = ? order by indicator_code",
            county_code,
            month,
        )
        values = _by_institution(
            connection,
            "select institution_code, indicator_code, cast(value as bigint), value_state, "
            "indicators.name_sq || coalesce(': ' || categories.name_sq, ''), "
            "correction_id is not null "
            "from core.fct_actuals "
            "inner join core.dim_indicators as indicators "
            "using (plan_code, indicator_code) "
            "left join core.dim_breakdown_categories as categories "
            "using (plan_code, indicator_code, category) "
            "where county_code = ? and reporting_month = ? and superseded_at is null "
            "and frequency = 'month' order by indicator_code, row_number",
            county_code,
            month,
        )
        # Of a file whose month can't be told, its sender is asked with every month.
        asked = (
            "select asked_code, finding_id, rule, coalesce(about, ''), coalesce(sheet, ''), "
            "coalesce(cell, ''), coalesce(cast(row_number as varchar), ''), message_sq "
            "from quality.open_questions where county_code = $1 "
            "and coalesce(reporting_month, $2) = $2 "
            "order by array_position(['blocks', 'warns'], severity), row_number, rule, finding_id"
        )
        found = _by_institution(connection, asked, county_code, month)
        explained = _by_institution(
            connection,
            "select institution_code, coalesce(indicator_code, ''), coalesce(sheet, ''), "
            "coalesce(cell, ''), state, message_sq || ' ' || coalesce(waiver_reason, answer, '') "
            "from quality.findings where county_code = ? and reporting_month = ? "
            "and state in ('answered', 'waived') and institution_code is not null "
            "order by row_number, rule, finding_id",
            county_code,
            month,
        )
    for code, name in institutions:
        if any(code in known for known in (reports, refused, due, found)):
            yield _slip(
                code,
                name,
                month,
                as_of,
                is_made_up,
                reports=reports.get(code, []),
                refused=refused.get(code, []),
                due=due.get(code, []),
                values=values.get(code, []),
                found=found.get(code, []),
                explained=explained.get(code, []),
            )
    if county_code in found:
        yield _unplaced_slip(county_code, month, as_of, is_made_up, found[county_code])


def as_text(slip: Slip) -> str:
    """Return a slip as the text of an e-mail: subject, sentences, and a list a table."""
    parts = [slip.subject, "", *slip.lines]
    for name, rows in slip.tables.items():
        if rows:
            parts += ["", f"{text(f'slips.titles.{name}', 'sq')}:"]
            parts += [
                "- " + ", ".join(_shown(value) for value in row if value not in ("", None))
                for row in map(_placed if name in ("missing", "doubt") else tuple, rows)
            ]
    return "\n".join(parts) + "\n"


def _placed(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the row of a finding for a text, which has no headings: a cell tells the row too."""
    indicator, sheet, cell, number, message = row
    row_text = "" if cell or not number else text("door.place.row", "sq", row=number)
    return (indicator, sheet, cell, row_text, message)


def _slip(
    code: str,
    name: str,
    month: date,
    as_of: date,
    is_made_up: bool,
    *,
    reports: list[tuple[Any, ...]],
    refused: list[tuple[Any, ...]],
    due: list[tuple[Any, ...]],
    values: list[tuple[Any, ...]],
    found: list[tuple[Any, ...]],
    explained: list[tuple[Any, ...]],
) -> Slip:
    answer_by = _shown(as_of + timedelta(days=_days_to_answer()))
    lines = []
    if reports[-1][-1] if reports else is_made_up:
        lines.append(text("release.made_up", "sq"))
    if reports:
        _, received_at, version, deadline, days, _ = reports[-1]
        count = text("slips.version", "sq", version=version) if version > 1 else ""
        received = _shown(received_at.date())
        lines.append(text("slips.received", "sq", received=received, version=count))
        if days is not None and days > 0:
            lines.append(text("slips.late", "sq", days=days, deadline=_shown(deadline)))
    elif due and due[0][0] >= as_of:
        lines.append(text("slips.reminder", "sq", deadline=_shown(due[0][0])))
    elif due:
        deadline = _shown(due[0][0])
        lines.append(text("slips.not_received", "sq", deadline=deadline, answer_by=answer_by))
    else:
        lines.append(text("slips.nothing_due", "sq"))
    lines += [text("slips.refused", "sq", received=_shown(row[0].date())) for row in refused]
    # That the whole report is missing was said above.
    missing = [row[2:] for row in found if row[1] == "value_not_reported"]
    doubt = [row[2:] for row in found if row[1] not in ("missing_report", "value_not_reported")]
    if missing or doubt:
        lines.append(text("slips.please", "sq", answer_by=answer_by))
    elif reports:
        lines.append(text("slips.all_well", "sq"))
    return Slip(
        institution_code=code,
        month=month,
        subject=text("slips.subject", "sq", month=f"{month:%m.%Y}", institution=name),
        lines=tuple(lines),
        tables={
            "missing": missing,
            "doubt": doubt,
            "due": [] if reports else [(row[1], "", "", "", row[2]) for row in due],
            "explained": [
                (*place, text(f"slips.finding_states.{state}", "sq"), answer)
                for *place, state, answer in explained
            ],
            "have": [
                (
                    indicator,
                    value,
                    text(f"slips.states.{state}", "sq"),
                    "",
                    f"{of} {text('slips.corrected', 'sq')}" if is_corrected else of,
                )
                for indicator, value, state, of, is_corrected in values
            ],
        },
        finding_ids=tuple(row[0] for row in found),
        is_reminder=bool(due) and not reports,
    )


def _unplaced_slip(
    county_code: str, month: date, as_of: date, is_made_up: bool, found: list[tuple[Any, ...]]
) -> Slip:
    answer_by = _shown(as_of + timedelta(days=_days_to_answer()))
    return Slip(
        institution_code=county_code,
        month=month,
        subject=text("slips.unplaced_subject", "sq", month=f"{month:%m.%Y}", county=county_code),
        lines=(
            *([text("release.made_up", "sq")] if is_made_up else []),
            text("slips.unplaced", "sq"),
            text("slips.please", "sq", answer_by=answer_by),
        ),
        tables={"doubt": [row[2:] for row in found]},
        finding_ids=tuple(row[0] for row in found),
        is_reminder=False,
    )


def _write_workbook(path: Path, slip: Slip) -> None:
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(slip.month.year, slip.month.month, 1)})
    title = book.add_format({"bold": True, "font_size": 14})
    head = book.add_format({"bold": True, "bg_color": "#DDE6F0"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(text("slips.sheet", "sq"))
    sheet.hide_gridlines(2)
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, slip.subject, title)
    row = 2
    for line in slip.lines:
        sheet.merge_range(row, 0, row, len(WIDTHS) - 1, line, wrapped)
        row += 1
    for name, rows in slip.tables.items():
        if not rows:
            continue
        row += 1
        sheet.write_string(row, 0, text(f"slips.titles.{name}", "sq"), title)
        row += 1
        for column, heading in enumerate(COLUMNS[name]):
            shown = text(f"slips.columns.{heading}", "sq") if heading else ""
            sheet.write_string(row, column, shown, head)
        for values in rows:
            row += 1
            for column, value in enumerate(values):
                if isinstance(value, int):
                    sheet.write_number(row, column, value)
                elif value is not None:
                    sheet.write_string(row, column, value, wrapped)
        row += 1
    book.close()


def _by_institution(
    connection: duckdb.DuckDBPyConnection, query: str, county_code: str, month: date
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of a query by their first column, which is left out of them."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in connection.execute(query, [county_code, month]).fetchall():
        found.setdefault(row[0], []).append(row[1:])
    return found


def _shown(value: Any) -> str:
    return f"{value:%d.%m.%Y}" if isinstance(value, date) else str(value)


@cache
def _days_to_answer() -> int:
    return int(read_yaml(Path(__file__).with_name("slips.yml"))["answer_within"]["days"])
