"""The life of a finding: found, sent, answered, waived, mended; corrections with their guard."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from conftest import MAY
from test_gate_roads import write_report

from expectations.gate import GateRefused, follows, read_record
from orchestration.cli import cli
from orchestration.feedback.status import list_statuses, list_statuses_as_of
from orchestration.gate.judge import judge
from orchestration.publication.restricted import release
from orchestration.reading_copy.copy import write_reading_copy
from orchestration.refresh.steps import refresh
from orchestration.runtime.clock import today
from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.build import build_warehouse
from orchestration.warehouse.load import load_raw
from sources.custody.decisions import (
    NotDecided,
    answer,
    corrections,
    finding_decisions,
    standing_waivers,
    waive,
    withdraw_waiver,
)
from sources.custody.home import Home
from sources.custody.journal import BrokenJournal
from sources.registers import load_registers

NEXT_YEAR = f"{today().year + 1}-01"
WHO = ["--by", "KRAT Fier", "--reason", "the office was closed by the flood"]


@pytest.fixture
def home(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("KRAT_HOME", str(own_home.root))
    monkeypatch.setenv("KRAT_KEYS", str(own_home.keys))
    return own_home


def krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def finding_of(home: Home, rule: str, institution: str) -> str:
    [(found,)] = rows(
        home.marts,
        f"select finding_id from quality.findings where rule = '{rule}' "
        f"and institution_code = '{institution}' and reporting_month = '2023-05-01' "
        "order by indicator_code, finding_id limit 1",
    )
    return str(found)


def test_a_finding_is_sent_answered_and_waived_with_dates_and_the_waiver_stands_in_the_release(
    home: Home,
) -> None:
    waived = finding_of(home, "missing_report", "AL-04-B-PATOS")
    answered = finding_of(home, "sources_disagree", "AL-04-POLICIA")
    sent = finding_of(home, "value_not_reported", "AL-04-SHENDETI")
    assert krat("slips", "--county", "AL-04", "--month", "2023-05").exit_code == 0
    assert krat("findings", "answer", answered[:8], *WHO).exit_code == 0
    assert krat("findings", "waive", waived[:8], "--until", NEXT_YEAR, *WHO).exit_code == 0
    corrected = krat(
        "correct", "--institution", "AL-04-SHSSH", "--month", "2023-05",
        "--indicator", "2.1.18.1", "--was", "1", "--is", "4", *WHO,
    )  # fmt: skip
    assert corrected.exit_code == 0, corrected.output
    outcome = refresh(home, [MAY])
    assert not outcome.blocked
    lives = {
        row[0]: row[1:]
        for row in rows(
            home.marts,
            "select finding_id, state, sent_at is not null, answered_at is not null, "
            "waived_by, mended_at from quality.findings",
        )
    }
    assert lives[sent] == ("sent", True, False, None, None)
    assert lives[answered] == ("answered", True, True, None, None)
    assert lives[waived] == ("waived", True, False, "KRAT Fier", None)

    made = {release.path.parent.parent.name: release.path for release in outcome.releases}
    for county in ("AL", "AL-04"):
        beside = rows(
            made[county] / "mart.duckdb",
            "select kind, indicator_code, decided_by, reason, reported, corrected from remarks "
            "order by all",
        )
        assert ("waiver", "3.1.1.2", "KRAT Fier", WHO[-1], None, None) in beside
        assert ("correction", "2.1.18.1", "KRAT Fier", WHO[-1], "1", "4") in beside
        assert rows(
            made[county] / "mart.duckdb",
            "select waivers, corrections from indicator_progress "
            "where indicator_code in ('2.1.18.1', '3.1.1.2') order by indicator_code",
        ) == [(0, 1), (1, 0)]
    gate = json.loads((made["AL-04"] / "gate.json").read_text(encoding="utf-8"))
    assert [waiver["finding_id"] for waiver in gate["waivers"]] == [waived]

    assert rows(
        home.marts,
        "select value, correction_id is not null, superseded_at is null from core.fct_actuals "
        "where institution_code = 'AL-04-SHSSH' and indicator_code = '2.1.18.1' "
        "and reporting_month = '2023-05-01' and category = 'total' order by received_at",
    ) == [(1.0, False, False), (4.0, True, True)]
    told = krat("status", "--month", "2023-05").output
    assert "AL-04-B-PATOS" in told
    assert "waived" in told
    assert krat("findings", "list", "--state", "waived").output.startswith(waived[:8])


def test_a_correction_whose_source_was_repaired_blocks_until_it_is_withdrawn_or_waived(
    home: Home,
) -> None:
    made = krat(
        "correct", "--institution", "AL-04-SHSSH", "--month", "2023-05",
        "--indicator", "2.1.18.1", "--was", "1", "--is", "4", *WHO,
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    write_report(home, "2023-05", 4, 1688200000, "repaired")
    blocked = krat("refresh", "--month", "2023-05", "--county", "AL-04")
    assert blocked.exit_code == 1
    assert "correction_without_ground (1, mended by committee)" in blocked.output
    check = krat("corrections", "check")
    assert check.exit_code == 1
    assert "expects the report to say 1, but it says 4" in check.output
    folder = home.releases / "restricted" / "AL-04" / "2023-05"
    assert [path.name for path in folder.glob("r*")] == ["r1"]
    record = read_record(home, "AL-04", MAY)
    assert record is not None
    assert follows(record)

    finding = finding_of(home, "correction_without_ground", "AL-04-SHSSH")
    assert krat("findings", "waive", finding, "--until", NEXT_YEAR, *WHO).exit_code == 0
    outcome = refresh(home, [MAY], "AL-04")
    assert [made.number for made in outcome.releases] == [2]
    withdraw_waiver(home, finding, "KRAT Fier", "it was a mistake", today())
    with pytest.raises(GateRefused, match="lapsed or was withdrawn"):
        release(home, "AL-04", MAY)

    [row] = corrections(home).to_pylist()
    assert krat("corrections", "withdraw", row["correction_id"], *WHO).exit_code == 0
    assert not refresh(home, [MAY], "AL-04").blocked
    [(state, mended)] = rows(
        home.marts,
        f"select state, mended_at is not null from quality.findings where finding_id = '{finding}'",
    )
    assert (state, mended) == ("mended", True)


def test_ids_of_findings_depend_on_the_place_and_not_on_the_words(home: Home) -> None:
    """A rule's sentence may be improved, and decisions on its findings still hold."""
    sql = (Path(__file__).parents[1] / "dbt_project/models/core/fct_findings.sql").read_text()
    place = sql.split("as place")[0].rsplit("concat_ws(", 1)[1]
    assert "message" not in place
    assert rows(home.marts, "select count(*) = count(distinct finding_id) from quality.findings")


