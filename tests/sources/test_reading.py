"""Files at the door: what is read, what is refused, and that nothing personal gets through."""

import io
import json
import os
import re
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import xlsxwriter
from babel.dates import format_date
from hypothesis import assume, given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.comments import Comment
from programs import LibreOffice
from xlsxwriter.utility import xl_rowcol_to_cell

from orchestration.ingestion.door import checked
from orchestration.runtime.settings import SEEDS
from sources.custody import landing
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS, store_batch
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.repeats import stored_contents
from sources.custody.vault import (
    IDENTITY,
    QUARANTINED,
    RECIPIENTS,
    Sealer,
    decrypt,
    read_identities,
    sealed_original,
)
from sources.layouts import SOURCES, load_layouts
from sources.reading import Reading, read_content
from sources.reading.features import workbook_features
from sources.reading.features.sheet import SheetFeatures
from sources.reading.tables import read_tables
from sources.registers import Registers, load_registers
from sources.values import (
    cell_text,
    is_encoded_twice,
    read_count,
    read_date,
    read_month,
    read_timestamp,
    read_year,
)

RECEIVED = datetime(2023, 6, 5, 9, 0)
WARNS = {
    "report_before_period_end", "unknown_column_dropped", "totals_row_left_out", "remark_left_out",
    "person_in_remark", "sheet_left_out",
    "implausible_count", "unit_differs",
}  # fmt: skip

PUBLISHED = load_registers(SEEDS)
REGISTERS = Registers(
    counties={"AL", "AL-04", "AL-12"},
    institutions={"AL-04-POLICIA": "AL-04", "AL-12-POLICIA": "AL-12", "AL-ZKKA": "AL"},
    institution_aliases={"Drejtoria Vendore e Policisë Fier": ("AL-04-POLICIA",)},
    indicators={"2.1.9.1": "persons", "2.1.18.1": "persons", "3.1.2.1": "cases"},
    categories={"3.1.2.1": {"hotline": "hotline", "app": "app", "aplikacioni": "app"}},
    months={date(year, month, 1) for year in range(2020, 2024) for month in range(1, 13)},
    rules=dict.fromkeys(WARNS, "warns"),
    indicator_names={"Numri i rasteve të reja": frozenset({"2.1.9.1"})},
    largest={"2.1.9.1": 500},
    figure_labels=PUBLISHED.figure_labels,
    figure_remarks=PUBLISHED.figure_remarks,
    publications=PUBLISHED.publications,
)

HEAD = {
    "Formulari": "krat-raport-1",
    "Qarku": "AL-04",
    "Institucioni": "AL-04-POLICIA",
    "Muaji": "2023-05",
    "Të dhënat": "SHEMBULL - TË TRILLUARA",
}
HEADINGS = ["Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja"]
TOTAL: list[object] = ["2.1.9.1", "VT/VMT", "persona", "", 3, ""]

