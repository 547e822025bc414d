"""The made-up year: the same bytes each time, plausible sizes, every planned mistake in place."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from python_calamine import CalamineError, CalamineWorkbook

from sources.example import generate
from sources.example.counties import FIER, PLANNED_MISTAKES
from sources.example.generate import MADE_UP, write_example

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
TRACKED = ("2.1.9.1", "2.1.18.1", "2.1.6.1", "3.1.2.1")
MISTAKE = {mistake.kind: mistake for mistake in PLANNED_MISTAKES}
OF_REPORT = {(mistake.institution_code, mistake.month): mistake for mistake in PLANNED_MISTAKES}
Row = dict[str, object]


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inbox = tmp_path_factory.mktemp("example") / "inbox"
    write_example(inbox, SEEDS)
    return inbox


def _table(path: Path) -> list[list[object]]:
    if path.suffix == ".csv":
        text = path.read_text(encoding="utf-8")
        delimiter = ";" if path.parent.name == FIER.code else ","
        return [list(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    return [list(row) for row in sheet.to_python()]


def _records(path: Path) -> list[Row]:
    headings, *rows = _table(path)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def _report(path: Path) -> list[Row]:
    """The rows of a report, each with the head's fields."""
    if path.suffix == ".csv":
        return _records(path)
    table = _table(path)
    head = {str(row[0]): row[1] for row in table[:5]}
    return [{**head, **dict(zip(map(str, table[5]), row, strict=True))} for row in table[6:]]


def _report_of(inbox: Path, kind: str, end: str = "") -> list[Row]:
    mistake = MISTAKE[kind]
    [path] = (inbox / FIER.code).glob(f"{mistake.institution_code}_{mistake.month}{end}.*")
    return _report(path)


