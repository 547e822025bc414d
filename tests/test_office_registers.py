"""The registers of the office: what its rows do, what is refused, and how a county joins."""

import csv
import json
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from guides import Block, follow, read_recipes, run

from expectations.validate import validate
from orchestration.cli import cli
from orchestration.products.codes import codes_table
from orchestration.registers.check import check_registers
from orchestration.registers.county import draft_county, write_drafts
from orchestration.registers.declaration import declared
from orchestration.registers.in_use import newest_registers, registers_in_use, take_registers
from orchestration.registers.rows import BrokenRegisters
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import PROJECT, SEEDS
from orchestration.warehouse.load import load_raw
from sources.atomic import replace_file
from sources.codes import load_codes
from sources.custody import journal
from sources.custody.home import Home
from sources.layouts import codes_by_column, load_layouts
from sources.registers import load_registers, obligations_in, register_rows

INSTITUTIONS = (
    "institution_code,name_sq,name_en,county_code,seat_county_code,municipality_name,"
    "institution_type,abbreviation"
)
OBLIGATIONS = (
    "institution_code,plan_code,indicator_code,frequency,valid_from,valid_to,recorded_from,"
    "recorded_to,basis"
)
RECORD_OBLIGATIONS = "source,institution_code,frequency,valid_from,valid_to,basis"
ALIASES = "alias,institution_code"
CALENDAR = "month,reporting_deadline,deadline_basis,final_on,final_basis"
PLANS = "plan_code,level,county_code,valid_from,valid_to,name_sq,name_en"
THRESHOLDS = "threshold,value,reason,reason_date"
EDITIONS = "counted_year,edition,cut_off_on,kind,quarter,reason"
SIGNED = "plan_code,indicator_code,reason,signed_by,signed_on"
CODES = "code_list,code,name_sq,name_en,aliases"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    home.registers.mkdir(parents=True)
    return home