HOTLINE = (
    "Formulari;Qarku;Të dhënat;Nr. kontaktit;Kanali;Marrë më;Telefonuesi;Qëllimi;"
    "Elemente dyshimi;Shfrytëzimi;Referuar te;Pranuar më;Rezultati;Nr. rastit;Përsëritje e;"
    "Numri i telefonit;Shënime"
)
CONTACT = (
    "krat-linja-1;AL-04;REALE;K-1;phone_116006;2023-05-03 14:30;family;case_report;3;"
    "ForcedLabour;Police;2023-05-03 16:00;referred;R-7;;+355690000000;thirri Filan Fisteku"
)
REFERRAL = (
    "Formulari;Qarku;Të dhënat;Nr. rastit;Kodi i personit;Ngjarja;Data;Gjinia;Grupmosha;"
    "Organizata vendimmarrëse;Kanali i identifikimit;Shfrytëzimi;Pika kufitare;"
    "Organizata referuese;Organizata pritëse;Lloji i mbështetjes;Hollësi;Statusi i rastit;"
    "Emri;Datëlindja;Shënime"
)
EVENT = (
    "krat-referim-1;AL-04;REALE;R-7;P-1;initially_identified;2023-05-04;female;0-17;Police;"
    "border;ForcedBegging;vlore_port;Police;shelter;SocialCare;in_centre;Active;"
    "Filan Fisteku;2010-01-02;vjen nga fshati"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def workbook(
    rows: list[list[object]], head: Mapping[str, object] | None = None, sheet: str = "Raporti"
) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet(sheet)
        lines = [[label, value] for label, value in (HEAD if head is None else head).items()]
        for number, line in enumerate([*lines, HEADINGS, *rows]):
            page.write_row(number, 0, line)
    return buffer.getvalue()


def read(
    home: Home, content: bytes | str, county: str = "AL-04", received: datetime = RECEIVED
) -> Reading:
    raw = content.encode() if isinstance(content, str) else content
    return read_content(raw, county, REGISTERS, Pseudonyms(home.keys).key, received)


def sealed(home: Home, content: bytes) -> Reading:
    """Read a file as the door does: its sealed original waits to be stored."""
    return replace(read(home, content), sealed=Sealer(home).keep([content]))


def unsealed(home: Home, reading: Reading) -> bytes:
    content = io.BytesIO()
    with sealed_original(home, reading.delivery["delivery_id"]) as file:
        decrypt(file, read_identities(home.keys / IDENTITY), content)
    return content.getvalue()


def rules(reading: Reading) -> list[str]:
    return [found.rule for found in reading.problems]


def places(reading: Reading) -> list[tuple[str, str | None, str | None]]:
    return [(found.rule, found.sheet, found.cell) for found in reading.problems]


# -- good files --------------------------------------------------------------------------------


def test_what_only_the_suite_refuses_is_told_by_the_columns_heading(home: Home) -> None:
    reading = read(home, workbook([TOTAL]))
    reading.columns["value"][0] = -1.0
    [refused] = checked([reading], REGISTERS)
    assert refused.delivery["status"] == "refused"
    assert any("kolonës «Vlera»" in problem.message("sq") for problem in refused.problems)


def test_a_workbook_is_read_with_its_states_kept_apart(home: Home) -> None:
    reading = read(
        home,
        workbook(
            [
                ["", "Objektivi 2.1", "", "", "", ""],
                TOTAL,
                ["2.1.18.1", "", "", "", 0, ""],
                ["3.1.2.1", "", "", "", "", ""],
                ["3.1.2.1", "", "", "hotline", "", "nuk dihet"],
                ["3.1.2.1", "", "", "app", "", "refuzuar"],
            ]
        ),
    )
    assert reading.problems == []
    assert [(row["value"], row["value_state"], row["category"]) for row in reading.rows] == [
        (3.0, "number", "total"),
        (0.0, "zero", "total"),
        (None, "not_reported", "total"),
        (None, "unknown", "hotline"),
        (None, "refused", "app"),
    ]
    assert reading.rows[0]["cell"] == "E8"
    assert reading.rows[0]["sheet"] == "Raporti"
    assert reading.rows[0]["unit"] == "persons"
    assert set(reading.rows[0]) == set(SCHEMAS["submission_values"].names)
    assert set(reading.delivery) == set(SCHEMAS["deliveries"].names)
    assert reading.delivery["status"] == "accepted"
    assert reading.delivery["is_made_up"] is True
    assert reading.delivery["reporting_month"] == date(2023, 5, 1)
    assert reading.delivery["row_count"] == 5


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_text_is_read_in_every_separator_and_encoding(
    home: Home, separator: str, encoding: str
) -> None:
    lines: list[list[object]] = [
        [*HEAD, *HEADINGS],
        [*HEAD.values(), *TOTAL],
        [],
        [*HEAD.values(), "2.1.18.1", "", "", "", "1\u00a0900", ""],
    ]
    content = "\r\n".join(separator.join(str(cell) for cell in line) for line in lines)
    reading = read(home, content.encode(encoding))
    assert reading.problems == []
    assert [row["value"] for row in reading.rows] == [3.0, 1900.0]
    assert reading.rows[1]["cell"] == "J4"
    assert reading.rows[1]["sheet"] is None


def test_an_alias_and_decomposed_letters_name_the_same_institution(home: Home) -> None:
    alias = "Drejtoria Vendore e Policise\u0308 Fier"
    reading = read(home, workbook([TOTAL], {**HEAD, "Institucioni": alias}))
    assert reading.delivery["institution_code"] == "AL-04-POLICIA"
    assert reading.problems == []


def test_the_published_figures_come_in_by_the_same_door(home: Home) -> None:
    content = (SOURCES / "published_figures" / "published_national_figures.csv").read_bytes()
    reading = read(home, content, county="AL")
    assert reading.problems == []
    assert len(reading.rows) == 16
    assert reading.rows[0]["indicator_code"] is None
    assert {row["reporting_month"].month for row in reading.rows} == {12}
    absent = [row for row in reading.rows if row["indicator_code"] == "3.1.2.1"]
    assert [row["value_state"] for row in absent] == ["not_reported", "not_reported"]


@pytest.mark.parametrize("unit", ["persons", "persona", "Persona ", "vetë", "nr.", "", None])
def test_the_indicators_own_unit_is_no_matter_how_it_is_written(
    home: Home, unit: str | None
) -> None:
    assert read(home, workbook([["2.1.9.1", "", unit, "", 3, ""]])).problems == []


@pytest.mark.parametrize("unit", ["raste", "cases", "trajnime", "kilogramë"])
def test_a_unit_that_is_not_the_indicators_is_found_at_its_cell(home: Home, unit: str) -> None:
    reading = read(home, workbook([TOTAL, ["2.1.18.1", "", unit, "", 3, ""]]))
    assert places(reading) == [("unit_differs", "Raporti", "C8")]
    assert reading.delivery["status"] == "accepted"
    assert unit not in str(reading.rows)


def test_a_count_beyond_any_plausible_size_is_found_at_its_cell(home: Home) -> None:
    rows: list[list[object]] = [["2.1.9.1", "", "", "", 501, ""], ["2.1.18.1", "", "", "", 501, ""]]
    reading = read(home, workbook(rows))
    assert places(reading) == [("implausible_count", "Raporti", "E7")]
    assert [row["value"] for row in reading.rows] == [501.0, 501.0]


# -- persons -----------------------------------------------------------------------------------


def test_a_contact_keeps_codes_and_pseudonyms_only(home: Home) -> None:
    reading = read(home, f"{HOTLINE}\n{CONTACT}\n")
    # Its remark names somebody.
    assert places(reading) == [("person_in_remark", None, "Q2")]
    (row,) = reading.rows
    assert set(row) <= set(SCHEMAS["hotline_contacts"].names)
    assert row["received_at"] == datetime(2023, 5, 3, 14, 30)
    assert row["suspicion_elements"] == 3
    assert len(row["contact_key"]) == 64
    for secret in ("355690000000", "Fisteku", "K-1", "R-7"):
        assert secret not in str(row)
        assert secret not in repr(reading)


def test_hotline_and_referral_share_a_case_and_two_counties_do_not(home: Home) -> None:
    (contact,) = read(home, f"{HOTLINE}\n{CONTACT}\n").rows
    (event,) = read(home, f"{REFERRAL}\n{EVENT}\n").rows
    assert contact["case_key"] == event["case_key"]
    assert event["border_point"] == "vlore_port"
    assert set(event) <= set(SCHEMAS["referral_events"].names)
    elsewhere = EVENT.replace("AL-04", "AL-12")
    (other,) = read(home, f"{REFERRAL}\n{elsewhere}\n", county="AL-12").rows
    assert other["case_key"] != event["case_key"]


def test_an_unknown_column_is_left_out_and_said_so_without_its_name(home: Home) -> None:
    reading = read(home, f"{REFERRAL};Filan Fisteku\n{EVENT};rruga e vjetër\n")
    assert places(reading) == [("unknown_column_dropped", None, "V1")]
    assert reading.delivery["status"] == "accepted"
    assert "rruga" not in str(reading.rows)
    assert "Fisteku" not in str(reading.problems)


def test_an_unquoted_separator_is_no_shifted_column(home: Home) -> None:
    reading = read(home, f"{REFERRAL}\n{EVENT};dhe më tej\n")
    assert rules(reading) == ["invalid_frame"]
    assert reading.rows == []


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = Pseudonyms(tmp_path / "keys")
    key = first.key("case", "R-7")
    assert Pseudonyms(tmp_path / "keys").key("case", " r-7 ") == key
    assert first.key("person", "R-7") != key
    for path in (tmp_path / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


# -- bad files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"Formulari": "krat-raport-9"}, [("unknown_layout", "#1", "A1")]),
        ({"Qarku": "AL-12"}, [("wrong_county", "Raporti", "B2")]),
        ({"Institucioni": "Filan Fisteku"}, [("unknown_institution", "Raporti", "B3")]),
        ({"Institucioni": "AL-12-POLICIA"}, [("wrong_county", "Raporti", "B3")]),
        ({"Muaji": "2019-05"}, [("unknown_month", "Raporti", "B4")]),
        ({"Muaji": "pranverë"}, [("unknown_month", "Raporti", "B4")]),
        ({"Muaji": "2023-07"}, [("month_not_begun", "Raporti", "B4")]),
        ({"Të dhënat": "ndoshta"}, [("unknown_code", "Raporti", "B5")]),
    ],
)
def test_a_wrong_head_is_refused_at_its_cell(
    home: Home, head: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    reading = read(home, workbook([TOTAL], {**HEAD, **head}))
    assert places(reading) == expected
    assert reading.delivery["status"] == "refused"
    assert reading.rows == []


@pytest.mark.parametrize(
    ("row", "rule", "cell"),
    [
        (["9.9.9.9", "", "", "", 3, ""], "unknown_indicator", "A7"),
        (["", "", "", "", 3, ""], "unknown_indicator", "A7"),
        (["2.1.9.1", "", "", "app", 3, ""], "unknown_category", "D7"),
        (["2.1.9.1", "", "", "", "tre", ""], "not_a_number", "E7"),
        (["2.1.9.1", "", "", "", "-", ""], "not_a_number", "E7"),
        (["2.1.9.1", "", "", "", "1.900", ""], "not_a_number", "E7"),
        (["2.1.9.1", "", "", "", -3, ""], "negative_count", "E7"),
        (["2.1.9.1", "", "", "", "2,5", ""], "fractional_count", "E7"),
        (["2.1.9.1", "", "", "", "", "ndoshta"], "unknown_code", "F7"),
        (["2.1.9.1", "", "", "", 3, "zero"], "unknown_code", "F7"),
        (["2.1.9.1", "", "", "", 0, "nuk dihet"], "unknown_code", "F7"),
    ],
)
def test_a_wrong_cell_is_refused_at_its_place(
    home: Home, row: list[object], rule: str, cell: str
) -> None:
    reading = read(home, workbook([row]))
    assert places(reading) == [(rule, "Raporti", cell)]
    assert reading.delivery["status"] == "refused"


def test_a_report_before_its_month_ended_is_kept_and_flagged(home: Home) -> None:
    reading = read(home, workbook([TOTAL]), received=datetime(2023, 5, 31, 23, 0))
    assert rules(reading) == ["report_before_period_end"]
    assert reading.delivery["status"] == "accepted"
    assert rules(read(home, workbook([TOTAL]), received=datetime(2023, 6, 1, 0, 0))) == []


def test_a_missing_column_a_repeated_row_and_an_empty_form_are_refused(home: Home) -> None:
    header = f"{HOTLINE}\n{CONTACT}\n".replace(";Kanali", ";Kanal")
    assert rules(read(home, header)) == [
        "missing_required_column", "unknown_column_dropped", "person_in_remark",
    ]  # fmt: skip
    assert rules(read(home, workbook([TOTAL, TOTAL]))) == ["invalid_frame"]
    assert rules(read(home, workbook([]))) == ["invalid_frame"]


def test_a_file_that_changes_its_institution_midway_is_refused(home: Home) -> None:
    lines: list[list[object]] = [
        [*HEAD, *HEADINGS],
        [*HEAD.values(), *TOTAL],
        [*{**HEAD, "Institucioni": "AL-ZKKA"}.values(), "2.1.18.1", "", "", "", 1, ""],
    ]
    content = "\n".join(";".join(str(cell) for cell in line) for line in lines)
    assert places(read(home, content)) == [("unknown_institution", None, "C3")]


def test_a_record_of_a_name_alone_is_no_blank_row(home: Home) -> None:
    name_alone = ";".join([""] * 18) + ";Filan Fisteku;;"
    reading = read(home, f"{REFERRAL}\n{EVENT}\n{name_alone}\n")
    assert {"unknown_code", "invalid_date"} <= set(rules(reading))
    assert reading.rows == []


@pytest.mark.parametrize("moment", ["05/03/2023 10:00", "2023-05-03", "2023-07-01 10:00", ""])
def test_a_time_that_is_unclear_or_to_come_is_refused(home: Home, moment: str) -> None:
    reading = read(home, f"{HOTLINE}\n{CONTACT.replace('2023-05-03 14:30', moment)}\n")
    assert places(reading) == [("invalid_date", None, "F2"), ("person_in_remark", None, "Q2")]


def spread_workbook() -> bytes:
    """A workbook of a kilobyte whose one value stands in the sheet's last cell."""
    source, target = io.BytesIO(workbook([TOTAL])), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b'r="E7"', b'r="XFD1048576"')
            new.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"PK\x03\x04 no archive",
        workbook([TOTAL])[:-200],
        spread_workbook(),
        b'a;b\n"open;quote\n',
        b"\xff\xfe\x00",
        "Emri;Mosha\nFilan;\x81".encode("latin-1"),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_raises(home: Home, content: bytes) -> None:
    reading = read(home, content)
    assert rules(reading) == ["unreadable_file"]
    assert reading.delivery["status"] == "refused"
    assert reading.table is None


