"""What records and log count, against a count in Python from the files of the example themselves.

Nothing of the warehouse, its registers or the generator's own counting is used on this side.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from statistics import median

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from orchestration.runtime.settings import SEEDS
from sources.example.counties import KNOWN_TO_POLICE
from sources.example.generate import write_example

Row = dict[str, str]
STATUSES = ("flagged", "initially_identified", "formally_identified", "not_a_victim")
#: How the numbers begin of cases that the police keep beside others.
POLICE = "PO-2023-"
IDENTIFIED = ("initially_identified", "formally_identified")


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted") / "inbox"
    write_example(folder, SEEDS)
    return folder / "AL-04"


def _rows(path: Path) -> list[Row]:
    if path.suffix == ".csv":
        table: list[list[object]] = [
            list(row) for row in csv.reader(io.StringIO(path.read_text("utf-8")), delimiter=";")
        ]
    else:
        table = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    headings, *rows = [["" if cell is None else str(cell) for cell in row] for row in table]
    return [dict(zip(headings, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def steps(inbox: Path) -> list[Row]:
    """The steps of each case as its last file has them, under the number of the first."""
    cases: dict[str, list[Row]] = {}
    sent_in = [*inbox.glob("referime_*"), *inbox.glob("policia_*")]
    for path in sorted(sent_in, key=lambda path: path.stat().st_mtime):
        sent: dict[str, list[Row]] = defaultdict(list)
        for row in _rows(path):
            case = row.get("Nr. i mëparshëm i rastit") or row["Nr. rastit"]
            sent[case].append({**row, "case": case})
        cases |= sent
    return [row for rows in _persons(cases).values() for row in rows]


def _persons(cases: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Give the cases that the police keep to the persons whom others know, where that is sure.

    Persons of the example are numbered in the order in which their cases begin.
    """
    own = {case: rows for case, rows in cases.items() if not case.startswith(POLICE)}
    began = sorted(
        own, key=lambda case: (own[case][0]["Data"], own[case][0]["Kanali i identifikimit"], case)
    )
    for entry in KNOWN_TO_POLICE:
        case = f"{POLICE}{entry.person:03d}"
        known = case if entry.is_doubtful else began[entry.person - 1]
        same = [{**row, "case": known} for row in cases.get(case, [])]
        own[known] = [*own.get(known, []), *same]
    return own


@pytest.fixture(scope="module")
def contacts(inbox: Path) -> list[Row]:
    return [row for path in sorted(inbox.glob("linja_*")) for row in _rows(path)]


def _firsts(rows: list[Row], said: Callable[[Row], bool]) -> Iterator[tuple[str, Row]]:
    """Yield, for each case of which a row says so, the month of the first such row."""
    first: dict[str, Row] = {}
    for row in sorted(filter(said, rows), key=lambda row: row["Data"]):
        first.setdefault(row["case"], row)
    for row in first.values():
        yield row["Data"][:7], row


def _after(steps: list[Row], event: str) -> Callable[[Row], bool]:
    """Tell whether an event came in a row's case on its day or before."""
    day: dict[str, str] = {}
    for row in steps:
        if row["Ngjarja"] == event:
            day[row["case"]] = min(row["Data"], day.get(row["case"], row["Data"]))
    return lambda row: row["case"] in day and day[row["case"]] <= row["Data"]


def _identified(row: Row) -> bool:
    return row["Ngjarja"] in IDENTIFIED


