"""Kinds of defects, as they happen in offices: each spoils one report at a place it chooses.

Belongs here: what goes wrong, told in the words of who sees it go wrong. Not here: any rule. To add
a kind, write a function below that takes a report and returns what it spoiled, or None where the
report gives no chance for it; then say in claims.csv which rule ought to find it.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random

from defects.forms import HEADING, Form, Spot, Value

WHOLE_FILE = Spot(None, None, None)


@dataclass(frozen=True)
class Report:
    """A clean report in the inbox: its file, sender and month, and the sender's month before.

    `past` is what the sender told of each indicator in its earlier months, before any was spoiled.
    """

    path: Path
    institution: str
    month: date
    deadline: date
    before: Path | None
    others: tuple[Path, ...] = ()
    recorded: frozenset[str] = frozenset()
    past: dict[str, dict[date, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Spoiled:
    """What becomes of a report: its new bytes (None: it never comes), when, and what was struck.

    `indicator` is the code struck, where one was. `more` are other files that change with it, and
    `partner` is another institution to which the same trouble may be told. `rests_on` is an earlier
    month of the sender beside which the trouble shows, so that it must stay clean.
    """

    content: bytes | None
    place: Spot = WHOLE_FILE
    arrives_at: datetime | None = None
    indicator: str | None = None
    more: dict[Path, bytes] = field(default_factory=dict)
    more_arrive_at: datetime | None = None
    partner: str | None = None
    rests_on: date | None = None


Kind = Callable[[Report, Random], Spoiled | None]

KINDS: dict[str, Kind] = {}


def kind(spoil: Kind) -> Kind:
    """List a kind under the name of its function."""
    KINDS[spoil.__name__] = spoil
    return spoil


def _struck(form: Form, row: int, place: Spot) -> Spoiled:
    code = form.value(row, HEADING)
    return Spoiled(form.content(), place, indicator=str(code) if code else None)


def _any_total(form: Form, rng: Random) -> int:
    return rng.choice(form.totals())


def _put(heading: str, values: tuple[Value, ...]) -> Kind:
    """Return a kind that writes one of `values` under a heading, in any row of a total."""

    def spoil(report: Report, rng: Random) -> Spoiled:
        form = Form(report.path)
        row = _any_total(form, rng)
        code = str(form.value(row, HEADING))
        if heading != "Gjendja":
            form.put(row, "Gjendja", None)
        place = form.put(row, heading, rng.choice(values))
        return Spoiled(form.content(), place, indicator=code)

    return spoil


def _put_head(label: str, values: tuple[Value, ...]) -> Kind:
    def spoil(report: Report, rng: Random) -> Spoiled:
        form = Form(report.path)
        place = form.put_head(label, rng.choice(values))
        return Spoiled(form.content(), place)

    return spoil


# --- the report as a whole -----------------------------------------------------------------------


@kind
def report_never_comes(report: Report, rng: Random) -> Spoiled:
    return Spoiled(None)


@kind
def report_comes_late(report: Report, rng: Random) -> Spoiled:
    at = datetime(report.deadline.year, report.deadline.month, report.deadline.day, 9, tzinfo=UTC)
    return Spoiled(report.path.read_bytes(), arrives_at=at + timedelta(days=rng.randint(1, 40)))


@kind
def report_comes_before_its_month_ended(report: Report, rng: Random) -> Spoiled:
    at = datetime(report.month.year, report.month.month, rng.randint(8, 27), 12, tzinfo=UTC)
    return Spoiled(report.path.read_bytes(), arrives_at=at)


@kind
def same_file_sent_twice(report: Report, rng: Random) -> Spoiled:
    content = report.path.read_bytes()
    copy = report.path.with_stem(f"{report.path.stem}_kopje")
    arrived = datetime.fromtimestamp(report.path.stat().st_mtime, UTC)
    return Spoiled(
        content, more={copy: content}, more_arrive_at=arrived + timedelta(days=rng.randint(1, 9))
    )


@kind
def put_into_another_countys_folder(report: Report, rng: Random) -> Spoiled:
    other = report.path.parent.parent / rng.choice(("AL-02", "AL-09", "AL-11")) / report.path.name
    return Spoiled(None, more={other: report.path.read_bytes()})


@kind
def two_reports_in_one_workbook(report: Report, rng: Random) -> Spoiled | None:
    if report.path.suffix != ".xlsx":
        return None
    from openpyxl import load_workbook

    book = load_workbook(report.path)
    book.copy_worksheet(book.worksheets[0]).title = "Raporti (2)"
    sink = BytesIO()
    book.save(sink)
    return Spoiled(sink.getvalue())


# --- files that are no files ---------------------------------------------------------------------


@kind
def file_broke_off_half_way(report: Report, rng: Random) -> Spoiled | None:
    content = report.path.read_bytes()
    if report.path.suffix != ".xlsx":
        return None
    return Spoiled(content[: rng.randint(len(content) // 4, len(content) - 100)])


@kind
def file_is_empty(report: Report, rng: Random) -> Spoiled:
    return Spoiled(rng.choice((b"", b"\n", b"  \r\n\r\n")))


@kind
def picture_under_a_workbooks_name(report: Report, rng: Random) -> Spoiled:
    return Spoiled(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + rng.randbytes(600))


@kind
def letter_in_place_of_the_form(report: Report, rng: Random) -> Spoiled:
    text = f"Përshëndetje,\nju dërgojmë të dhënat e muajit.\nNr. prot. {rng.randint(10, 999)}\n"
    return Spoiled(text.encode())


@kind
def document_under_a_workbooks_name(report: Report, rng: Random) -> Spoiled:
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document><!--{rng.random()}--></w:document>")
    return Spoiled(sink.getvalue())


# --- the head of the form ------------------------------------------------------------------------

KINDS_OF_HEAD = {
    "unknown_form": _put_head("Formulari", ("krat-raport-0", "Formulari i vjetër", "lidhja 2")),
    "unknown_institution": _put_head(
        "Institucioni", ("Drejtoria e Panjohur", "AL-04-XYZ", "Bashkia e Re")
    ),
    "month_left_blank": _put_head("Muaji", (None,)),
    "month_that_is_none": _put_head("Muaji", ("2023-13", "maji", "muaji i kaluar", "05")),
    "month_outside_the_calendar": _put_head("Muaji", ("1923-05", "2052-01")),
    "month_of_years_ahead": _put_head("Muaji", ("2024-11", "2025-02")),
    "another_countys_code": _put_head("Qarku", ("AL-03", "AL-12")),
    "institution_of_another_county": _put_head("Institucioni", ("AL-MB",)),
}
KINDS.update(KINDS_OF_HEAD)


# --- columns and rows ----------------------------------------------------------------------------


@kind
def value_column_deleted(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    column = form.column("Vlera")
    for row in form.rows[form.top :]:
        del row[column]
    return Spoiled(form.content(), form.place(form.top))


@kind
def column_of_names_added(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    column = len(form.rows[form.top])
    form.rows[form.top].append(rng.choice(("Emri i rastit", "Koment", "Telefoni")))
    for row in form.lines:
        form.rows[row].append(f"TRILLIM {rng.randint(1, 999)}")
    return Spoiled(form.content(), form.place(form.top, column))


@kind
def heading_stands_twice(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    column = len(form.rows[form.top])
    for row in form.rows[form.top :]:
        row.append("")
    form.rows[form.top][column] = "Vlera"
    return Spoiled(form.content(), form.place(form.top, column))


@kind
def row_stands_twice(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    row = _any_total(form, rng)
    form.rows.append([*form.rows[row]])
    return _struck(form, row, form.place(len(form.rows) - 1, form.column("Vlera")))


@kind
def row_deleted(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    row = _any_total(form, rng)
    if len(form.totals()) < 2:
        return None
    code = str(form.value(row, HEADING))
    form.rows = [
        cells
        for number, cells in enumerate(form.rows)
        if number <= form.top or cells[form.column(HEADING)] != code
    ]
    return Spoiled(form.content(), indicator=code)


@kind
def separator_inside_text(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    if not form.is_text:
        return None
    row = rng.choice(form.lines)
    form.rows[row].insert(form.column("Treguesi"), "një pjesë e emrit")
    return Spoiled(form.content(), form.place(row))


@kind
def sum_written_under_the_table(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    width = len(form.rows[form.top])
    last: list[Value] = [None] * width
    if form.is_text:
        last = [*form.rows[-1]]
    for heading, value in (
        (HEADING, rng.choice(("Total", "Shuma", "GJITHSEJ"))),
        ("Treguesi", None),
        ("Njësia", None),
        ("Ndarja", None),
        ("Vlera", sum(form.number(row) or 0 for row in form.totals())),
        ("Gjendja", None),
    ):
        last[form.column(heading)] = value
    form.rows.append(last)
    return Spoiled(form.content(), form.place(len(form.rows) - 1, form.column(HEADING)))


# --- cells ---------------------------------------------------------------------------------------

KINDS_OF_CELL = {
    "code_mistyped": _put(HEADING, ("9.9.9.9", "2.1.99", "31.2.1x", "KOD I RI")),
    "code_left_blank": _put(HEADING, (None,)),
    "unknown_part": _put("Ndarja", ("burra mbi 70 vjeç", "të tjerë", "zona rurale")),
    "words_for_a_number": _put("Vlera", ("rreth 12", "12-15", "dymbëdhjetë", "~5")),
    "negative_number": _put("Vlera", (-1, -7, "-3")),
    "fraction_of_a_case": _put("Vlera", (2.5, "1,5", 0.75)),
    "thousands_with_a_point": _put("Vlera", ("1.900", "2,450", "12.000")),
    "date_in_a_values_cell": _put("Vlera", (date(2023, 3, 1), date(2023, 12, 31))),
    "value_left_blank": _put("Vlera", (None,)),
    "some_of_them": _put("Vlera", ("disa", "Disa")),
    "unknown_state": _put("Gjendja", ("po", "e mirë", "ndoshta")),
    "count_of_millions": _put("Vlera", (7_000_000, 12_345_678)),
    "another_unit": _put("Njësia", ("kilogramë", "lekë", "orë")),
    "formula_error_in_a_cell": _put("Vlera", ("#REF!", "#N/A", "#DIV/0!")),
}
KINDS.update(KINDS_OF_CELL)


@kind
def zero_ticked_beside_a_number(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [row for row in form.totals() if form.number(row)]
    if not rows:
        return None
    row = rng.choice(rows)
    return _struck(form, row, form.put(row, "Gjendja", "zero"))


@kind
def refused_ticked_beside_a_number(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [row for row in form.totals() if form.number(row)]
    if not rows:
        return None
    row = rng.choice(rows)
    return _struck(form, row, form.put(row, "Gjendja", "refuzuar"))


@kind
def nothing_said_but_unknown(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    row = _any_total(form, rng)
    form.put(row, "Gjendja", "nuk dihet")
    return _struck(form, row, form.put(row, "Vlera", None))


# --- numbers that can't be true together ---------------------------------------------------------

PARTITIONS = ("2.1.16.2", "3.1.2.1", "1.1.5.1", "2.2.3.1", "3.1.8.1", "3.2.9.1", "3.1.9.1")
OVERLAPS = ("2.2.5.1", "3.1.1.1", "3.1.9.2", "3.1.11.1")


def _with_parts(form: Form, codes: tuple[str, ...]) -> list[int]:
    return [
        row
        for row in form.totals()
        if form.value(row, HEADING) in codes and len(form.parts(row)) >= 2
    ]


@kind
def parts_give_more_than_the_total(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    for total in _with_parts(form, PARTITIONS):
        part = rng.choice(form.parts(total))
        form.count(part, (form.number(part) or 0) + rng.randint(1, 4))
        return _struck(form, total, form.place(total, form.column("Vlera")))
    return None


@kind
def parts_give_less_than_the_total(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    for total in _with_parts(form, PARTITIONS):
        parts = [part for part in form.parts(total) if form.number(part)]
        if parts:
            part = rng.choice(parts)
            form.count(part, (form.number(part) or 0) - 1)
            return _struck(form, total, form.place(total, form.column("Vlera")))
    return None


@kind
def part_larger_than_the_whole(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    for total in _with_parts(form, OVERLAPS):
        part = rng.choice(form.parts(total))
        place = form.count(part, (form.number(total) or 0) + rng.randint(1, 3))
        return _struck(form, total, place)
    return None


@kind
def indicator_that_others_report(report: Report, rng: Random) -> Spoiled:
    form = Form(report.path)
    mine = {form.value(row, HEADING) for row in form.lines}
    code = rng.choice([code for code in ("2.1.12.1", "3.2.4.1", "1.1.7.1") if code not in mine])
    form.rows.append([*form.rows[-1]])
    last = len(form.rows) - 1
    for heading in ("Treguesi", "Njësia", "Ndarja", "Gjendja"):
        form.put(last, heading, None)
    form.put(last, HEADING, code)
    place = form.put(last, "Vlera", rng.randint(1, 9))
    return Spoiled(form.content(), place, indicator=code)


@kind
def total_differs_from_the_records(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [
        row
        for row in form.totals()
        if form.value(row, HEADING) in report.recorded and not form.parts(row)
    ]
    if not rows:
        return None
    row = rng.choice(rows)
    return _struck(form, row, form.count(row, (form.number(row) or 0) + rng.choice((1, 2))))


# --- numbers that are strange beside the past ----------------------------------------------------


#: Other plants may take three reports away; what remains of so many is still half a year.
LONG_PAST = 9
#: Of a number that has stayed the same, one report tells as much as many.
SHORT_PAST = 3


def _typed_tenfold(form: Form, rows: list[int], rng: Random) -> Spoiled | None:
    if not rows:
        return None
    row = rng.choice(rows)
    for part in form.parts(row):
        form.count(part, (form.number(part) or 0) * 10)
    return _struck(form, row, form.count(row, (form.number(row) or 0) * 10))


def _unrecorded(report: Report, form: Form) -> list[tuple[int, dict[date, int]]]:
    """Return the rows of five and more that no other source tells, each with its past."""
    return [
        (row, report.past.get(str(form.value(row, HEADING)), {}))
        for row in form.totals()
        if (form.number(row) or 0) >= 5 and form.value(row, HEADING) not in report.recorded
    ]


@kind
def zeros_typed_too_many(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [
        row
        for row, past in _unrecorded(report, form)
        if len(past) >= LONG_PAST and len(set(past.values())) > 1
    ]
    return _typed_tenfold(form, rows, rng)


@kind
def zero_typed_behind_a_number_that_stays(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = {
        row: max(past)
        for row, past in _unrecorded(report, form)
        if len(past) >= SHORT_PAST and {form.number(row)} == set(past.values())
    }
    spoiled = _typed_tenfold(form, list(rows), rng)
    return spoiled and replace(spoiled, rests_on=max(rows.values()))


@kind
def everything_said_to_be_zero(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    # Whose reports were never other than zero may mean it.
    if len(form.totals()) < 3 or report.month.month < 7:
        return None
    for row in form.lines:
        form.count(row, 0)
    return Spoiled(form.content())


@kind
def last_months_numbers_again(report: Report, rng: Random) -> Spoiled | None:
    if report.before is None:
        return None
    form, before = Form(report.path), Form(report.before)
    told = {
        (before.value(row, HEADING), before.value(row, "Ndarja")): before.number(row)
        for row in before.lines
    }
    for row in form.lines:
        number = told.get((form.value(row, HEADING), form.value(row, "Ndarja")))
        if number is None:
            return None
        form.count(row, number)
    # One or two small counts repeat by chance.
    if sum(bool(form.number(row)) for row in form.totals()) < 3:
        return None
    return Spoiled(form.content())


@kind
def neighbours_campaign_told_again(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [row for row in form.totals() if form.value(row, HEADING) in ("3.1.1.2", "3.1.12.1")]
    for other in report.others:
        theirs = Form(other)
        for row in rows:
            for line in theirs.totals():
                same = theirs.value(line, HEADING) == form.value(row, HEADING)
                if same and (theirs.number(line) or 0) >= 100:
                    place = form.count(row, theirs.number(line) or 0)
                    partner = other.stem.rpartition("_")[0]
                    return replace(_struck(form, row, place), partner=partner)
    return None


# --- reports that are not what they say ----------------------------------------------------------


@kind
def report_under_another_offices_name(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    codes = {form.value(row, HEADING) for row in form.lines}
    for other in rng.sample(report.others, len(report.others)):
        theirs = Form(other)
        if not codes & {theirs.value(row, HEADING) for row in theirs.lines}:
            partner = other.stem.rpartition("_")[0]
            form.put_head("Institucioni", partner)
            return Spoiled(form.content(), partner=partner)
    return None


@kind
def form_of_the_quarters_end_for_the_month_before(report: Report, rng: Random) -> Spoiled | None:
    if report.before is None or report.month.month % 3:
        return None
    form, before = Form(report.path), Form(report.before)
    told = {before.value(row, HEADING) for row in before.lines}
    if told >= {form.value(row, HEADING) for row in form.lines}:
        return None
    form.put_head("Muaji", f"{report.month.year}-{report.month.month - 1:02d}")
    return Spoiled(form.content())


def _sent_later(report: Report, content: bytes, rng: Random) -> Spoiled:
    """Return a report that stays as it is, and a second file for its month."""
    copy = report.path.with_stem(f"{report.path.stem}_v2")
    arrived = datetime.fromtimestamp(report.path.stat().st_mtime, UTC)
    return Spoiled(
        report.path.read_bytes(),
        more={copy: content},
        more_arrive_at=arrived + timedelta(days=rng.randint(1, 9)),
    )


@kind
def only_the_mended_line_sent_again(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = form.totals()
    if len(rows) < 2:
        return None
    kept = rng.choice(rows)
    form.rows[form.top + 1 :] = [form.rows[kept]]
    return _sent_later(report, form.content(), rng)


@kind
def blank_form_sent_after_the_report(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    if not any(form.number(row) is not None for row in form.lines):
        return None
    for row in form.lines:
        form.put(row, "Vlera", None)
        form.put(row, "Gjendja", None)
    return _sent_later(report, form.content(), rng)


@kind
def another_offices_form_sent_after_the_report(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    told = {form.value(row, HEADING) for row in form.lines if form.number(row) is not None}
    for other in rng.sample(report.others, len(report.others)):
        theirs = Form(other)
        if told and not told & {theirs.value(row, HEADING) for row in theirs.lines}:
            theirs.put_head("Institucioni", report.institution)
            return replace(
                _sent_later(report, theirs.content(), rng), partner=other.stem.rpartition("_")[0]
            )
    return None


@kind
def same_report_saved_by_another_program(report: Report, rng: Random) -> Spoiled:
    return _sent_later(report, Form(report.path).content(separator=","), rng)


@kind
def more_found_by_mobile_units_than_there_are(report: Report, rng: Random) -> Spoiled | None:
    form = Form(report.path)
    rows = [row for row in form.totals() if form.value(row, HEADING) == "2.1.18.1"]
    police = [other for other in report.others if "POLICIA" in other.stem]
    if not rows or not police:
        return None
    place = form.count(rows[0], rng.randint(20, 90))
    return replace(_struck(form, rows[0], place), partner="AL-04-POLICIA")


# --- logs and records ----------------------------------------------------------------------------

LOG_KINDS: dict[str, Kind] = {}


def _put_in_log(
    file: str, heading: str, values: tuple[Value, ...], where: tuple[str, Value] | None = None
) -> Kind:
    """Return a kind that writes one of `values` in any row of a log whose name begins so.

    `where` are a heading and what a row must have under it.
    """

    def spoil(report: Report, rng: Random) -> Spoiled | None:
        if not report.path.name.startswith(file):
            return None
        form = Form(report.path, key=heading)
        rows = [row for row in form.lines if not where or form.value(row, where[0]) == where[1]]
        if not rows:
            return None
        place = form.put(rng.choice(rows), heading, rng.choice(values))
        return Spoiled(form.content(), place)

    return spoil


LOG_KINDS |= {
    "channel_of_a_call_mistyped": _put_in_log(
        "linja", "Kanali", ("telefon i ri", "fax", "tel/app")
    ),
    "call_of_the_future": _put_in_log("linja", "Marrë më", ("2031-02-03 10:00",)),
    "time_of_a_call_unreadable": _put_in_log("linja", "Marrë më", ("dje", "2023-05-32 10:00")),
    "call_without_a_number": _put_in_log("linja", "Nr. kontaktit", (None,)),
    "recipient_of_a_referral_left_out": _put_in_log(
        "linja", "Referuar te", (None,), where=("Rezultati", "referred")
    ),
    "step_of_a_case_mistyped": _put_in_log("referime", "Ngjarja", ("u takua", "identified?")),
    "date_of_a_step_unreadable": _put_in_log("referime", "Data", ("maj", "31/31/2023")),
    "record_without_a_case": _put_in_log("referime", "Nr. rastit", (None,)),
    "unknown_age_group": _put_in_log("referime", "Grupmosha", ("e re", "17/18")),
}