def _arrival(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _reports(inbox: Path) -> list[Path]:
    return sorted((inbox / FIER.code).glob("AL-04-*"))


def _contacts(inbox: Path) -> list[Row]:
    return [
        row for path in sorted((inbox / FIER.code).glob("linja_*.csv")) for row in _records(path)
    ]


def _events(inbox: Path) -> list[Row]:
    """The events of each case, from the last file that holds the case.

    A case counts under its county-wide number, which the second layout calls the former one.
    """
    cases: dict[object, list[Row]] = {}
    for path in sorted((inbox / FIER.code).glob("referime_*")):
        sent: dict[object, list[Row]] = defaultdict(list)
        for row in _records(path):
            case = row.get("Nr. i mëparshëm i rastit", row["Nr. rastit"])
            sent[case].append({**row, "rasti": case})
        for case, rows in sent.items():
            assert len(rows) >= len(cases.get(case, [])), "a later file holds the whole history"
        cases.update(sent)
    return [row for rows in cases.values() for row in rows]


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def test_the_same_seeds_give_the_same_bytes_and_times(inbox: Path, tmp_path: Path) -> None:
    def prints(root: Path) -> dict[str, tuple[str, float]]:
        return {
            str(path.relative_to(root)): (
                hashlib.sha256(path.read_bytes()).hexdigest(),
                path.stat().st_mtime,
            )
            for path in root.rglob("*")
            if path.is_file()
        }

    written = write_example(tmp_path / "again", SEEDS)
    assert written == sorted(written)
    assert len(written) == len(prints(tmp_path / "again"))
    assert prints(tmp_path / "again") == prints(inbox)


def test_the_year_has_plausible_sizes(inbox: Path) -> None:
    reports = _reports(inbox)
    missing = sum(mistake.kind == "missing" for mistake in PLANNED_MISTAKES)
    twice = sum(mistake.kind in ("corrected", "duplicate") for mistake in PLANNED_MISTAKES)
    assert len({path.name.split("_")[0] for path in reports}) == 17
    assert len(reports) == 17 * 12 - missing + twice
    assert {path.suffix for path in reports} == {".xlsx", ".csv"}

    contacts = _contacts(inbox)
    assert 560 <= len(contacts) <= 640
    assert {row["Kanali"] for row in contacts} == {"phone_116006", "app"}
    assert len({row["Nr. kontaktit"] for row in contacts}) == len(contacts)
    events = _events(inbox)
    assert len({row["rasti"] for row in events}) == 60
    # Each institution numbers its own cases: the same number stands for several.
    own = {(row.get("Institucioni"), row["Nr. rastit"]) for row in events}
    assert len(own) == 60
    assert len({number for _, number in own}) < 60
    layouts = Counter(
        str(_records(path)[0]["Formulari"])
        for pattern in ("referime_*", "linja_*")
        for path in (inbox / FIER.code).glob(pattern)
    )
    assert layouts["krat-referim-1"] == 1
    assert layouts["krat-linja-1"] == 3
    assert layouts["krat-linja-2"] == 9
    assert layouts["krat-referim-2"] >= 9
    assert layouts["krat-referim-3"] >= 4

    published = inbox / "AL" / generate.PUBLISHED_FIGURES.name
    headings, *rows = generate.PUBLISHED_FIGURES.read_text(encoding="utf-8").splitlines()
    marked = [f"{headings},data", *(f"{row},{MADE_UP}" for row in rows)]
    assert published.read_text(encoding="utf-8").splitlines() == marked
    assert _arrival(published) == datetime(2023, 7, 1, tzinfo=UTC)


def test_every_file_says_that_it_is_made_up(inbox: Path) -> None:
    for path in (inbox / FIER.code).iterdir():
        if "Ky skedar" in path.read_bytes().decode(errors="ignore"):
            assert MADE_UP in path.read_text(encoding="utf-8")
        elif path.name.startswith("AL-04-"):
            assert {row["Të dhënat"] for row in _report(path)} == {MADE_UP}
        else:
            assert {row["Të dhënat"] for row in _records(path)} == {MADE_UP}
    [published] = (inbox / "AL").iterdir()
    assert {row["data"] for row in _records(published)} == {MADE_UP}


def test_what_identifies_is_plainly_invented(inbox: Path) -> None:
    for row in _events(inbox) + _contacts(inbox):
        for column in (
            "Emri", "Atësia", "Mbiemri", "Numri i telefonit", "Adresa", "E-mail", "Shënime",
        ):  # fmt: skip
            assert "TRILLUAR" in str(row.get(column, "TRILLUAR"))
        assert str(row.get("Numri personal", "Z000")).startswith("Z000")


def test_histories_run_forward_and_repeats_point_back(inbox: Path) -> None:
    last_day: dict[object, date] = {}
    events = _events(inbox)
    for event in events:
        day = _day(event["Data"])
        assert date(2023, 1, 1) <= last_day.get(event["rasti"], day) <= day
        assert day <= date(2023, 12, 31)
        last_day[event["rasti"]] = day
    months = {_day(event["Data"]).month for event in events}
    assert months == set(range(1, 13))
    identified = Counter(
        event["rasti"] for event in events if event["Ngjarja"] == "initially_identified"
    )
    assert set(identified.values()) == {1}

    seen: dict[object, object] = {}
    for contact in _contacts(inbox):
        earlier = contact["Përsëritje e"] or contact.get("Dyfishim i")
        if earlier:
            assert seen[earlier] == contact["Nr. rastit"]
        seen[contact["Nr. kontaktit"]] = contact["Nr. rastit"]
    from_hotline = {
        event["rasti"] for event in events if event["Kanali i identifikimit"] in ("hotline", "app")
    }
    assert from_hotline <= set(seen.values())


def _counts_of_records(inbox: Path) -> dict[tuple[str, str], int]:
    counts: Counter[tuple[str, str]] = Counter()
    for event in _events(inbox):
        if event["Ngjarja"] != "initially_identified":
            continue
        month = f"{_day(event['Data']):%Y-%m}"
        counts["2.1.9.1", month] += 1
        counts["2.1.18.1", month] += event["Kanali i identifikimit"] == "mobile_unit"
        counts["2.1.6.1", month] += (
            event["Kanali i identifikimit"] == "border" and event["Grupmosha"] == "0-17"
        )
    first_month: dict[object, str] = {}
    for contact in sorted(_contacts(inbox), key=lambda row: str(row["Marrë më"])):
        if contact["Qëllimi"] == "case_report" and contact["Rezultati"] != "duplicate_of":
            first_month.setdefault(contact["Nr. rastit"], str(contact["Marrë më"])[:7])
    for month in first_month.values():
        counts["3.1.2.1", month] += 1
    return counts


def test_reports_agree_with_the_records_except_where_planned(inbox: Path) -> None:
    counts = _counts_of_records(inbox)
    compared, differing = set(), set()
    for path in _reports(inbox):
        mistake = OF_REPORT.get((path.name.split("_")[0], path.stem.split("_")[1]))
        if mistake and mistake.kind in ("unreadable", "wrong_month"):
            continue
        for row in _report(path):
            code, month = str(row["Kodi i treguesit"]), str(row["Muaji"])
            if code in TRACKED and not row["Ndarja"]:
                compared.add((code, month))
                if int(float(str(row["Vlera"]))) != counts.get((code, month), 0):
                    differing.add((code, month))
    assert len(compared) == 4 * 12
    assert differing == {
        (mistake.indicator_code, mistake.month)
        for mistake in PLANNED_MISTAKES
        if mistake.kind == "disagrees"
    }


def test_a_partition_adds_up_except_where_planned(inbox: Path) -> None:
    with (SEEDS / "breakdown_categories.csv").open(encoding="utf-8", newline="") as seed:
        partitions = {
            row["indicator_code"]
            for row in csv.DictReader(seed)
            if row["breakdown_kind"] == "partition"
        }
    off = set()
    for path in _reports(inbox):
        mistake = OF_REPORT.get((path.name.split("_")[0], path.stem.split("_")[1]))
        if mistake and mistake.kind == "unreadable":
            continue
        totals: Counter[str] = Counter()
        parts: Counter[str] = Counter()
        for row in _report(path):
            value = int(float(str(row["Vlera"] or 0)))
            assert value >= 0
            (parts if row["Ndarja"] else totals)[str(row["Kodi i treguesit"])] += value
        off |= {
            (path.name.split("_")[0], path.stem.split("_")[1], code)
            for code in partitions & set(parts)
            if parts[code] != totals[code]
        }
    planned = MISTAKE["breakdown"]
    assert off == {(planned.institution_code, planned.month, planned.indicator_code)}


def test_every_planned_mistake_is_there(inbox: Path) -> None:
    assert len(OF_REPORT) == len(PLANNED_MISTAKES), "one mistake a report"
    kinds = Counter(mistake.kind for mistake in PLANNED_MISTAKES)
    assert (kinds["missing"], kinds["late"], kinds["corrected"]) == (2, 3, 2)
    assert all(mistake.why.endswith(".") for mistake in PLANNED_MISTAKES)

    with (SEEDS / "reporting_obligations.csv").open(encoding="utf-8", newline="") as seed:
        institutions = {row["institution_code"] for row in csv.DictReader(seed)}
    for institution in {code for code in institutions if code.startswith(f"{FIER.code}-")}:
        for month in range(1, 13):
            name = f"2023-{month:02d}"
            mistake = OF_REPORT.get((institution, name))
            kind = mistake.kind if mistake else ""
            deadline = datetime(2023 + month // 12, month % 12 + 1, 11, tzinfo=UTC)
            files = sorted((inbox / FIER.code).glob(f"{institution}_{name}*"), key=_arrival)
            expected = {"missing": 0, "corrected": 2, "duplicate": 2}.get(kind, 1)
            assert len(files) == expected
            if files:
                assert (_arrival(files[0]) >= deadline) == (kind == "late")
                ended = datetime(2023 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
                assert (_arrival(files[0]) < ended) == (kind == "early")
            if kind == "corrected":
                assert files[1].stem.endswith("_v2")
                assert files[0].read_bytes() != files[1].read_bytes()
            if kind == "duplicate":
                assert files[0].read_bytes() == files[1].read_bytes()

    unreadable = MISTAKE["unreadable"]
    [path] = (inbox / FIER.code).glob(f"{unreadable.institution_code}_{unreadable.month}*")
    with pytest.raises(CalamineError):
        CalamineWorkbook.from_path(str(path))
    assert "9.9.9.9" in {row["Kodi i treguesit"] for row in _report_of(inbox, "wrong_code")}
    assert {row["Muaji"] for row in _report_of(inbox, "wrong_month")} == {"2024-05"}
    assert any(row["Vlera"] == row["Gjendja"] == "" for row in _report_of(inbox, "blank"))
    assert {(float(str(row["Vlera"])), row["Gjendja"]) for row in _report_of(inbox, "zero")} == {
        (0.0, "zero")
    }
    for kind, state in (
        ("unknown", "nuk dihet"),
        ("not_applicable", "nuk zbatohet"),
        ("refused", "refuzuar"),
    ):
        assert any(row["Gjendja"] == state for row in _report_of(inbox, kind))


def test_breakdowns_may_still_be_missing(tmp_path: Path) -> None:
    for name in ("plans.csv", "reporting_obligations.csv", "indicators.csv"):
        (tmp_path / name).write_bytes((SEEDS / name).read_bytes())
    # Without breakdowns the planned breakdown has no row to strike, and all else stands.
    written = write_example(tmp_path / "inbox", tmp_path)
    rows = [row for path in written if "POLICIA_2023-10" in path.name for row in _report(path)]
    assert rows
    assert not any(row["Ndarja"] for row in rows)