@given(content=st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    reading = read(Home(root=folder / "home", keys=folder / "keys"), content)
    assert reading.delivery["status"] == "refused"


@given(text=st.text(max_size=30))
def test_messages_never_repeat_what_a_cell_says(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    home = Home(root=folder / "home", keys=folder / "keys")
    cell = f"Zyxw {text}"
    head = {**HEAD, "Institucioni": cell, "Muaji": cell, "Të dhënat": cell}
    reading = read(home, workbook([[cell, cell, cell, cell, cell, cell]], head, sheet="Zyxw"))
    assert reading.problems
    assert "Zyxw" not in str(reading.problems) + str(reading.delivery) + str(reading.rows)


# -- values ------------------------------------------------------------------------------------


@given(number=st.integers(0, 10**7 - 1), space=st.sampled_from([" ", "\u00a0", "\u202f", "\u2009"]))
def test_a_number_is_read_with_every_kind_of_thousands_space(number: int, space: str) -> None:
    count = read_count(f"{number:,}".replace(",", space))
    assert (count.value, count.rule) == (float(number), None)
    assert count.state == ("number" if number else "zero")


@given(text=st.text(max_size=20))
def test_any_text_is_a_number_a_state_or_a_broken_rule(text: str) -> None:
    count = read_count(text)
    assert (count.value is not None) == (count.state in {"number", "zero"})
    if count.rule:
        assert count.value is None
    for read_value in (read_month, read_year, read_date, read_timestamp):
        read_value(text)


@given(day=st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_date_is_read_in_both_agreed_ways(day: date) -> None:
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day.day}.{day.month}.{day.year}") == day


@pytest.mark.parametrize(
    ("cell", "value", "state", "rule"),
    [
        ("12,0", 12.0, "number", None),
        (12.0, 12.0, "number", None),
        ("200 000", 200000.0, "number", None),
        ("12 34", None, "unknown", "not_a_number"),
        ("٣", None, "unknown", "not_a_number"),
        ("−3", None, "unknown", "negative_count"),
        (float("nan"), None, "unknown", "not_a_number"),
        (True, None, "unknown", "not_a_number"),
        (date(2023, 5, 1), None, "unknown", "not_a_number"),
        ("disa", None, "unknown", None),
        ("Nuk kemi raste.", 0.0, "zero", None),
        (" \u00a0", None, "not_reported", None),
        (None, None, "not_reported", None),
    ],
)
def test_what_a_cell_counts(
    cell: str | float | bool | None, value: float | None, state: str, rule: str | None
) -> None:
    count = read_count(cell)
    assert (count.value, count.state, count.rule) == (value, state, rule)


@pytest.mark.parametrize("cell", ["2023-05", "05.2023", "maj 2023", datetime(2023, 5, 1)])
def test_a_month_is_read(cell: str | datetime) -> None:
    assert read_month(cell) == date(2023, 5, 1)


def test_addresses_are_those_of_a_spreadsheet() -> None:
    assert [xl_rowcol_to_cell(*at) for at in ((6, 4), (0, 25), (0, 26), (0, 701))] == [
        "E7",
        "Z1",
        "AA1",
        "ZZ1",
    ]


# -- layouts and landing -----------------------------------------------------------------------


def test_each_layout_fills_its_raw_table() -> None:
    layouts = load_layouts()
    assert len({layout.id for layout in layouts}) == len(layouts) >= 8
    for table in ("hotline_contacts", "referral_events"):
        columns = [
            column
            for layout in layouts
            if layout.table == table
            for column in layout.columns
            if column.kind != "dropped" and column.name not in ("layout_id", "is_made_up")
        ]
        kept = {name for column in columns for name in column.pseudonyms or [column.name]}
        states = {f"{column.name}_state" for column in columns if column.is_stated}
        assert kept | states | {"delivery_id", "row_number"} <= set(SCHEMAS[table].names)


def test_a_batch_is_kept_whole_and_known_afterwards(home: Home) -> None:
    good = read(home, workbook([TOTAL]))
    bad = read(home, workbook([["2.1.9.1", "", "", "", "Filan Fisteku", ""]]))
    store_batch(home, [good, bad])
    assert stored_contents(home).places == {
        ("AL-04", good.delivery["content_hash"]),
        ("AL-04", bad.delivery["content_hash"]),
    }
    (values,) = (home.raw / "submission_values").glob("*")
    assert pq.read_schema(values).equals(SCHEMAS["submission_values"])
    (findings,) = (home.raw / "door_findings").glob("*")
    (finding,) = pq.read_table(findings).to_pylist()
    assert (finding["rule"], finding["cell"], finding["found_at"]) == (
        "not_a_number",
        "E7",
        RECEIVED,
    )
    store_batch(home, [good, bad])
    assert len(list((home.raw / "deliveries").iterdir())) == 1


def test_originals_are_sealed_and_a_refusal_says_why_in_both_languages(home: Home) -> None:
    contents = workbook([TOTAL]), workbook([["2.1.9.1", "", "", "", "Filan Fisteku", ""]])
    good, bad = (sealed(home, content) for content in contents)
    store_batch(home, [good, bad])
    assert (home.keys / IDENTITY).stat().st_mode & 0o777 == 0o600
    assert (unsealed(home, good), unsealed(home, bad)) == contents
    folder = home.quarantine / "AL-04" / bad.delivery["delivery_id"]
    assert (folder / QUARANTINED).exists()
    reason = (folder / "reason.txt").read_text(encoding="utf-8")
    assert reason.index("qeliza E7") < reason.index("cell E7")
    assert json.loads((folder / "reason.json").read_text())["problems"][0]["cell"] == "E7"
    for path in (path for path in home.root.rglob("*") if path.is_file()):
        assert b"Fisteku" not in path.read_bytes()


def test_an_unfinished_batch_is_unknown_and_swept_away(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = sealed(home, workbook([TOTAL]))
    write = landing._write_table

    def killed(home: Home, table: str, *rest: Any) -> None:
        if table == "deliveries":
            raise KeyboardInterrupt
        write(home, table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(landing, "_write_table", killed)
        with pytest.raises(KeyboardInterrupt):
            store_batch(home, [reading])
    assert len(list(home.vault.glob("*.zip"))) == 1
    assert stored_contents(home).places == set()
    other = sealed(home, workbook([["2.1.9.1", "", "", "", 4, ""]]))
    store_batch(home, [reading, other])
    assert len(list((home.raw / "submission_values").iterdir())) == 1
    assert len(list(home.vault.glob("*.zip"))) == 1


def test_a_row_that_fits_no_table_leaves_nothing_known(home: Home) -> None:
    reading = read(home, workbook([TOTAL]))
    broken = replace(reading, columns={**reading.columns, "value": ["three"]})
    with pytest.raises((ValueError, TypeError)):
        store_batch(home, [broken])
    assert stored_contents(home).places == set()


def test_a_new_public_key_fits_the_private_key_in_use(home: Home) -> None:
    store_batch(home, [sealed(home, workbook([TOTAL]))])
    private = (home.keys / IDENTITY).read_bytes()
    os.unlink(home.vault / RECIPIENTS)  # noqa: PTH108
    store_batch(home, [sealed(home, workbook([["2.1.9.1", "", "", "", 4, ""]]))])
    assert (home.keys / IDENTITY).read_bytes() == private


def test_a_marker_line_of_excel_counts_as_a_row() -> None:
    tables = read_tables(b"sep=;\r\na;b\r\n1;2\r\n")
    assert tables.sheets[0].rows == [[], ["a", "b"], ["1", "2"]]


# -- what really comes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "unit", "value", "state", "rule"),
    [
        ("200 000 persona", "persons", 200000.0, "number", None),
        ("200\u00a0000 Persona", "persons", 200000.0, "number", None),
        ("1 fushatë", "campaigns", 1.0, "number", None),
        ("1 fushate\u0308", "campaigns", 1.0, "number", None),
        ("900 nxënës", "persons", 900.0, "number", None),
        ("0 raste", "cases", 0.0, "zero", None),
        ("3 fushata", "persons", None, "unknown", "not_a_number"),
        ("3 persona", None, None, "unknown", "not_a_number"),
        ("rreth 30 persona", "persons", None, "unknown", "not_a_number"),
        ("1.900 persona", "persons", None, "unknown", "not_a_number"),
        ("S’kemi pasur raste!", "cases", 0.0, "zero", None),
        ("Nuk janÃ« evidentuar raste", "cases", 0.0, "zero", None),
        ("nuk kemi raste, përveç dy", "cases", None, "unknown", "not_a_number"),
        ("disa persona", "persons", None, "unknown", None),
    ],
)
def test_words_beside_a_number_are_read_only_where_they_are_known(
    cell: str, unit: str | None, value: float | None, state: str, rule: str | None
) -> None:
    count = read_count(cell, unit)
    assert (count.value, count.state, count.rule) == (value, state, rule)
    # How it was read is kept beside the value.
    assert (count.note is not None) == (rule is None)


@pytest.mark.parametrize("cell", ["Maji 2023", "maj-2023", "MAJ, 2023", "maj/2023"])
def test_a_month_is_read_by_its_albanian_names(cell: str) -> None:
    assert read_month(cell) == date(2023, 5, 1)


@pytest.mark.parametrize("cell", ["gusht 2023", "Gushti 2023", "gush 2023", "gus-23", "GUSH. 2023"])
def test_a_month_is_read_by_its_name_its_abbreviations_and_its_definite_form(cell: str) -> None:
    assert read_month(cell) == date(2023, 8, 1)


def test_every_months_name_is_read_as_it_is_written() -> None:
    names = [format_date(date(2023, month, 1), "LLLL y", locale="sq") for month in range(1, 13)]
    assert [read_month(name) for name in names] == [date(2023, month, 1) for month in range(1, 13)]


@pytest.mark.parametrize("cell", ["31/05/2023", "31 maj 2023", "31 Maji 2023", 45077, 45077.0])
def test_a_day_that_can_be_only_one_is_read(cell: str | float) -> None:
    assert read_date(cell) == date(2023, 5, 31)


@pytest.mark.parametrize(
    "cell", ["05/03/2023", "2023", 2023, 1e9, "31 may 2023", "31.02.2023", True]
)
def test_a_day_that_can_be_another_is_not(cell: str | float) -> None:
    assert read_date(cell) is None


@given(text=st.text(st.characters(codec="cp1252", categories=["L"]), max_size=30))
def test_text_that_was_encoded_twice_is_read_as_it_was_meant(text: str) -> None:
    # What looks as if it had been encoded twice before is taken back further.
    assume(not is_encoded_twice(text))
    try:
        twice = text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return
    # Only letters of two bytes come back as Ã or Â, which is what the repair looks for.
    if "Ã" in twice or "Â" in twice:
        assert cell_text(twice) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "stated",
    ["2.1.9.1", " 2.1.9.1.", "2,1,9,1", "Numri i rasteve të reja", "NUMRI I RASTEVE TË  REJA"],
)
def test_an_indicator_is_known_by_its_code_and_by_its_printed_name(home: Home, stated: str) -> None:
    reading = read(home, workbook([[stated, "", "", "", 3, ""]]))
    assert [row["indicator_code"] for row in reading.rows] == ["2.1.9.1"]


def test_an_unknown_indicator_is_told_with_what_it_could_be(home: Home) -> None:
    reading = read(home, workbook([["Numri i rasteve te rejaa", "", "", "", 3, ""]]))
    (found,) = [found for found in reading.problems if found.rule == "unknown_indicator"]
    assert "Mund të jetë: 2.1.9.1 Numri i rasteve të reja" in found.message_sq
    assert not reading.rows


def test_an_unknown_institution_is_told_with_what_it_could_be(home: Home) -> None:
    head = {**HEAD, "Institucioni": "Drejtoria Vendore Policise Fier"}
    reading = read(home, workbook([["2.1.9.1", "", "", "", 3, ""]], head))
    (found,) = [found for found in reading.problems if found.rule == "unknown_institution"]
    assert "Drejtoria Vendore e Policisë Fier" in found.message_en
    assert reading.delivery["status"] == "refused"


@pytest.mark.parametrize("words", [["Gjithsej", ""], ["", "Totali:"], ["SHUMA", "Shuma"]])
def test_a_row_of_totals_is_left_out_and_told(home: Home, words: list[str]) -> None:
    rows = [["2.1.9.1", "", "", "", 3, ""], [*words, "", "", 3, ""]]
    reading = read(home, workbook(rows))
    assert [row["value"] for row in reading.rows] == [3.0]
    assert rules(reading) == ["totals_row_left_out"]


@pytest.fixture
def saved_as(libreoffice: LibreOffice, tmp_path: Path) -> Callable[[str, bytes], bytes]:
    """Saves a workbook in another format, as LibreOffice does."""

    def save(suffix: str, content: bytes) -> bytes:
        source, target = tmp_path / "report.xlsx", tmp_path / f"report.{suffix}"
        source.write_bytes(content)
        libreoffice.convert(source, target)
        return target.read_bytes()

    return save


@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_a_workbook_saved_by_libreoffice_in_another_format_is_read(
    home: Home, saved_as: Callable[[str, bytes], bytes], suffix: str
) -> None:
    content = saved_as(suffix, workbook([["2.1.9.1", "", "", "", "1 200", ""]]))
    reading = read(home, content)
    assert reading.delivery["file_format"] == suffix
    assert [(row["value"], row["sheet"], row["cell"]) for row in reading.rows] == [
        (1200.0, "Raporti", "E7")
    ]


@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_formulas_and_what_is_hidden_or_merged_are_seen_in_other_formats(
    home: Home, saved_as: Callable[[str, bytes], bytes], suffix: str
) -> None:
    book = load_workbook(io.BytesIO(workbook([["2.1.9.1", "", "", "", 3, ""]] * 3)))
    page = book["Raporti"]
    page["E7"] = "=1+2"
    page.row_dimensions[8].hidden = True
    page.merge_cells("A8:A9")
    changed = io.BytesIO()
    book.save(changed)
    found = places(read(home, saved_as(suffix, changed.getvalue())))
    assert ("formula_in_cell", "Raporti", "E7") in found
    assert ("merged_cells_read", "Raporti", "A8") in found
    assert {rule for rule, _, _ in found} >= {"hidden_cells_read"}


@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_a_percentage_and_an_error_are_no_values_in_other_formats(
    home: Home, saved_as: Callable[[str, bytes], bytes], suffix: str
) -> None:
    book = load_workbook(io.BytesIO(workbook([["2.1.9.1", "", "", "", 3, ""]] * 3)))
    page = book["Raporti"]
    page["E7"].number_format = "0%"
    page["E8"] = "#N/A"
    assert page["E8"].data_type == "e"
    changed = io.BytesIO()
    book.save(changed)
    content = saved_as(suffix, changed.getvalue())
    # LibreOffice writes an error as the formula that gives it.
    assert {("formula_in_cell", "Raporti", "E8"), ("not_a_number", "Raporti", "E7")} <= set(
        places(read(home, content))
    )


def test_a_number_that_an_ods_shows_as_another_is_refused(
    home: Home, saved_as: Callable[[str, bytes], bytes]
) -> None:
    lies = ['0"000"', "0,", ";;;", '0" mijë"', "0%"]
    truths = ["#,##0", "0.00", '0" persona"', "General", "000000"]
    rows = [["2.1.9.1", "", "", "", 1900, ""]] * len(lies + truths)
    book = load_workbook(io.BytesIO(workbook(rows)))
    page = book["Raporti"]
    for number, number_format in enumerate(lies + truths, start=7):
        page[f"E{number}"].number_format = number_format
    page["E12"].comment = Comment("12 raste", "krat")
    changed = io.BytesIO()
    book.save(changed)
    found = places(read(home, saved_as("ods", changed.getvalue())))
    refused = [cell for rule, _, cell in found if rule == "not_a_number"]
    assert refused == [f"E{number}" for number in range(7, 7 + len(lies))]


def open_document(rows: str) -> bytes:
    """A file as .ods whose one sheet has these rows."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content{spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="a">{rows}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return buffer.getvalue()


@pytest.mark.parametrize("number", ["1e999", "INF", "NaN"])
def test_an_ods_may_hold_what_is_no_number(home: Home, number: str) -> None:
    content = open_document(
        f'<table:table-row><table:table-cell office:value-type="float" office:value="{number}">'
        "<text:p>5</text:p></table:table-cell></table:table-row>"
    )
    assert read(home, content).delivery["status"] == "refused"


def test_an_error_that_excel_wrote_into_an_xls_is_no_blank_cell(
    home: Home, saved_as: Callable[[str, bytes], bytes]
) -> None:
    book = load_workbook(io.BytesIO(workbook([["2.1.9.1", "", "", "", 3, ""]] * 2)))
    book["Raporti"]["E8"] = "=1+2"
    changed = io.BytesIO()
    book.save(changed)
    content = saved_as("xls", changed.getvalue())
    # The record of the formula in E8 becomes one of an error (MS-XLS 2.4.24) and one of nothing.
    formula = re.search(rb"\x06\x00(..)\x07\x00\x04\x00", content, re.DOTALL)
    assert formula is not None
    (length,) = struct.unpack("<H", formula[1])
    error = struct.pack("<5H2B", 0x0205, 8, 7, 4, 0, 0x2A, 1)
    nothing = struct.pack("<2H", 0x0FFF, length - len(error))
    start = formula.start()
    content = content[:start] + error + nothing + content[start + len(error) + len(nothing) :]
    reading = read(home, content)
    (told,) = [found for found in reading.problems if found.rule == "not_a_number"]
    assert (told.sheet, told.cell) == ("Raporti", "E8")
    assert "#N/A" in told.message_sq


def test_an_ods_that_spreads_far_is_refused_before_it_is_read(home: Home) -> None:
    content = open_document(
        '<table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" '
        'office:value="1"/></table:table-row>'
    )
    assert rules(read(home, content)) == ["unreadable_file"]


def test_sheets_alike_but_for_their_numbers_are_each_seen_as_they_are() -> None:
    """What was seen of a sheet is kept for the next like it: only its numbers may be others."""

    def seen(
        number: int, foot: str, *, is_hidden: bool = False, is_error: bool = False
    ) -> SheetFeatures:
        content = io.BytesIO()
        book = xlsxwriter.Workbook(content)
        sheet = book.add_worksheet("Raporti")
        sheet.write_number(0, 0, number)
        sheet.write_formula(1, 0, "=1", value="#N/A" if is_error else 1)
        sheet.set_row(0, None, None, {"hidden": is_hidden})
        sheet.set_footer(foot)
        book.close()
        return workbook_features("xlsx", content.getvalue())["Raporti"]

    plain = seen(1, "janar")
    again = seen(2, "shkurt")
    assert vars(again) == vars(plain)
    assert plain.formulas == {(1, 0)}
    assert not plain.hidden_rows
    assert seen(1, "janar", is_hidden=True).hidden_rows == {0}
    assert seen(1, "janar", is_error=True).errors == {(1, 0)}
    assert vars(seen(3, "mars")) == vars(plain)