def test_an_unfit_decision_is_refused_in_a_line(home: Home) -> None:
    finding = finding_of(home, "missing_report", "AL-04-B-PATOS")
    for reason in ("", "call 069 123 4567", "write to x@y.al", "person I12345678A", "x" * 301):
        with pytest.raises(NotDecided):
            answer(home, finding, "KRAT Fier", reason)
    with pytest.raises(NotDecided, match="lapsed already"):
        waive(home, finding, "KRAT Fier", "late", date(2023, 12, 31), today())
    with pytest.raises(NotDecided, match="no waiver"):
        withdraw_waiver(home, finding, "KRAT Fier", "late", today())
    assert finding_decisions(home).num_rows == 0
    wrong = krat(
        "correct", "--institution", "AL-04-SHSSH", "--month", "2023-05",
        "--indicator", "2.1.18.1", "--was", "2", "--is", "4", *WHO,
    )  # fmt: skip
    assert isinstance(wrong.exception, NotDecided)
    assert "the report says 1, not 2" in str(wrong.exception)


def test_a_waiver_lapses_and_a_changed_journal_is_noticed(home: Home) -> None:
    finding = finding_of(home, "missing_report", "AL-04-B-PATOS")
    waive(home, finding, "KRAT Fier", "closed", date(2023, 12, 31), date(2023, 6, 20))
    assert standing_waivers(home, date(2023, 12, 31)) == {finding}
    assert standing_waivers(home, date(2024, 1, 1)) == set()
    path = home.decisions / "findings.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("2023-12-31", "2033-12-31"))
    with pytest.raises(BrokenJournal):
        standing_waivers(home, date(2024, 1, 1))