def write(home: Home, register: str, *lines: str) -> None:
    (home.registers / f"{register}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_krats_own_rows_are_good_by_what_the_office_is_held_to(home: Home) -> None:
    for name, register in declared().items():
        if not register.kept:
            shutil.copy(SEEDS / f"{name}.csv", home.registers)
    rows, problems = check_registers(SEEDS, home.registers)
    assert problems == []
    for name in declared():
        assert list(rows.values(name)) == list(register_rows(SEEDS, name))


def test_every_column_of_a_register_is_declared() -> None:
    assert {path.stem for path in SEEDS.glob("*.csv")} == declared().keys()
    for name, register in declared().items():
        with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == list(register.types), name
        named = {*register.key, *register.optional, *register.codes, *register.patterns}
        named |= {column for each in register.references for column in each.columns}
        assert named <= register.types.keys(), name


#: Files of the office, each with the place of what is wrong with it, and a part of the sentence.
WRONG: dict[str, tuple[str, list[str], str]] = {
    "an institution without a county": (
        "institutions", [INSTITUTIONS, "AL-01-DVP,Policia,Police,,AL-01,,police,"],
        "institutions.csv:2 county_code: The cell is blank",
    ),
    "a county that there is not": (
        "institutions", [INSTITUTIONS, "AL-13-DVP,Policia,Police,AL-13,AL-01,,police,"],
        "institutions.csv:2 county_code: This is not in the register counties",
    ),
    "a code of another county": (
        "institutions", [INSTITUTIONS, "AL-02-DVP,Policia,Police,AL-01,AL-01,,police,"],
        "institutions.csv:2 institution_code: The code of an institution begins with",
    ),
    "a code that would be a path": (
        "institutions", [INSTITUTIONS, "AL-01-../x,Policia,Police,AL-01,AL-01,,police,"],
        "institutions.csv:2 institution_code: The code does not have the right form",
    ),
    "a municipality of another county": (
        "institutions", [INSTITUTIONS, "AL-01-B,Bashkia,Town,AL-01,AL-01,Fier,municipality,"],
        "institutions.csv:2 municipality_name: The county AL-01 has no municipality",
    ),
    "an obligation without an indicator": (
        "reporting_obligations",
        [OBLIGATIONS, "AL-04-SHISH,PKV-2021-2023,,monthly,2023-01-01,,2023-01-01,,agreed"],
        "reporting_obligations.csv:2 indicator_code: The cell is blank",
    ),
    "an obligation of an unknown indicator": (
        "reporting_obligations",
        [OBLIGATIONS, "AL-04-SHISH,PKV-2021-2023,9.9.9.9,monthly,2023-01-01,,2023-01-01,,agreed"],
        "reporting_obligations.csv:2 indicator_code: This is not in the register",
    ),
    "an obligation that is owed twice": (
        "reporting_obligations",
        [
            OBLIGATIONS,
            "AL-04-SHISH,PKV-2021-2023,2.1.5.2,quarterly,2023-06-01,,2023-06-01,,agreed",
        ],
        "reporting_obligations.csv:2 valid_from: Another row with the same",
    ),
    "an obligation after its plan": (
        "reporting_obligations",
        [OBLIGATIONS, "AL-04-SHISH,PKV-2021-2023,2.1.1.1,monthly,2024-01-01,,2024-01-01,,agreed"],
        "reporting_obligations.csv:2 valid_from: The plan is in force from",
    ),
    "an obligation that ends before it begins": (
        "reporting_obligations",
        [
            OBLIGATIONS,
            "AL-04-SHISH,PKV-2021-2023,2.1.1.1,monthly,2023-06-01,2023-05-31,2023-01-01,,agreed",
        ],
        "reporting_obligations.csv:2 valid_to: The end lies before the beginning",
    ),
    "a frequency that there is not": (
        "record_obligations",
        [RECORD_OBLIGATIONS, "hotline,AL-04-SHISH,weekly,2023-01-01,,agreed"],
        "record_obligations.csv:2 frequency: Write one of: monthly, quarterly",
    ),
    "a day as Excel writes it": (
        "record_obligations",
        [RECORD_OBLIGATIONS, "hotline,AL-04-SHISH,monthly,01.01.2023,,agreed"],
        "record_obligations.csv:2 valid_from: Write a date as 2023-05-31",
    ),
    "one name for two institutions of a county": (
        "institution_aliases", [ALIASES, "Prefektura  FIER,AL-04-SHISH"],
        "institution_aliases.csv:2 alias: This name is written like",
    ),
    "one row twice": (
        "institution_aliases", [ALIASES, "Shërbimi i ri,AL-04-SHISH", "Shërbimi i ri,AL-04-SHISH"],
        "institution_aliases.csv:3: Line 2 has the same alias, institution_code",
    ),
    "a month that begins on another day": (
        "reporting_calendar", [CALENDAR, "2026-01-02,2026-02-10,agreed,2027-03-31,agreed"],
        "reporting_calendar.csv:2 month: A month is written as its first day",
    ),
    "a deadline within its month": (
        "reporting_calendar", [CALENDAR, "2026-01-01,2026-01-31,agreed,2027-03-31,agreed"],
        "reporting_calendar.csv:2 reporting_deadline: The deadline must lie after",
    ),
    "two plans of one day": (
        "plans", [PLANS, "PKV-2023-2025,national,AL,2023-07-01,2025-12-31,Plani,Plan"],
        "plans.csv:2 valid_from: Another row with the same level, county_code",
    ),
    "a plan without a calendar": (
        "plans", [PLANS, "PKV-2026-2028,national,AL,2026-01-01,2028-12-31,Plani,Plan"],
        "plans.csv:2 valid_to: The register reporting_calendar lacks 36 months",
    ),
    "a threshold that krat does not have": (
        "status_thresholds", [THRESHOLDS, "at_risk_roof,0.5,why,2026-01-01"],
        "status_thresholds.csv:2: This register takes no new rows",
    ),
    "a number with a comma": (
        "status_thresholds", [THRESHOLDS, 'at_risk_floor,"0,5",why,2026-01-01'],
        "status_thresholds.csv:2 value: Write a number with a decimal point",
    ),
    "a code of a list that rules depend on": (
        "added_codes", [CODES, "events-2,escaped,u largua,escaped,"],
        "added_codes.csv:2 code_list: Write one of: border_points-1",
    ),
    "a code that is written like another": (
        "added_codes", [CODES, "organisations-1,ojf,OJF,NGO,"],
        "added_codes.csv:2 code: This name is written like",
    ),
    "one name for two added codes": (
        "added_codes",
        [CODES, "border_points-1,first,pika e re,one,", "border_points-1,second,dy,two,Pika e Re"],
        "added_codes.csv:3 code: This name is written like",
    ),
    "a code without a category in the tables of Eurostat": (
        "added_codes", [CODES, "deciding_organisations-1,embassy,ambasada,embassy,"],
        "added_codes.csv:2 code: This code has no category in the international tables: add to "
        "registers/collection_codes.csv the row eurostat,registering_organisation,embassy",
    ),
    "a telephone": (
        "institutions", [INSTITUTIONS, "AL-01-DVP,Policia 067 123 4567,Unit,AL-01,AL-01,,police,"],
        "institutions.csv:2 name_sq: The cell looks like an address, a telephone",
    ),
    "a name that waits": (
        "institutions", [INSTITUTIONS, "AL-01-DVP,PLOTËSONI: Policia,Police,AL-01,AL-01,,police,"],
        "institutions.csv:2 name_sq: This row waits to be filled in",
    ),
    "no such register": ("staff", ["a,b"], "….csv: There is no register of this name"),
    "a register of krat's own": (
        "quality_rules", ["rule,severity", "wrong_county,informs"],
        "quality_rules.csv: This register is krat's own",
    ),
    "other columns": (
        "institution_aliases", ["alias,institution", "Shërbimi,AL-04-SHISH"],
        "institution_aliases.csv: The first line must hold the columns of the register",
    ),
    "a cell too many": (
        "institution_aliases", [ALIASES, "Shërbimi, i ri,AL-04-SHISH"],
        "institution_aliases.csv:2: The line has more cells than the headings",
    ),
    "nothing to take out": (
        "institution_aliases", [f"{ALIASES},withdrawn", "Shërbimi,AL-04-SHISH,yes"],
        "institution_aliases.csv:2: No row of krat has these",
    ),
    "taken out, but still named": (
        "measures",
        [
            f"{','.join(declared()['measures'].types)},withdrawn",
            f"PKV-2021-2023,2.1.9{',' * 8},yes",
        ],
        "measures.csv:2: The register indicators still names the row",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_at_its_place_in_both_languages(case: str, home: Home) -> None:
    register, lines, sentence = WRONG[case]
    write(home, register, *lines)
    done = krat("registers", "check")
    assert done.exit_code == 1
    told = done.output.splitlines()
    assert any(line.startswith(sentence) for line in told), done.output
    document = json.loads(krat("registers", "check", "--json").stdout)
    assert {each["message_sq"] for each in document} <= {line.split(": ", 1)[-1] for line in told}
    assert all(each["message_sq"] != each["message_en"] for each in document)


def test_everything_that_is_wrong_is_told_in_one_run(home: Home) -> None:
    for register, lines, _ in WRONG.values():
        path = home.registers / f"{register}.csv"
        if not path.exists():
            write(home, register, *lines)
        elif lines[0] == path.read_text(encoding="utf-8").splitlines()[0]:
            path.write_text(
                path.read_text(encoding="utf-8") + "\n".join([*lines[1:], ""]), encoding="utf-8"
            )
    told = {
        (each["register"], each["line"])
        for each in json.loads(krat("registers", "check", "--json").stdout)
    }
    assert len(told) > len({register for register, *_ in WRONG.values()}) + 5


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b'alias,institution_code\n"open,AL-04'])
def test_a_file_that_is_no_text_is_told(content: bytes, home: Home) -> None:
    (home.registers / "institution_aliases.csv").write_bytes(content)
    assert "can't be read as CSV in UTF-8" in krat("registers", "check").output


def test_a_file_as_excel_saves_it_is_read(home: Home) -> None:
    (home.registers / "institution_aliases.csv").write_bytes(
        "\ufeffalias;institution_code\r\nShërbimi i ri;AL-04-SHISH\r\n;\r\n".encode()
    )
    assert krat("registers", "check").exit_code == 0
    registers = load_registers(newest_registers(home))
    assert registers.institution_aliases["Shërbimi i ri"] == ("AL-04-SHISH",)


def test_rows_of_the_office_add_win_and_take_out(home: Home) -> None:
    [owed, *_] = obligations_in(SEEDS, date(2023, 5, 1))
    write(
        home, "reporting_obligations", OBLIGATIONS,
        ",".join([*list(owed.values())[:3], "yearly", *list(owed.values())[4:8], "agreed"]),
    )  # fmt: skip
    write(home, "institution_aliases", f"{ALIASES},withdrawn", "DVP Fier,AL-04-POLICIA,yes")
    folder = newest_registers(home)
    before, after = (list(obligations_in(each, date(2023, 5, 1))) for each in (SEEDS, folder))
    assert len(before) == len(after)
    [changed] = [row for row in after if row not in before]
    assert (changed["frequency"], changed["basis"]) == ("yearly", "agreed")
    assert "DVP Fier" not in load_registers(folder).institution_aliases


def test_one_name_means_the_institution_of_the_files_county(home: Home) -> None:
    write(
        home, "institutions", INSTITUTIONS,
        "AL-01-ARSIMI,Zyra e Arsimit,Education,AL-01,AL-01,,education,",
    )  # fmt: skip
    name = "Drejtoria Rajonale e Arsimit Parauniversitar"
    write(home, "institution_aliases", ALIASES, f"{name},AL-01-ARSIMI")
    registers = load_registers(newest_registers(home))
    [layout] = [each for each in load_layouts() if each.id == "krat-raport-1"]
    for county in ("AL-01", "AL-04"):
        own = codes_by_column(layout, registers.in_county(county))
        assert own["institution_code"][name] == f"{county}-ARSIMI"
    # Where no county is known, neither is chosen.
    assert codes_by_column(layout, registers)["institution_code"][name] is None


def test_an_added_code_is_read_and_has_its_name_in_both_languages(home: Home) -> None:
    write(home, "added_codes", CODES, "border_points-1,new_point,pika e re,new point,PKK e re")
    take_registers(home)
    registers = load_registers(registers_in_use(home))
    layout, column = next(
        (layout, column)
        for layout in load_layouts()
        for column in layout.columns
        if "border_points-1" in column.code_lists
    )
    assert layout.codes(column, registers)["pikaere"] == "new_point"
    load_raw(home, date(2023, 6, 1))
    with write_warehouse(home) as connection:
        found = connection.sql(
            "select code_list, version, name_sq, name_en from raw.codes where code = 'new_point'"
        ).fetchall()
    assert found == [("border_points", 1, "pika e re", "new point")]


def test_an_added_code_of_each_list_passes_the_door_and_has_a_name(home: Home) -> None:
    lists = set(declared()["added_codes"].codes["code_list"])
    added = [f"{each},added,i shtuar,added,shtesë" for each in sorted(lists)]
    write(home, "added_codes", CODES, *added)
    collected = "eurostat,registering_organisation,added,other,"
    write(home, "collection_codes", "collection,breakdown,code,category,note", collected)
    take_registers(home)
    registers = load_registers(registers_in_use(home))
    passed = set()
    for layout in load_layouts():
        columns = {
            column.name: set(column.code_lists) & lists
            for column in layout.columns
            if set(column.code_lists) & lists
        }
        for code, is_good in (("added", True), ("a@b.al", False)):
            frame = pd.DataFrame({name: [code] for name in columns})
            failed = {
                check.column
                for check in validate(frame, layout.table, registers)
                if check.rule in ("invalid_frame", "unknown_code") and check.failed_rows
            }
            assert failed == (set() if is_good else set(columns)), layout.id
        passed |= set().union(*columns.values())
    assert passed == lists
    load_raw(home, date(2023, 6, 1))
    with write_warehouse(home) as connection:
        connection.execute("create schema core")
        connection.execute("create view core.dim_codes as from raw.codes")
        named = codes_table(connection).frame
    mine = named[named["code"] == "added"]
    assert set(mine["code_list"]) == {"assistance", "registering_organisation"}
    assert set(mine["name_sq"]) == {"i shtuar"}


def test_the_page_names_each_list_and_whether_it_grows() -> None:
    page = (PROJECT / "docs" / "registers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \| (\w+)", page, re.MULTILINE)
    told = {name: word == "yes" for names, word in rows for name in re.findall(r"`(\w+)`", names)}
    grow = {each.rpartition("-")[0] for each in declared()["added_codes"].codes["code_list"]}
    assert {code.code_list for code in load_codes()} == told.keys()
    assert {name for name, grows in told.items() if grows} == grow


def test_a_broken_register_is_refused_and_the_last_good_one_stays(home: Home) -> None:
    write(home, "institution_aliases", ALIASES, "Shërbimi i ri,AL-04-SHISH")
    good = take_registers(home)
    write(home, "institution_aliases", ALIASES, "Shërbimi i ri,AL-04-SHISHI")
    with pytest.raises(BrokenRegisters):
        take_registers(home)
    assert registers_in_use(home) == good != SEEDS
    refused = krat("refresh", "--month", "2023-05")
    assert refused.exit_code == 1
    checked = krat("registers", "check").output.splitlines()
    problems = [line for line in checked if line.startswith("institution_aliases.csv:2 ")]
    assert len(problems) == 2
    assert [line for line in refused.output.splitlines() if ".csv" in line] == problems
    assert not home.warehouse.exists()
    # What reads registers goes on with the good ones, and says so.
    written = krat("forms", "--county", "AL-04", "--month", "2023-05", "--out", str(home.slips))
    assert written.exit_code == 0
    assert "The last good registers stay in use" in written.output


def test_who_changed_what_is_in_the_journal(home: Home) -> None:
    write(home, "institution_aliases", ALIASES, "Shërbimi i ri,AL-04-SHISH")
    take_registers(home)
    take_registers(home)
    (home.registers / "institution_aliases.csv").unlink()
    assert take_registers(home) == registers_in_use(home) == SEEDS
    one, other = journal.read(home.decisions / "registers.jsonl")
    change = {"register": "institution_aliases", "change": "added", "key": ["AL-04-SHISH"]}
    assert one["changes"] == [change]
    assert other["changes"] == [change | {"change": "gone"}]
    assert one["user"]
    assert one["at"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["AL-13", "--like", "AL-04"], "AL-13 is no county of the register"),
        (["AL-04", "--like", "AL-04"], "AL-04 has institutions in the register already"),
        (["AL-01", "--like", "AL-02"], "AL-02 has no institutions in the register"),
        (["AL-01", "--like", "AL-04", "--from", "2019-01"], "No plan is in force in 2019-01"),
    ],
)
def test_a_county_that_can_not_be_drafted_is_told(
    arguments: list[str], sentence: str, home: Home
) -> None:
    done = krat("county", "add", *arguments)
    assert done.exit_code == 1
    assert sentence in done.output
    assert not any(home.registers.iterdir())