def _expected(steps: list[Row], contacts: list[Row]) -> Counter[tuple[str, str, str]]:
    """Counts by (indicator, month, category); in the example a case is of one person."""
    prosecuted, informed = _after(steps, "prosecuted"), _after(steps, "informed")
    child = "0-17"
    once: dict[str, Callable[[Row], bool]] = {
        "2.1.1.1": lambda row: (
            row["Ngjarja"] == "assisted"
            and row["Lloji i mbështetjes"] in ("Legal", "Psychological")
        ),
        "2.1.2.1": lambda row: row["Ngjarja"] == "special_protection",
        "2.1.3.1": lambda row: _identified(row) and prosecuted(row),
        "2.1.6.1": lambda row: (
            _identified(row)
            and row["Kanali i identifikimit"] == "border"
            and row["Grupmosha"] == child
        ),
        "2.1.9.1": _identified,
        "2.1.11.1": lambda row: row["Ngjarja"] == "assisted" and informed(row),
        "2.1.13.2": lambda row: (
            row["Ngjarja"] == "assisted" and row["Hollësi"] in ("in_centre", "in_community")
        ),
        "2.1.16.1": lambda row: (
            row["Ngjarja"] == "education"
            or (
                row["Ngjarja"] == "assisted"
                and row["Lloji i mbështetjes"] in ("Education", "Livelihood", "VocationalTraining")
            )
        ),
        "2.1.16.2": lambda row: row["Ngjarja"] == "employed",
        "2.1.18.1": lambda row: _identified(row) and row["Kanali i identifikimit"] == "mobile_unit",
    }
    counts: Counter[tuple[str, str, str]] = Counter()
    for indicator, said in once.items():
        for month, row in _firsts(steps, said):
            counts[indicator, month, "total"] += 1
            if indicator == "2.1.16.2":
                counts[indicator, month, row["Hollësi"]] += 1
    for row in steps:
        if row["Ngjarja"] == "assisted_return":
            counts["2.1.15.1", row["Data"][:7], "total"] += 1
        if row["Ngjarja"] == "monitored" and row["Grupmosha"] == child:
            counts["2.1.19.1", row["Data"][:7], "total"] += 1
    reported: dict[str, Row] = {}
    for row in sorted(contacts, key=lambda row: row["Marrë më"]):
        if row["Nr. rastit"] and row["Qëllimi"] == "case_report":
            reported.setdefault(row["Nr. rastit"], row)
    for row in reported.values():
        channel = {"phone_116006": "hotline", "app": "app"}[row["Kanali"]]
        for category in ("total", channel):
            counts["3.1.2.1", row["Marrë më"][:7], category] += 1
    return counts