def test_who_owed_what_as_of_a_day_is_the_same_after_the_register_was_edited(home: Home) -> None:
    day = date(2023, 6, 12)
    before = list_statuses_as_of(home, MAY, day, "AL-04")
    assert sum(row.expected for row in before) == 17
    assert {row.institution_code for row in before if not row.received} == {
        "AL-04-B-DIVJAKE", "AL-04-B-LUSHNJE", "AL-04-B-PATOS",
    }  # fmt: skip
    with write_warehouse(home) as connection:
        connection.execute("delete from ops.built")
    load_raw(home, today())
    with write_warehouse(home) as connection:
        connection.execute(
            "update raw.noted_obligations set recorded_to = '2023-07-01' "
            "where institution_code = 'AL-04-B-PATOS'"
        )
        for table, changed in (
            ("raw.noted_obligations", ", date '2023-07-01' as recorded_from, null as recorded_to"),
            ("core.dim_institutions", ""),
        ):
            connection.execute(
                f"insert into {table} by name "
                f"select * replace ('AL-04-NEW' as institution_code{changed}) from {table} "
                "where institution_code = 'AL-04-B-FIER'"
            )
    build_warehouse(home)
    judge(home, [], load_registers(SEEDS))
    write_reading_copy(home)
    assert list_statuses_as_of(home, MAY, day, "AL-04") == before
    after = list_statuses_as_of(home, MAY, date(2023, 7, 1), "AL-04")
    assert {row.institution_code for row in after if row.expected} == (
        {row.institution_code for row in before if row.expected} - {"AL-04-B-PATOS"}
    ) | {"AL-04-NEW"}


def test_a_waiver_counts_on_the_days_on_which_it_was_known_and_held(home: Home) -> None:
    waived, now, until = "AL-04-B-PATOS", today(), today() + timedelta(days=30)

    def told(day: date) -> tuple[int, int]:
        [row] = [
            row
            for row in list_statuses_as_of(home, MAY, day, "AL-04")
            if row.institution_code == waived
        ]
        return row.open_findings, row.waived_findings

    finding = finding_of(home, "missing_report", waived)
    waive(home, finding, "KRAT Fier", "flood", until, now)
    days = (now - timedelta(days=1), now, until, until + timedelta(days=1))
    assert [told(day) for day in days] == [(1, 0), (0, 1), (0, 1), (1, 0)]
    withdraw_waiver(home, finding, "KRAT Fier", "the water is gone", now)
    assert told(now) == (1, 0)


def test_the_mart_of_status_tells_what_can_be_said_today(home: Home) -> None:
    now = {row.institution_code: row for row in list_statuses(home, MAY, "AL-04")}
    again = {row.institution_code: row for row in list_statuses_as_of(home, MAY, today(), "AL-04")}
    for code, row in now.items():
        told, counted = vars(row) | {"trend": None}, vars(again[code])
        assert told == counted
    assert now["AL-04-B-LUSHNJE"].days_late == 9
    assert now["AL-04-B-DIVJAKE"].trend == "worsening"
    assert now["AL-04-B-FIER"].trend == "steady"


def test_a_reminder_goes_only_to_who_has_not_reported_and_is_no_finding_sent(home: Home) -> None:
    told = krat("reminders", "--county", "AL-04", "--month", "2023-05", "--as-of", "2023-06-08")
    assert told.output.startswith("Wrote 2 reminders")
    folder = home.slips / "AL-04" / "2023-05" / "reminders"
    text = (folder / "AL-04-B-PATOS.txt").read_text(encoding="utf-8")
    assert "afati është 10.06.2023" in text
    assert "3.1.1.2" in text
    assert finding_decisions(home).num_rows == 0
