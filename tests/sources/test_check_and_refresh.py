"""What a check says about a file, and what a refresh says about it, is the same."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import accepted
import duckdb
import hostile
import pytest
from defects.planting import build_from_inbox, spoil_reports
from defects.records import RECORD_KINDS, spoil_records
from deliveries import delivery_of

from orchestration.feedback.checking import Answer, Checker
from orchestration.ingestion.door import take_in
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from orchestration.warehouse.known import OF_OTHER_FILES
from sources.custody.home import Home
from sources.example.generate import write_example
from sources.registers import is_due, load_registers, obligations_in

#: A finding as it is compared: rule, sheet, cell and sentence.
Found = tuple[str, str | None, str | None, str]

#: What is found in how a file arrived, not in the file.
OF_ARRIVAL = ("sender_unknown", "order_inferred", "duplicate_delivery")

#: Drawn files of each layout.
OF_EACH = 4

#: Seeds of what is made; most take too long for every run.
YEARS = ["0", *(pytest.param(str(seed), marks=pytest.mark.drill) for seed in range(1, 6))]

#: Rules that compare records with those of earlier files.
OF_EARLIER_RECORDS = (
    "contact_differs_from_last_file", "sex_differs_from_last_file", "age_differs_from_last_file",
    "duplicate_of_another_kind", "flagged_before_contact", "repeat_in_another_case",
)  # fmt: skip

HEADINGS = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja"


def _told(answer: Answer) -> Counter[Found]:
    return Counter(
        (found.rule, found.sheet, found.cell, found.message_sq) for _, found in answer.problems
    )


def _send(home: Home, county: str, name: str, content: bytes) -> None:
    path = home.inbox / county / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    now = datetime.now(UTC).timestamp() - 2
    os.utime(path, (now, now))


@pytest.mark.slow
def test_the_door_says_the_same_of_any_file(tmp_path: Path) -> None:
    registers = load_registers(SEEDS)
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    sent = {file.content: file.county_code for file in accepted.files(3, 41)}
    sent |= {content: "AL-04" for _, content in hostile.corpus()}
    for number, (content, county) in enumerate(sent.items()):
        _send(home, county, f"{number:03d}", content)
    take_in(home, registers)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select delivery_id, rule, sheet, cell, message_sq from read_parquet(?)",
            [str(home.raw / "door_findings" / "*.parquet")],
        ).fetchall()
    found: dict[str, Counter[Found]] = {}
    for delivery, *each in rows:
        if each[0] in OF_ARRIVAL:
            continue
        found.setdefault(delivery, Counter())[tuple(each)] += 1
    by_county: dict[str, list[bytes]] = {}
    for content, county in sent.items():
        by_county.setdefault(county, []).append(content)
    refused = 0
    for county, contents in by_county.items():
        with Checker(registers, SEEDS, county_code=county) as checker:
            for content in contents:
                answer = checker.check_content(content)
                door = Counter(
                    (each.rule, each.sheet, each.cell, each.message_sq)
                    for each in answer.reading.problems
                )
                assert door == found.get(delivery_of(home, content, county), Counter())
                refused += answer.verdict == "refused"
    assert refused
    assert refused < len(sent)


def _reports() -> Iterator[bytes]:
    """Yield a report of each institution of Fier, each of another month, with something wrong.

    No two meet: what one would change in what is found of another is not asked here.
    """
    months = [date(2023, month, 1) for month in range(1, 13)]
    institutions = sorted(
        code for code, county in load_registers(SEEDS).institutions.items() if county == "AL-04"
    )
    for position, (institution, month) in enumerate(zip(institutions, months, strict=False)):
        owed = {
            row["institution_code"]: [] for row in obligations_in(SEEDS, month)
        }  # fmt: skip
        for row in obligations_in(SEEDS, month):
            if is_due(row, month):
                owed[row["institution_code"]].append(row["indicator_code"])
        # Each third has the form of the institution after it, and another leaves most out.
        sender = institutions[(position + 1) % len(institutions)] if position % 3 == 0 else None
        codes = sorted(set(owed.get(sender or institution, [])))
        codes = codes[:1] if position % 3 == 1 else codes
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";")
        writer.writerow(HEADINGS.split(";"))
        head = ["krat-raport-1", "AL-04", institution, f"{month:%Y-%m}", "SHEMBULL - TË TRILLUARA"]
        values = ["disa", "97", "", "0", "12"]
        for number, code in enumerate(codes):
            writer.writerow([*head, code, "", values[(number + position) % len(values)], ""])
        if codes:
            yield text.getvalue().encode()


def test_the_warehouse_says_the_same_of_a_report(own_home: Home) -> None:
    registers = load_registers(SEEDS)
    contents = list(_reports())
    assert len(contents) > 8
    with Checker(registers, SEEDS, own_home, "AL-04") as checker:
        told = {content: _told(checker.check_content(content)) for content in contents}
    for number, content in enumerate(contents):
        _send(own_home, "AL-04", f"again-{number}.csv", content)
    build_from_inbox(own_home)
    compared: Counter[str] = Counter()
    with read_warehouse(own_home) as connection:
        for content, expected in told.items():
            rows = connection.execute(
                "select rule, sheet, cell, message_sq from intermediate.int_rendered_findings "
                "where delivery_id = ? and rule not in "
                "(select rule from intermediate.int_source_rules union "
                "select rule from intermediate.int_area_rules union "
                "select rule from intermediate.int_nation_rules union "
                "select rule from intermediate.int_value_rules__parts union "
                "select rule from intermediate.int_value_rules__elsewhere)",
                [delivery_of(own_home, content)],
            ).fetchall()
            assert Counter(tuple(row) for row in rows) == expected
            compared += expected
    rules = {rule for rule, *_ in compared}
    assert {
        "earlier_values_lost", "correction_drops_values", "value_not_reported", "report_changed",
    } <= rules  # fmt: skip


#: Models of rules that need other counties or other sources than a file and its institution.
OF_OTHERS = ("int_area_rules", "int_nation_rules", "int_source_rules")

#: What is told once for all files of a month.
OF_MONTH = "made_up_set_aside"


def _odd_year(home: Home, seed: str) -> list[Path]:
    """Fill the inbox of Fier with a year full of mistakes; return its files.

    Of the first year, which is in every run, only some are left.
    """
    write_example(home.inbox, SEEDS, mistakes=(), variant=seed)
    spoil_records(home, seed, Counter(dict.fromkeys(RECORD_KINDS, 1)))
    spoil_reports(home, seed)
    paths = sorted(
        (home.inbox / "AL-04").iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name)
    )
    left = paths[::5] if seed == YEARS[0] else paths
    for path in set(paths) - set(left):
        path.unlink()
    return left


def _drawn(home: Home, seed: str) -> list[Path]:
    """Put files of every layout, which the door accepts, into the inbox of Fier; return them."""
    drawn = accepted.files(OF_EACH, int(seed), ["AL-04"])
    paths = [home.inbox / "AL-04" / f"{number}.csv" for number in range(len(drawn))]
    for path, file in zip(paths, drawn, strict=True):
        _send(home, "AL-04", path.name, file.content)
    return paths


def _found(home: Home) -> dict[str, set[Found]]:
    """Return by delivery what the door and the last build found in it.

    What needs more than a file and what is known of its institution is left out.
    """
    others = " union ".join(f"select rule from intermediate.{model}" for model in OF_OTHERS)
    with read_warehouse(home) as connection:
        rows = connection.execute(
            "with found as materialized (from intermediate.int_rendered_findings) "
            "select delivery_id, rule, sheet, cell, message_sq from raw.door_findings union all "
            "select delivery_id, rule, sheet, cell, message_sq from found "
            "where delivery_id is not null and rule not in "
            f"(select rule from intermediate.int_door_findings union {others}) union all "
            "select d.delivery_id, f.rule, f.sheet, f.cell, f.message_sq from found as f "
            "inner join raw.deliveries as d using (county_code, reporting_month) "
            "where f.rule = ? and d.is_made_up",
            [OF_MONTH],
        ).fetchall()
    found: dict[str, set[Found]] = {}
    for delivery, *each in rows:
        if each[0] not in (*OF_OTHER_FILES, *OF_ARRIVAL):
            found.setdefault(delivery, set()).add(tuple(each))
    return found


def _differing(
    home: Home, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, str, str], list[Found]]:
    """Check files, and refresh with them; return what only one of the two tells.

    They come one after the other, within minutes of a day. It is by the name of the file, who tells
    it, and the rule.
    """
    noon = datetime.combine(date.today() - timedelta(days=1), time(12), UTC)
    for number, path in enumerate(reversed(paths)):
        at = noon.timestamp() - number
        os.utime(path, (at, at))
    monkeypatch.setattr("orchestration.feedback.checking._now", lambda: noon.replace(tzinfo=None))
    with Checker(load_registers(SEEDS), SEEDS, home, "AL-04") as checker:
        answers = dict(zip([path.name for path in paths], checker.check_all(paths), strict=True))
    build_from_inbox(home)
    found = _found(home)
    differing: dict[tuple[str, str, str], list[Found]] = {}
    for name, each in answers.items():
        for answer in each:
            told = set(_told(answer))
            kept = found.get(delivery_of(home, answer.content), set())
            for who, only in (("check", told - kept), ("refresh", kept - told)):
                for one in only:
                    differing.setdefault((name, who, one[0]), []).append(one)
    return differing


@pytest.mark.slow
@pytest.mark.parametrize("fill", [_odd_year, _drawn])
@pytest.mark.parametrize("seed", YEARS)
def test_odd_files_are_told_the_same_where_nothing_was_refreshed(
    seed: str,
    fill: Callable[[Home, str], list[Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    prepare_process(home)
    assert _differing(home, fill(home, seed), monkeypatch) == {}


@pytest.mark.parametrize("seed", YEARS)
def test_odd_files_are_told_the_same_beside_what_is_known(
    seed: str, own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_warehouse(own_home) as connection:
        stored = connection.execute("select list(delivery_id) from raw.deliveries").fetchall()[0][0]
    paths = []
    for path in _odd_year(own_home, seed):
        if delivery_of(own_home, path.read_bytes()) in stored:
            path.unlink()
        else:
            paths.append(path)
    differing = _differing(own_home, paths, monkeypatch)
    assert {place for place in differing if place[2] not in OF_EARLIER_RECORDS} == set()