def test_each_indicator_of_the_records_is_counted_as_in_python(
    steps: list[Row], contacts: list[Row], marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(
        "select indicator_code, strftime(reporting_month, '%Y-%m'), category, value "
        "from core.fct_record_counts where value > 0 and county_code = 'AL-04'"
    ).fetchall()
    expected = _expected(steps, contacts)
    assert {indicator for indicator, _, _ in expected} == {
        "2.1.1.1", "2.1.2.1", "2.1.3.1", "2.1.6.1", "2.1.9.1", "2.1.11.1", "2.1.13.2", "2.1.15.1",
        "2.1.16.1", "2.1.16.2", "2.1.18.1", "2.1.19.1", "3.1.2.1",
    }  # fmt: skip
    assert {(code, month, category): value for code, month, category, value in rows} == expected


def test_an_indicator_of_the_measures_is_counted_or_the_register_says_why_not(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    asked = marts.execute(
        "select indicator_code from core.dim_indicators where measure_code in ("
        "'2.1.1', '2.1.2', '2.1.3', '2.1.6', '2.1.9', '2.1.11', '2.1.13', '2.1.15', '2.1.16', "
        "'2.1.18', '2.1.19', '3.1.2') order by 1"
    ).fetchall()
    told = marts.execute(
        "select indicator_code from register.record_indicators "
        "where definition_sq is not null and definition_en is not null "
        "union select indicator_code from register.unrecorded_indicators "
        "where reason_sq is not null and reason_en is not null order by 1"
    ).fetchall()
    assert told == asked


def test_the_status_on_any_day_is_that_of_the_last_decision(
    steps: list[Row], marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(
        f"select strftime(last_day(reporting_month), '%Y-%m-%d'), "
        f"{', '.join(f'standing_{status}' for status in STATUSES)} from marts.referral_flow "
        "where county_code = 'AL-04'"
    ).fetchall()
    assert len(rows) >= 11
    for day, *standing in rows:
        last: dict[str, tuple[str, int]] = {}
        for row in steps:
            if row["Ngjarja"] in STATUSES and row["Data"][:10] <= day:
                decided = (row["Data"][:10], STATUSES.index(row["Ngjarja"]))
                last[row["case"]] = max(decided, last.get(row["case"], decided))
        counted = Counter(reach for _, reach in last.values())
        assert standing == [counted[reach] for reach in range(len(STATUSES))], day


def test_the_hotline_is_counted_as_in_python(
    contacts: list[Row], marts: duckdb.DuckDBPyConnection
) -> None:
    by_number = {row["Nr. kontaktit"]: row for row in contacts}
    original: dict[str, str] = {}
    for number, row in by_number.items():
        while row["Rezultati"] == "duplicate_of":
            row = by_number[row.get("Dyfishim i") or row["Përsëritje e"]]
        original[number] = row["Nr. kontaktit"]
    records: dict[str, list[Row]] = defaultdict(list)
    for number, first in original.items():
        records[first].append(by_number[number])

    expected: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    hours: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    cases: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    opened: set[str] = set()
    for row in sorted(contacts, key=lambda row: (row["Marrë më"], row["Nr. kontaktit"])):
        cell = (row["Marrë më"][:7], row["Kanali"], row["Qëllimi"])
        own = original[row["Nr. kontaktit"]] == row["Nr. kontaktit"]
        expected[cell]["contacts"] += 1
        expected[cell]["distinct_contacts"] += own
        expected[cell]["duplicates"] += not own
        expected[cell]["repeats"] += own and bool(row["Përsëritje e"])
        if case := row["Nr. rastit"]:
            cases[cell].add(case)
            if row["Qëllimi"] == "case_report" and case not in opened:
                opened.add(case)
                expected[cell]["cases_opened"] += 1
        if own and any(record["Referuar te"] for record in records[row["Nr. kontaktit"]]):
            expected[cell]["referrals"] += 1
            accepted = [r["Pranuar më"] for r in records[row["Nr. kontaktit"]] if r["Pranuar më"]]
            if accepted:
                expected[cell]["referrals_accepted"] += 1
                took = datetime.fromisoformat(min(accepted)) - datetime.fromisoformat(
                    row["Marrë më"]
                )
                hours[cell].append(took.total_seconds() / 3600)
    rows = marts.execute(
        "select strftime(reporting_month, '%Y-%m'), channel, purpose, contacts, distinct_contacts, "
        "duplicates, repeats, cases_opened, referrals, referrals_accepted, cases, "
        "median_hours_to_acceptance from marts.hotline_activity where county_code = 'AL-04'"
    ).fetchall()
    # Every channel and purpose has a row in each month, with 0 where nobody made contact.
    assert {tuple(row[:3]) for row in rows if row[3]} == set(expected)
    assert len(rows) == 12 * 5 * 7
    for row in rows:
        cell, counts = (row[0], row[1], row[2]), expected[row[0], row[1], row[2]]
        names = (
            "contacts", "distinct_contacts", "duplicates", "repeats", "cases_opened", "referrals",
            "referrals_accepted",
        )  # fmt: skip
        assert list(row[3:10]) == [counts[name] for name in names], cell
        assert row[10] == len(cases[cell])
        assert row[11] == (pytest.approx(median(hours[cell])) if hours[cell] else None)
    assert sum(counts["cases_opened"] for counts in expected.values()) == len(opened)
    assert sum(counts["duplicates"] for counts in expected.values()) > 0


def test_what_is_not_known_is_counted_apart(
    contacts: list[Row], steps: list[Row], marts: duckdb.DuckDBPyConnection
) -> None:
    rows = marts.execute(
        "select source, column_name, state, sum(cells) from core.fct_record_states group by all"
    ).fetchall()
    cells = {(source, column, state): count for source, column, state, count in rows}
    assert cells["hotline", "caller", "refused"] == sum(
        row["Telefonuesi"] == "refuzon" for row in contacts
    )
    assert cells["hotline", "suspicion_elements", "unknown"] == sum(
        row["Elemente dyshimi"] == "nuk dihet" for row in contacts
    )
    assert cells["referral", "sex", "refused"] == sum(row["Gjinia"] == "refuzon" for row in steps)
    assert cells["referral", "exploitation", "unknown"] == sum(
        row["Shfrytëzimi"] == "nuk dihet" for row in steps
    )
    for column in ("caller", "suspicion_elements"):
        assert sum(
            count
            for (source, name, _), count in cells.items()
            if (source, name) == ("hotline", column)
        ) == len(contacts)
    (identified, sex_not_known) = marts.execute(
        "select sum(identified), sum(identified_sex_not_known) from marts.referral_flow "
        "where county_code = 'AL-04'"
    ).fetchone() or (0, 0)
    first = {row["case"]: row for row in steps if row["Ngjarja"] == "initially_identified"}
    assert identified == len(first)
    assert sex_not_known == sum(row["Gjinia"] in ("refuzon", "unknown") for row in first.values())
    assert sex_not_known > 0


def test_a_case_that_moved_to_the_new_form_is_counted_once(
    steps: list[Row], marts: duckdb.DuckDBPyConnection
) -> None:
    (flagged,) = marts.execute(
        "select sum(flagged) from marts.referral_flow where county_code = 'AL-04'"
    ).fetchone() or (0,)
    assert flagged == len({row["case"] for row in steps})
    assert date(2023, 1, 1) <= min(date.fromisoformat(row["Data"][:10]) for row in steps)