def test_a_draft_that_waits_to_be_filled_in_is_not_written_again(home: Home) -> None:
    assert krat("county", "add", "AL-06", "--like", "AL-04").exit_code == 0
    drafted = {path: path.read_bytes() for path in home.registers.iterdir()}
    done = krat("county", "add", "AL-06", "--like", "AL-04")
    assert done.exit_code == 1
    assert "AL-06 has institutions in the register already" in done.output
    assert {path: path.read_bytes() for path in home.registers.iterdir()} == drafted


JOINED = date(2023, 9, 1)


@pytest.mark.parametrize("written", [1, 2, 3])
def test_a_draft_that_was_broken_off_is_written_to_its_end(
    written: int, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = iter([replace_file] * written)
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.registers.county.replace_file", lambda path: next(files)(path))
        with pytest.raises(StopIteration):
            write_drafts(home.registers, draft_county(SEEDS, "AL-06", "AL-04", JOINED, JOINED))
    assert len(list(home.registers.iterdir())) == written
    write_drafts(home.registers, draft_county(SEEDS, "AL-06", "AL-04", JOINED, JOINED))
    broken_off = {path.name: path.read_bytes() for path in home.registers.iterdir()}
    shutil.rmtree(home.registers)
    home.registers.mkdir()
    write_drafts(home.registers, draft_county(SEEDS, "AL-06", "AL-04", JOINED, JOINED))
    assert broken_off == {path.name: path.read_bytes() for path in home.registers.iterdir()}


def test_twelve_counties_can_be_drafted_from_one(home: Home) -> None:
    counties = {row["county_code"] for row in register_rows(SEEDS, "counties")} - {"AL"}
    for county in sorted(counties - {"AL-04"}):
        assert krat("county", "add", county, "--like", "AL-04").exit_code == 0
    path = home.registers / "institutions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        drafted = list(csv.DictReader(file))
    for row in drafted:
        row |= {name: row[name].replace("PLOTËSONI: ", "") for name in ("name_sq", "name_en")}
        row["seat_county_code"] = row["seat_county_code"] or row["county_code"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(drafted[0]))
        writer.writeheader()
        writer.writerows(drafted)
    assert krat("registers", "check").exit_code == 0, krat("registers", "check").output
    registers = load_registers(newest_registers(home))
    assert set(registers.institutions.values()) == counties | {"AL"}
    owing = {row["institution_code"] for row in obligations_in(newest_registers(home), MAY)}
    assert {registers.institutions[code] for code in owing} == counties


MAY = date(2023, 5, 1)

GUIDES = read_recipes((PROJECT / "docs" / "registers.md").read_text(encoding="utf-8"), "Guides")


@dataclass(frozen=True)
class Guided:
    """The folder in which a guide was followed, what its last commands printed, what it changed."""

    folder: Path
    printed: str
    changed: set[str]


def shipped_files() -> dict[str, int]:
    """Return when each file that krat ships was last written."""
    listed = run(PROJECT, f"git -c safe.directory={PROJECT} ls-files")
    return {name: (PROJECT / name).stat().st_mtime_ns for name in listed.splitlines()}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Guided:
    """Follow the guide by which a county joins, word by word, outside of the project's folder."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    before = shipped_files()
    blocks: list[Block] = GUIDES["A county joins"]
    printed = ""
    for block in blocks:
        if block.action == "asked":
            printed = run(folder, block.text, status=1)
        elif block.action == "shows":
            assert set(block.text.splitlines()) <= set(printed.splitlines()), printed
        elif block.action == "prove":
            printed = run(folder, block.text)
        else:
            follow(block, folder)
    changed = {name for name, written in shipped_files().items() if before.get(name) != written}
    return Guided(folder, printed, changed)


def test_the_guide_takes_a_county_to_its_first_release(joined: Guided) -> None:
    forms = [path.stem for path in (joined.folder / "data" / "forms").iterdir()]
    records = [name for name in forms if "hotline" in name or "referral" in name]
    assert (len(forms) - len(records), len(records)) == (16, 5)
    release = joined.folder / "data" / "releases" / "restricted" / "AL-01" / "2023-05" / "r1"
    assert (release / "datapackage.json").is_file()
    lines = [line.split() for line in joined.printed.splitlines()]
    assert ["AL", "4", "1", "12"] in lines
    assert ["AL-01", "4", "–", "–"] in lines
    # It owes nothing of the months before it joined.
    assert lines[-2:] == [["1", "1"], ["1", "0"]]


def test_the_guide_changes_no_file_that_krat_ships(joined: Guided) -> None:
    assert joined.changed == set()


def test_a_set_that_lacks_a_register_of_a_newer_krat_is_not_in_use(home: Home) -> None:
    write(home, "added_codes", CODES, "organisations-1,red_cross,Kryqi i Kuq,Red Cross,")
    in_use = take_registers(home)
    (in_use / "edition_calendar.csv").unlink()
    assert registers_in_use(home) == SEEDS


@pytest.mark.parametrize(
    ("register", "lines", "told"),
    [
        (
            "edition_calendar",
            [
                "counted_year,edition,cut_off_on,kind,quarter,reason",
                "2023,6,2025-03-31,extra,,late",
            ],
            "edition_calendar.csv:2 cut_off_on: Edition 5 of this year is cut off on 2025-03-31",
        ),
        (
            "edition_calendar",
            [
                "counted_year,edition,cut_off_on,kind,quarter,reason",
                "2023,6,2025-06-30,extra,2,late",
            ],
            "edition_calendar.csv:2 quarter: The quarter is written for an edition of the kind",
        ),
        (
            "public_counts",
            [SIGNED, "PKV-2021-2023,2.1.9.1,few,ZKKA,2026-01-05"],
            "public_counts.csv:2 indicator_code: This indicator counts persons at risk",
        ),
    ],
)
def test_what_editions_rest_on_is_checked(
    home: Home, register: str, lines: list[str], told: str
) -> None:
    write(home, register, *lines)
    done = CliRunner().invoke(cli, ["registers", "check"])
    assert done.exit_code == 1
    assert told in done.stderr


def test_the_data_officer_signs_for_a_count_of_other_persons(home: Home) -> None:
    write(
        home,
        "public_counts",
        SIGNED,
        "PKV-2021-2023,2.2.1.1,lawyers are named by their chamber,ZKKA,2026-01-05",
    )
    assert CliRunner().invoke(cli, ["registers", "check"]).exit_code == 0
