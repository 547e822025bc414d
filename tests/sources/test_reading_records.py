"""Rows of the hotline log and the referral records: kinds of nothing, numbers, names of places."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.layouts import load_layouts
from sources.reading import Reading, read_content
from sources.registers import load_registers
from sources.values import plain

REGISTERS = load_registers(SEEDS)
RECEIVED = datetime(2023, 7, 5, 9, 0)
#: The third form of records holds from October on.
AFTER_OCTOBER = datetime(2024, 1, 8, 9, 0)

EVENT = {
    "Formulari": "krat-referim-2",
    "Qarku": "AL-04",
    "Institucioni": "AL-04-POLICIA",
    "Të dhënat": "REALE",
    "Nr. rastit": "12/2023",
    "Nr. i mëparshëm i rastit": "",
    "Nr. i rastit në linjë": "",
    "Kodi i personit": "P-1",
    "Ngjarja": "identifikim fillestar",
    "Data": "2023-05-04",
    "Gjinia": "femër",
    "Grupmosha": "child",
    "Organizata vendimmarrëse": "policia",
    "Kanali i identifikimit": "kufi",
    "Shfrytëzimi": "lypje",
    "Bashkia": "Divjake",
    "Pika kufitare": "Kakavija",
    "Organizata referuese": "",
    "Organizata pritëse": "",
    "Lloji i mbështetjes": "",
    "Hollësi": "",
    "Statusi i rastit": "aktiv",
    "Arsyeja e mbylljes": "",
}
ASKED = {
    "Formulari": "krat-referim-3",
    "Shtetësia": "shqiptare",
    "I brendshëm apo ndërkufitar": "ndërkufitar",
    "Qarku i vendbanimit": "Vlorë",
}
CONTACT = {
    "Formulari": "krat-linja-2",
    "Qarku": "AL-04",
    "Të dhënat": "REALE",
    "Nr. kontaktit": "K-1",
    "Kanali": "aplikacioni",
    "Marrë më": "2023-05-03 14:30",
    "Telefonuesi": "familjar",
    "Qëllimi": "raportim rasti",
    "Elemente dyshimi": "3",
    "Shfrytëzimi": "forced labour",
    "Qarku i ngjarjes": "Vlorë",
    "Bashkia": "Bashkia Vlora",
    "Referuar te": "policia",
    "Pranuar më": "2023-05-03 16:00",
    "Rezultati": "u referua",
    "Nr. rastit": "R-7",
    "Përsëritje e": "",
    "Dyfishim i": "",
    "Emri": "Filan Fisteku",
    "Numri i telefonit": "+355690000000",
    "E-mail": "filan@example.org",
    "Adresa": "rruga e vjetër",
    "Shënime": "thirri dy herë",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def told(reading: Reading) -> list[tuple[str, str | None]]:
    return [(found.rule, found.cell) for found in reading.problems]


def read(home: Home, *records: dict[str, str], at: datetime = RECEIVED) -> Reading:
    return read_bytes(home, as_text([[*records[0]], *([*each.values()] for each in records)]), at)


def read_bytes(home: Home, content: bytes, at: datetime = RECEIVED) -> Reading:
    return read_content(content, "AL-04", REGISTERS, Pseudonyms(home.keys).key, at)


def as_text(rows: list[list[str]]) -> bytes:
    return "\n".join([*(";".join(row) for row in rows), ""]).encode()


def as_workbook(*sheets: list[list[Any]]) -> bytes:
    book, buffer = Workbook(), io.BytesIO()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(buffer)
    return buffer.getvalue()


def test_a_row_may_be_written_in_albanian_or_english(home: Home) -> None:
    reading = read(home, EVENT)
    assert reading.problems == []
    (row,) = reading.rows
    assert row["event"] == "initially_identified"
    assert (row["sex"], row["age_group"], row["exploitation"]) == (
        "female",
        "0-17",
        "ForcedBegging",
    )
    assert (row["municipality_code"], row["border_point"]) == ("AL-04-01", "kakavije")
    assert row["institution_code"] == reading.delivery["institution_code"] == "AL-04-POLICIA"
    assert "events-2" in reading.delivery["code_lists"].split()


def test_a_contact_says_where_it_points_to_and_nothing_that_names_anyone(home: Home) -> None:
    reading = read(home, CONTACT)
    assert reading.problems == []
    (row,) = reading.rows
    assert (row["county_code"], row["event_county_code"]) == ("AL-04", "AL-12")
    assert row["municipality_code"] == "AL-12-07"
    assert row["referred_to"] == "Police"
    for secret in ("Fisteku", "355690000000", "example.org", "rruga", "thirri", "R-7", "K-1"):
        assert secret not in str(row)


#: A cell of a column that the row asks for, and the kind of nothing that it says.
KINDS = [
    ("", "not_reported"),
    ("-", "not_reported"),
    ("–", "not_reported"),
    ("pa të dhëna", "not_reported"),
    ("N/A", "not_applicable"),
    ("n.a.", "not_applicable"),
    ("nuk zbatohet", "not_applicable"),
    ("nuk dihet", "unknown"),
    ("Nuk dihet.", "unknown"),
    ("?", "unknown"),
    ("unknown", "unknown"),
    ("e panjohur", "unknown"),
    ("refuzon", "refused"),
    ("REFUSED", "refused"),
]


@pytest.mark.parametrize(("cell", "kind"), KINDS)
@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Gjinia", "sex"),
        ("Grupmosha", "age_group"),
        ("Organizata vendimmarrëse", "deciding_organisation"),
        ("Kanali i identifikimit", "identification_channel"),
        ("Shfrytëzimi", "exploitation"),
        ("Bashkia", "municipality_code"),
        ("Pika kufitare", "border_point"),
        ("Statusi i rastit", "case_status"),
    ],
)
def test_a_cell_that_says_nothing_says_which_kind(
    home: Home, cell: str, kind: str, heading: str, column: str
) -> None:
    reading = read(home, {**EVENT, heading: cell})
    assert reading.problems == []
    (row,) = reading.rows
    assert (row[column], row[f"{column}_state"]) == (None, kind)


@pytest.mark.parametrize(("cell", "kind"), [*KINDS, ("disa", "unknown")])
def test_elements_that_nobody_counted_are_not_none(home: Home, cell: str, kind: str) -> None:
    (row,) = read(home, {**CONTACT, "Elemente dyshimi": cell}).rows
    assert (row["suspicion_elements"], row["suspicion_elements_state"]) == (None, kind)
    (row,) = read(home, {**CONTACT, "Elemente dyshimi": "0"}).rows
    assert (row["suspicion_elements"], row["suspicion_elements_state"]) == (0, "reported")


@pytest.mark.parametrize(
    ("changes", "column", "state"),
    [
        (
            {"Kanali i identifikimit": "police", "Pika kufitare": ""},
            "border_point",
            "not_applicable",
        ),
        ({"Pika kufitare": ""}, "border_point", "not_reported"),
        # Whether a border point is asked for is not known where the channel is not.
        (
            {"Kanali i identifikimit": "nuk dihet", "Pika kufitare": ""},
            "border_point",
            "not_reported",
        ),
        ({}, "support_type", "not_applicable"),
        ({"Ngjarja": "asistim"}, "support_type", "not_reported"),
        ({"Ngjarja": "closed"}, "closing_reason", "not_reported"),
        ({}, "closing_reason", "not_applicable"),
    ],
)
def test_a_blank_cell_applies_or_not_by_what_the_row_says(
    home: Home, changes: dict[str, str], column: str, state: str
) -> None:
    (row,) = read(home, {**EVENT, **changes}).rows
    assert row[f"{column}_state"] == state


def test_a_dash_in_place_of_a_number_ties_nobody_to_anybody(home: Home) -> None:
    rows = read(
        home,
        {**CONTACT, "Nr. rastit": "-", "Përsëritje e": "nuk dihet"},
        {**CONTACT, "Nr. kontaktit": "K-2", "Nr. rastit": "-", "Dyfishim i": "N/A"},
    ).rows
    for column in ("case_key", "repeat_of_key", "duplicate_of_key"):
        assert [row[column] for row in rows] == [None, None]
    refused = read(home, {**EVENT, "Nr. rastit": "-"})
    assert [found.rule for found in refused.problems] == ["unknown_code"]


def test_two_institutions_number_their_cases_apart(home: Home) -> None:
    (police,) = read(home, EVENT).rows
    (social,) = read(home, {**EVENT, "Institucioni": "AL-04-SHSSH"}).rows
    assert police["case_key"] != social["case_key"]
    assert police["person_key"] != social["person_key"]
    # What the older form and the hotline number is the county's.
    older = {**EVENT, "Nr. i mëparshëm i rastit": "R-7", "Nr. i rastit në linjë": "R-7"}
    (row,) = read(home, older).rows
    (contact,) = read(home, CONTACT).rows
    assert row["former_case_key"] == row["hotline_case_key"] == contact["case_key"]


def test_every_way_of_writing_a_municipality_leads_to_it() -> None:
    written = REGISTERS.written["municipalities"]
    with (SEEDS / "municipalities.csv").open(encoding="utf-8", newline="") as file:
        municipalities = list(csv.DictReader(file))
    assert len(municipalities) == 61
    assert set(written.values()) == {row["municipality_code"] for row in municipalities}
    with (SEEDS / "municipality_aliases.csv").open(encoding="utf-8", newline="") as file:
        aliases = [row["alias"] for row in csv.DictReader(file)]
    assert len(set(aliases)) == len(aliases)
    assert {"Tirana", "Kucove", "Bashkia Shkodra", "Peshkopi"} <= set(aliases)


@pytest.mark.parametrize(
    "text",
    ["Divjakë", "Divjake", "DIVJAKA", "bashkia divjakë", "Bashkia  Divjake", "AL-04-01"],
)
def test_a_municipality_is_known_with_and_without_its_marks(home: Home, text: str) -> None:
    (row,) = read(home, {**EVENT, "Bashkia": text}).rows
    assert row["municipality_code"] == "AL-04-01"


def test_an_unknown_municipality_is_told_with_what_it_could_be_and_never_chosen(home: Home) -> None:
    reading = read(home, {**EVENT, "Bashkia": "Malakaster"})
    (found,) = reading.problems
    assert found.rule == "unknown_municipality"
    assert found.message_sq.endswith("Mund të jetë: Mallakastër.")
    assert "Malakaster" not in str(found)
    assert reading.rows == []


def test_a_code_that_is_nearly_right_is_told_with_what_it_could_be(home: Home) -> None:
    (found,) = read(home, {**EVENT, "Shfrytëzimi": "punë e detyrur"}).problems
    assert found.rule == "unknown_code"
    assert "punë e detyruar" in found.message_en


def test_the_older_form_is_still_read(home: Home) -> None:
    older = {
        heading: cell
        for heading, cell in EVENT.items()
        if heading
        not in (
            "Institucioni", "Nr. i mëparshëm i rastit", "Nr. i rastit në linjë", "Bashkia",
            "Arsyeja e mbylljes",
        )
    }  # fmt: skip
    reading = read(home, {**older, "Formulari": "krat-referim-1"})
    assert reading.problems == []
    (row,) = reading.rows
    assert row["event_date"] == date(2023, 5, 4)
    assert "municipality_code" not in row


@pytest.mark.parametrize(
    ("changes", "column", "value", "state"),
    [
        ({}, "citizenship", "AL", "reported"),
        ({"Shtetësia": "XK"}, "citizenship", "XK", "reported"),
        ({"Shtetësia": "NA"}, "citizenship", "NA", "reported"),
        ({"Shtetësia": "North Macedonia"}, "citizenship", "MK", "reported"),
        ({"Shtetësia": "pa shtetësi"}, "citizenship", "stateless", "reported"),
        ({"Shtetësia": "e panjohur"}, "citizenship", None, "unknown"),
        ({"Shtetësia": "refuzon"}, "citizenship", None, "refused"),
        ({"Shtetësia": ""}, "citizenship", None, "not_reported"),
        ({"Shtetësia": "", "Ngjarja": "asistim"}, "citizenship", None, "not_applicable"),
        ({}, "trafficking_scope", "cross_border", "reported"),
        (
            {"I brendshëm apo ndërkufitar": "brenda vendit"},
            "trafficking_scope",
            "internal",
            "reported",
        ),
        ({}, "residence_county", "AL-12", "reported"),
        ({"Qarku i vendbanimit": "jashtë vendit"}, "residence_county", "abroad", "reported"),
        ({"Qarku i vendbanimit": ""}, "residence_county", None, "not_reported"),
    ],
)
def test_what_is_asked_of_identified_persons_is_a_code_or_a_kind_of_nothing(
    home: Home, changes: dict[str, str], column: str, value: str | None, state: str
) -> None:
    reading = read(home, EVENT | ASKED | changes, at=AFTER_OCTOBER)
    assert reading.problems == []
    (row,) = reading.rows
    assert (row[column], row[f"{column}_state"]) == (value, state)


def test_a_file_of_the_form_before_was_not_asked(home: Home) -> None:
    (row,) = read(home, EVENT).rows
    assert not {"citizenship", "trafficking_scope", "residence_county"} & row.keys()


def test_a_citizenship_in_free_text_is_refused(home: Home) -> None:
    told = EVENT | ASKED | {"Shtetësia": "nga Siria, i biri i një mësuesi"}
    reading = read(home, told, at=AFTER_OCTOBER)
    assert [found.rule for found in reading.problems] == ["unknown_code"]
    assert "mësuesi" not in str(reading.problems)


@pytest.mark.parametrize("number", ["s'ka", "nuk ka", "asnjë", "x", "0", "/", "pa kod"])
def test_what_stands_in_place_of_a_number_ties_nobody_to_anybody(home: Home, number: str) -> None:
    reading = read(home, EVENT | {"Kodi i personit": number})
    assert [row["person_key"] for row in reading.rows] == [None]
    repeats = read(home, CONTACT | {"Përsëritje e": number})
    assert repeats.rows[0]["repeat_of_key"] is None


def test_a_number_that_became_a_date_is_refused(home: Home) -> None:
    book = Workbook()
    page = book.worksheets[0]
    page.append(list(EVENT))
    page.append([*EVENT.values()])
    page["E2"] = date(2023, 12, 1)
    content = io.BytesIO()
    book.save(content)
    keys = Pseudonyms(home.keys)
    reading = read_content(content.getvalue(), "AL-04", REGISTERS, keys.key, RECEIVED)
    assert told(reading) == [("unknown_code", "E2")]


@pytest.mark.parametrize("day", ["04.05.1023", "04.05.1923", "2004-12-31"])
def test_a_day_of_another_time_is_refused(home: Home, day: str) -> None:
    assert told(read(home, EVENT | {"Data": day})) == [("invalid_date", "J2")]
    assert told(read(home, CONTACT | {"Marrë më": f"{day} 14:30"})) == [("invalid_date", "F2")]


@pytest.mark.parametrize(
    "moment",
    ["3 maj 2023 14:30", "03.05.2023 14.30", "03.05.2023, 14:30", "2023-05-03T14:30:00.000",
     "3.5.2023 ora 14:30"],
)  # fmt: skip
def test_a_time_is_read_as_it_is_written(home: Home, moment: str) -> None:
    reading = read(home, CONTACT | {"Marrë më": moment})
    assert reading.rows[0]["received_at"] == datetime(2023, 5, 3, 14, 30)


@pytest.mark.parametrize(
    "day", ["2023-05-04 00:00:00", "2023-5-4", "2023/05/04", "4 Maj, 2023", "04.05.2023."]
)
def test_a_day_is_read_as_it_is_written(home: Home, day: str) -> None:
    assert read(home, EVENT | {"Data": day}).rows[0]["event_date"] == date(2023, 5, 4)


def test_a_contact_or_event_that_stands_twice_is_refused(home: Home) -> None:
    contacts = read(home, CONTACT, CONTACT | {"Rezultati": "u mbyll", "Elemente dyshimi": "0"})
    assert ("invalid_frame", None) in told(contacts)
    assert told(read(home, EVENT, EVENT)) == [("invalid_frame", None)]
    assert told(read(home, EVENT, EVENT | {"Data": "2023-05-05"})) == []


def test_how_a_count_of_a_record_was_read_is_noted(home: Home) -> None:
    reading = read(home, CONTACT | {"Elemente dyshimi": "asnjë"})
    assert reading.rows[0]["suspicion_elements"] == 0
    assert reading.delivery["reading_note"] == "words read as zero"


def test_a_second_sheet_of_records_that_lacks_a_heading_is_not_lost(home: Home) -> None:
    book = Workbook()
    for headings in (list(EVENT), [name for name in EVENT if name != "Statusi i rastit"]):
        page = book.create_sheet()
        page.append(headings)
        page.append([EVENT[name] for name in headings])
    book.remove(book.worksheets[0])
    # It has lost the heading of its form too.
    book.worksheets[1]["A1"] = None
    content = io.BytesIO()
    book.save(content)
    keys = Pseudonyms(home.keys)
    reading = read_content(content.getvalue(), "AL-04", REGISTERS, keys.key, RECEIVED)
    assert told(reading) == [("invalid_frame", None)]


def test_merged_codes_of_a_record_are_refused(home: Home) -> None:
    book = Workbook()
    page = book.worksheets[0]
    page.append(list(EVENT))
    page.append([*EVENT.values()])
    page["L2"] = None
    page.merge_cells("K2:L2")
    content = io.BytesIO()
    book.save(content)
    keys = Pseudonyms(home.keys)
    reading = read_content(content.getvalue(), "AL-04", REGISTERS, keys.key, RECEIVED)
    assert told(reading) == [("invalid_frame", "K2")]


def test_a_file_may_have_every_heading_in_english(home: Home) -> None:
    for record, layout_id in ((EVENT, "krat-referim-2"), (CONTACT, "krat-linja-2")):
        layout = next(layout for layout in load_layouts() if layout.id == layout_id)
        headings = [heading for column in layout.columns for heading in column.headings[-1:]]
        assert len(set(map(plain, headings))) == len(headings)
        albanian = {
            heading: column.headings[-1] for column in layout.columns for heading in column.headings
        }
        english = {albanian[name]: value for name, value in record.items()}
        rows = [read(home, one).rows[0] for one in (english, record)]
        assert rows[0].pop("delivery_id") != rows[1].pop("delivery_id")
        assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("below", "rule"),
    [
        (["Gjithsej", "12"], "totals_row_left_out"),
        (["Gjithsej: 12 raste"], "totals_row_left_out"),
        (["Totali i kontakteve", "", "", "12", "", "3"], "totals_row_left_out"),
        (["Përgatiti: Filan Fisteku"], "remark_left_out"),
        (["Përgatiti:", "Filan Fisteku"], "remark_left_out"),
        (["", "", "", "Përgjegjësi i linjës"], "remark_left_out"),
        (["Fier, më 05.06.2023"], "remark_left_out"),
        (["Fier, më 5 qershor 2023"], "remark_left_out"),
        (["Përgatiti", "", "", "", "", "Drejtori"], "remark_left_out"),
        (["", "", "", "", "", "", "", "", "", "", "", "Vula"], "remark_left_out"),
    ],
)
@pytest.mark.parametrize("record", [EVENT, CONTACT])
@pytest.mark.parametrize("in_workbook", [True, False])
def test_what_stands_below_records_is_left_out_and_told(
    home: Home, record: dict[str, str], below: list[str], rule: str, in_workbook: bool
) -> None:
    """In text as a row of as many cells, in a workbook as one below a blank row."""
    rows = [list(record.values()), below + [""] * (len(record) - len(below))]
    if in_workbook:
        content = as_workbook([[*record], rows[0], [], rows[1]])
    else:
        content = as_text([[*record], *rows])
    reading = read_bytes(home, content)
    assert [found.rule for found in reading.problems] == [rule]
    assert len(reading.rows) == 1


@pytest.mark.parametrize(
    "row",
    [
        {"Nr. rastit": "13/2023"},
        {"Nr. rastit": "R-13"},
        {"Emri": "Filan"},
        {"Emri": "Filan", "Mbiemri": "Fisteku"},
        {"Ngjarja": "sinjalizim"},
        {"Ngjarja": "sinjalizm"},
        {"Data": "2023-05-05"},
        {"Gjinia": "femër"},
        {"Nr. rastit": "Gjithsej", "Ngjarja": "sinjalizim"},
        {"Nr. rastit": "Rasti:", "Ngjarja": "sinjalizim"},
        {"Data": "2023-05-05", "Organizata referuese": "Drejtori i policisë"},
        {"Gjinia": "femër", "Organizata referuese": "Drejtori i policisë"},
        {"Organizata referuese": "Drejtoria e policisë"},
    ],
)
def test_a_record_that_lacks_the_rest_is_not_left_out(home: Home, row: dict[str, str]) -> None:
    record = {**EVENT, "Emri": "", "Mbiemri": ""}
    blank = dict.fromkeys(record, "")
    rows = [[*record], [*record.values()], [*(blank | row).values()]]
    reading = read_bytes(home, as_workbook(rows))
    assert reading.delivery["status"] == "refused"
    assert not {"remark_left_out", "totals_row_left_out"} & {each.rule for each in reading.problems}


@pytest.mark.parametrize("record", [EVENT, CONTACT])
@pytest.mark.parametrize("first_row", [1, 60])
def test_records_of_another_sheet_are_not_lost_with_their_headings(
    home: Home, record: dict[str, str], first_row: int
) -> None:
    records = [[*record], [*record.values()]]
    changed = {"Nr. rastit": "14", "Nr. kontaktit": "K-2"}
    other = [changed.get(heading, cell) for heading, cell in record.items()]
    above: list[list[str]] = [[]] * (first_row - 1)
    reading = read_bytes(home, as_workbook(records, [*above, other]))
    assert [each.rule for each in reading.problems] == ["invalid_frame"]
    assert "më shumë se një formular" in reading.problems[0].message_sq
    # A list of codes beside the records is none, and not the form's either.
    codes = [["", "", "", "", code] for code in ("fluks", "linja", "policia")]
    left = read_bytes(home, as_workbook(records, codes))
    assert [(each.rule, each.row_number) for each in left.problems] == [("sheet_left_out", None)]
    assert len(left.rows) == len(records) - 1


@pytest.mark.parametrize(
    "number",
    [
        "R-007",
        "R - 7",
        "r–7",
        " R-7 ",
        "R -07",
        "R 7",
        "R7",
        "R\u20107",
        "R\u20117",
        "Nr. R-7",
        "nr R7",
        "#R-7",
    ],
)
def test_a_case_is_known_by_its_number_however_it_is_spaced(home: Home, number: str) -> None:
    (first,) = read(home, CONTACT).rows
    (other,) = read(home, {**CONTACT, "Nr. rastit": number}).rows
    assert first["case_key"] == other["case_key"]
    for another in ("R-70", "R-77", "R7-0", "7"):
        (third,) = read(home, {**CONTACT, "Nr. rastit": another}).rows
        assert third["case_key"] != first["case_key"]


@pytest.mark.parametrize("age", ["15", "25"])
def test_what_is_like_no_code_of_a_short_list_is_told_with_all_of_it(home: Home, age: str) -> None:
    (found,) = read(home, {**EVENT, "Grupmosha": age}).problems
    assert "fëmijë; i rritur; e panjohur" in found.message_sq


@pytest.mark.parametrize(
    ("group", "born", "is_found"),
    [
        ("0-17", "2010-05-04", False),
        ("0-17", "1990-05-04", True),
        ("18+", "1990-05-04", False),
        ("18+", "2010-05-04", True),
        # Of a year alone both ends are possible.
        ("0-17", "2005", False),
        ("18+", "2005", False),
        ("0-17", "2004", True),
        ("18+", "2006", True),
        ("unknown", "2010-05-04", False),
        ("unknown", "2023-05-05", True),
        ("0-17", "", False),
    ],
)
def test_a_birth_that_age_group_or_step_contradicts_is_found_and_not_quoted(
    home: Home, group: str, born: str, is_found: bool
) -> None:
    step = {**EVENT, "Data": "2023-05-04", "Grupmosha": group, "Datëlindja": born}
    reading = read(home, {**step, "Emri": "Filan", "Mbiemri": "Fisteku", "Numri personal": ""})
    found = [each for each in reading.problems if each.rule == "birth_contradicts_record"]
    assert bool(found) is is_found
    assert reading.delivery["status"] == "accepted"
    assert not any(born in each.message_sq + each.message_en for each in found)


def test_a_child_that_grows_up_in_its_case_is_no_contradiction(home: Home) -> None:
    born = {**EVENT, "Grupmosha": "0-17", "Datëlindja": "2005-06-01"}
    born |= {"Emri": "Filan", "Mbiemri": "Fisteku", "Numri personal": ""}
    steps = ({**born, "Data": day} for day in ("2023-05-04", "2023-07-04"))
    assert not [each for each in read(home, *steps).problems if "birth" in each.rule]


def test_a_birth_date_to_come_is_not_kept(home: Home) -> None:
    born = {**EVENT, "Emri": "Filan", "Mbiemri": "Fisteku", "Numri personal": "", "Datëlindja": ""}
    for day, is_kept in (("2010-05-04", True), ("2031-05-04", False)):
        reading = read(home, {**born, "Datëlindja": day})
        assert (reading.rows[0]["birth_date_key"] is not None) is is_kept
        assert ("identity_not_read" in [each.rule for each in reading.problems]) is not is_kept


@pytest.mark.parametrize(
    "said",
    ["anonim", "idem", "po ai", "---", "//", "në proces", "i ri", "R-", "R-0", "0/2023", "?/2023",
     "0000", "TRUE", "Filan Fisteku"],
)  # fmt: skip
def test_what_has_no_number_ties_nobody_to_anybody(home: Home, said: str) -> None:
    reading = read(home, {**EVENT, "Kodi i personit": said})
    assert all(row["person_key"] is None for row in reading.rows)
    reading = read(home, {**EVENT, "Nr. rastit": said})
    assert told(reading) == [("unknown_code", "E2")]


@pytest.mark.parametrize("number", [12.1, 1e15, 12345678901234567890])
def test_a_number_that_excel_changed_is_refused(home: Home, number: float) -> None:
    record = {**EVENT, "Nr. rastit": number}
    reading = read_bytes(home, as_workbook([[*record], [*record.values()]]))
    assert [each.rule for each in reading.problems] == ["unknown_code"]


def test_numbers_that_were_filled_in_beforehand_are_no_records(home: Home) -> None:
    record = {**CONTACT, "Nr.": "1"}
    heads = {label: record[label] for label in ("Formulari", "Qarku", "Të dhënat")}
    blank = dict.fromkeys(record, "") | heads | {"Nr.": "2"}
    reading = read_bytes(home, as_workbook([[*record], [*record.values()], [*blank.values()]]))
    assert [each.rule for each in reading.problems] == ["unknown_column_dropped"]
    assert len(reading.rows) == 1


@pytest.mark.parametrize("count", ["0691234567", "355 690 001 234", "51"])
def test_a_telephone_is_no_count_of_elements(home: Home, count: str) -> None:
    reading = read(home, {**CONTACT, "Elemente dyshimi": count})
    assert told(reading) == [("not_a_number", "I2")]


def test_records_above_their_headings_are_told(home: Home) -> None:
    rows = [[*CONTACT.values()], [*CONTACT], [*{**CONTACT, "Nr. kontaktit": "K-2"}.values()]]
    reading = read_bytes(home, as_text(rows))
    assert [(each.rule, each.row_number) for each in reading.problems] == [("invalid_frame", 1)]


def test_a_record_of_another_sheet_that_lacks_something_is_told(home: Home) -> None:
    records = [[*CONTACT], [*CONTACT.values()]]
    lacking = [*{**CONTACT, "Nr. kontaktit": "", "Kanali": "aplikacjon"}.values()]
    reading = read_bytes(home, as_workbook(records, [lacking]))
    assert [(each.rule, each.sheet) for each in reading.problems] == [("sheet_left_out", "#2")]


def test_a_stray_quote_that_swallows_contacts_is_told(home: Home) -> None:
    rows = [{**CONTACT, "Nr. kontaktit": f"K-{n}", "Shënime": said} for n, said in enumerate(
        ('"thirri dy herë', "", 'e mbylli"'), start=1
    )]  # fmt: skip
    reading = read(home, *rows)
    assert [(each.rule, each.row_number) for each in reading.problems] == [("invalid_frame", 2)]


def test_two_records_without_a_number_are_not_one_and_are_asked_for_it(home: Home) -> None:
    contact, event = (
        CONTACT | {"Nr. kontaktit": ""},
        EVENT | {"Nr. rastit": "", "Kodi i personit": ""},
    )
    for record, cells in ((contact, ["D2", "D3"]), (event, ["E2", "E3"])):
        reading = read(home, record, record)
        assert {rule for rule, _ in told(reading)} == {"unknown_code"}
        assert [cell for _, cell in told(reading)] == cells
        assert all("The number is missing" in found.message_en for found in reading.problems)
    # Two of one case may be two persons whom nobody has numbered.
    person = EVENT | {"Kodi i personit": ""}
    assert read(home, person, person).problems == []


def test_births_of_those_without_a_number_are_not_compared(home: Home) -> None:
    child = EVENT | {"Kodi i personit": "", "Data": "2010-05-04"}
    record = {**EVENT, "Formulari": "krat-referim-2", "Kodi i personit": "", "Grupmosha": "0-17"}
    born = {"Datëlindja": "2000-01-01"}
    told_alone = [found.rule for found in read(home, record | born).problems]
    told_beside = [found.rule for found in read(home, child | born, record | born).problems]
    assert told_alone.count("birth_contradicts_record") == 1
    assert told_beside.count("birth_contradicts_record") == 1


@pytest.mark.parametrize("name", ["Kanarina", "Filan Fisteku"])
def test_a_name_in_place_of_a_number_gets_advice_that_works(name: str, home: Home) -> None:
    (found,) = read(home, CONTACT | {"Nr. kontaktit": name}).problems
    assert (found.rule, found.cell) == ("unknown_code", "D2")
    assert "next free one" in found.message_en
    assert "blank" not in found.message_en
    assert name not in str(found)
    assert read(home, CONTACT | {"Nr. kontaktit": "17"}).problems == []
    # A number that need not be there may be left blank.
    (found,) = read(home, CONTACT | {"Përsëritje e": name}).problems
    assert "leave it blank" in found.message_en
    assert read(home, CONTACT | {"Përsëritje e": ""}).problems == []


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("2023-12-01", "hour is missing"), ("01.12.2023", "hour is missing"), ("dje", "unclear"),
        ("", "missing, unclear"),
    ],
)  # fmt: skip
def test_a_time_without_its_hour_is_asked_for_it(said: str, advice: str, home: Home) -> None:
    (found,) = read(home, CONTACT | {"Marrë më": said}).problems
    assert found.rule == "invalid_date"
    assert advice in found.message_en
    assert "2023-05-31 14:30" in found.message_en
    assert read(home, CONTACT | {"Marrë më": "2023-05-31 14:30"}).problems == []
