"""What was known when, what changed between releases and why, and when a month is closed."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from conftest import MAY, Refreshed

from orchestration.cli import cli
from orchestration.gate.judge import Scope, judge
from orchestration.products.declaration import Product, Tier, declared_columns, product
from orchestration.products.tables import ProductTable, table_of
from orchestration.products.tree import facts_of
from orchestration.publication import restricted
from orchestration.publication.changes import Before, WhyChanged, reasons_since
from orchestration.publication.finality import MonthIsFinal
from orchestration.publication.public import release_public
from orchestration.publication.restricted import release
from orchestration.publication.writing.release import ReleaseContent, write_release
from orchestration.reading_copy.vintages import write_marts_as_known
from orchestration.refresh.plan import due
from orchestration.registers.in_use import take_registers
from orchestration.runtime.database import read_warehouse, write_warehouse
from orchestration.runtime.settings import SEEDS
from orchestration.warehouse.load import load_raw
from sources.custody.decisions import reopen
from sources.custody.home import Home
from sources.registers import load_registers

FIRST_DAY = date(2023, 6, 12)


def test_every_mart_can_be_had_as_it_was_known_on_a_day(own_home: Home, tmp_path: Path) -> None:
    """On 18 June 2023 the directorate of education sent May again: 61 in the place of 63.

    On the 19th Lushnja's report came, late.
    """
    known = {}
    for day in (date(2023, 6, 12), date(2023, 7, 1)):
        folder = tmp_path / str(day)
        assert write_marts_as_known(own_home, day, folder) == folder / "marts.duckdb"
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
            numbers = connection.execute(
                "select actual_month from marts.indicator_progress where county_code = 'AL-04' "
                "and reporting_month = '2023-05-01' and indicator_code = '3.1.12.1'"
            ).fetchall()
            received = connection.execute(
                "select sum(received) from marts.reporting_completeness "
                "where county_code = 'AL-04' and reporting_month = '2023-05-01'"
            ).fetchall()
            editions = connection.execute("select edition from editions.editions").fetchall()
            later = connection.execute(
                "select max(received_at)::date <= ? from core.fct_submissions", [day]
            ).fetchall()
        known[day] = (numbers, received, later, editions)
    assert known == {
        date(2023, 6, 12): ([(63,)], [(14,)], [(True,)], [(1,)]),
        date(2023, 7, 1): ([(61,)], [(15,)], [(True,)], [(1,)]),
    }
    assert not list(own_home.root.glob(".as-known-*"))


def test_facts_tell_what_was_known_of_a_value_on_a_day(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for day, value in (("2023-06-05", None), ("2023-06-12", 63), ("2023-07-01", 61)):
        rows = marts.execute(
            "select value from core.actuals_as_known(?) where institution_code = 'AL-04-ARSIMI' "
            "and reporting_month = '2023-05-01' and indicator_code = '3.1.12.1'",
            [day],
        ).fetchall()
        assert rows == ([] if value is None else [(value,)])


def test_the_size_of_revisions_is_a_mart(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select indicator_code, first_value, latest_value, revisions, late_revisions, "
        "corrected_revisions, revision, round(relative_revision, 2) from marts.revisions "
        "where county_code = 'AL-04' and reporting_month = '2023-05-01' and revisions > 0 "
        "order by 1"
    ).fetchall()
    assert rows == [
        ("3.1.1.2", 291, 386, 1, 1, 0, 95, 0.33),
        ("3.1.12.1", 63, 61, 1, 0, 1, -2, -0.03),
    ]


COLUMNS = (
    declared_columns()["county_code"],
    declared_columns()["reporting_month"],
    declared_columns()["indicator_code"],
    replace(declared_columns()["value"], type="DOUBLE", unit="persons", when_empty="not_reported"),
)
COUNTS = Product(
    name="counts",
    title_sq="Numra",
    title_en="Counts",
    row_sq="një rresht",
    row_en="a row",
    key=("county_code", "reporting_month", "indicator_code"),
    columns=COLUMNS,
    model="marts.counts",
)


def contents(value: float | None, day: date, county_code: str = "AL-04") -> ReleaseContent:
    """Return what a release holds that has one number of May 2023."""
    frame = pd.DataFrame(
        {
            "county_code": [county_code],
            "reporting_month": pd.to_datetime(["2023-05-01"]),
            "indicator_code": ["2.1.9.1"],
            "value": pd.array([value], dtype="Float64"),
        }
    )
    table = ProductTable(COUNTS, COLUMNS, frame)
    return ReleaseContent(
        tier=Tier.RESTRICTED,
        county_code=county_code,
        month=MAY,
        released_on=day,
        final_on=date(2023, 9, 1),
        tables=(table,),
        registers=(),
        content_hash=f"{value}",
        gate={},
        sources=(),
        facts={},
        is_made_up=True,
        observations=table_of(product("observations")),
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "keys")


def test_a_month_goes_from_provisional_to_final_on_its_day(home: Home) -> None:
    first = write_release(home, contents(5, FIRST_DAY))
    assert facts_of(first.path)["status"] == "provisional"
    assert facts_of(first.path)["final_on"] == "2023-09-01"
    assert not write_release(home, contents(5, date(2023, 8, 31))).is_new
    second = write_release(home, contents(5, date(2023, 9, 1)))
    assert second.is_new
    assert facts_of(second.path)["status"] == "final"
    assert not write_release(home, contents(5, date(2023, 9, 2))).is_new


def test_a_month_first_published_late_stays_open_for_two_months(home: Home) -> None:
    late = date(2024, 5, 1)
    first = write_release(home, contents(5, late))
    assert facts_of(first.path)["status"] == "provisional"
    assert facts_of(first.path)["final_on"] == "2024-06-30"
    closed = write_release(home, contents(5, late + timedelta(days=60)))
    assert facts_of(closed.path)["status"] == "final"


def test_a_final_month_reopens_once_and_only_with_a_reason(home: Home) -> None:
    write_release(home, contents(5, FIRST_DAY))
    write_release(home, contents(5, date(2023, 9, 1)))
    with pytest.raises(MonthIsFinal, match="krat reopen --county AL-04 --month 2023-05"):
        write_release(home, contents(7, date(2023, 9, 2)))
    with pytest.raises(ValueError, match="blank"):
        reopen(home, "AL-04", MAY, "KRAT Fier", " ")
    reopen(home, "AL-04", MAY, "KRAT Fier", "a register was found in the archive")
    reopened = write_release(home, contents(7, date(2023, 9, 2)))
    assert (reopened.number, reopened.is_new) == (3, True)
    facts = facts_of(reopened.path)
    assert facts["status"] == "final"
    assert facts["reopened"]["reason"] == "a register was found in the archive"
    changes = (reopened.path / "CHANGES.md").read_text(encoding="utf-8")
    assert "Reopened: a register was found in the archive (KRAT Fier)." in changes
    with pytest.raises(MonthIsFinal):
        write_release(home, contents(8, date(2023, 9, 3)))


def test_a_whole_number_is_the_same_beside_a_missing_one(home: Home) -> None:
    def whole(content_hash: str, *values: int | None) -> ReleaseContent:
        first = contents(5, FIRST_DAY)
        [table] = first.tables
        frame = pd.DataFrame(
            {
                "county_code": "AL-04",
                "reporting_month": pd.Timestamp(MAY),
                "indicator_code": ["2.1.9.1", "2.1.6.1"][: len(values)],
                "value": values,
            }
        )
        columns = (*table.columns[:-1], replace(table.columns[-1], type="BIGINT"))
        table = replace(table, columns=columns, frame=frame)
        return replace(first, tables=(table,), content_hash=content_hash)

    write_release(home, whole("one", 5))
    second = write_release(home, whole("two", 5, None))
    changes = (second.path / "CHANGES.md").read_text(encoding="utf-8")
    assert "| (rresht / row) |" in changes
    assert "| value |" not in changes


def test_what_reopens_a_county_reopens_the_nation(home: Home) -> None:
    for day in (FIRST_DAY, date(2023, 9, 1)):
        write_release(home, contents(5, day, "AL"))
    reopen(home, "AL-04", MAY, "KRAT Fier", "a late register")
    assert write_release(home, contents(7, date(2023, 9, 2), "AL")).number == 3


def test_words_alone_do_not_open_a_final_month(home: Home) -> None:
    write_release(home, contents(5, FIRST_DAY))
    write_release(home, contents(5, date(2023, 9, 1)))
    waived = replace(contents(5, date(2023, 9, 2)), content_hash="another")
    waived.tables[0].frame["waivers"] = 1
    assert not write_release(home, waived).is_new


def test_a_month_that_is_not_final_is_not_reopened(refreshed: Refreshed) -> None:
    environment = {"KRAT_HOME": str(refreshed.home.root), "KRAT_KEYS": str(refreshed.home.keys)}
    arguments = ["reopen", "--county", "AL-04", "--month", "2023-05", "--by", "x", "--reason", "y"]
    result = CliRunner().invoke(cli, arguments, env=environment)
    assert result.exit_code == 1
    assert "is not final" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "change", "relative"),
    [(5, 7, 2, 0.4), (0, 7, 7, None), (None, 7, None, None), (7, None, None, None)],
)
def test_a_restated_value_stands_with_its_size(
    old: float | None, new: float | None, change: float | None, relative: float | None, home: Home
) -> None:
    write_release(home, contents(old, FIRST_DAY))
    second = write_release(home, contents(new, FIRST_DAY))
    restated = pd.read_parquet(second.path / "changes.parquet").astype(object)
    row = restated.where(restated.notna(), None).iloc[0]
    assert len(restated) == 1
    assert (row["value_before"], row["value_after"]) == (old, new)
    assert (row["change"], row["relative_change"], row["reason"]) == (
        change,
        relative,
        "unexplained",
    )


def _why(
    refreshed: Refreshed,
    missing: str,
    changed: list[str],
    tmp_path: Path,
    county_code: str = "AL-04",
    before: date = MAY,
    refused: str = "",
) -> WhyChanged:
    """Return the reasons since a release that lacked the deliveries chosen by a condition.

    Those chosen by `refused` were refused, then and now.
    """
    source = refreshed.home.releases / "restricted" / county_code / "2023-05" / "r1"
    sources = pd.read_csv(source / "sources.csv", dtype=str, keep_default_na=False)
    if refused:
        assert len(sources.query(refused))
        sources.loc[sources.query(refused).index, "status"] = "refused"
    sources.query(f"not ({missing})").to_csv(tmp_path / "sources.csv", index=False)
    with read_warehouse(refreshed.home) as connection:
        rows = list(sources.itertuples(index=False, name=None))
        return reasons_since(connection, Before(tmp_path, before), rows, county_code, MAY, changed)


@pytest.mark.parametrize(
    ("missing", "changed", "reason"),
    [
        ("institution_code == 'AL-04-B-LUSHNJE'", [], "late_report"),
        ("institution_code == 'AL-04-ARSIMI' and version == '2'", [], "correction"),
        ("institution_code == 'nobody'", ["definition"], "definition"),
        ("institution_code == 'nobody'", ["registers"], "registers"),
        ("institution_code == 'nobody'", ["registers", "definition"], "definition+registers"),
        ("institution_code == 'AL-04-B-LUSHNJE'", ["definition"], "late_report"),
        ("institution_code == 'nobody'", [], "unexplained"),
    ],
)
def test_the_reason_of_a_change_is_derived_from_what_is_new(
    missing: str, changed: list[str], reason: str, refreshed: Refreshed, tmp_path: Path
) -> None:
    why = _why(refreshed, missing, changed, tmp_path)
    of_all = "+".join(sorted(changed)) or "unexplained"
    assert why("hotline_activity", {"channel": "app"}, "contacts") == of_all
    institution = {"institution_code": "AL-04-SHISH"}
    assert why("reporting_completeness", institution, "received") == of_all
    touched = {"late_report": "3.1.1.2"}.get(reason, "3.1.12.1")
    assert why("indicator_progress", {"indicator_code": touched}, "actual_year_to_date") == reason
    # A target is never changed by what is reported.
    assert why("indicator_progress", {"indicator_code": touched}, "target_value") == of_all


def test_only_what_is_counted_from_persons_is_changed_by_linkage(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    why = _why(refreshed, "institution_code == 'nobody'", ["linked"], tmp_path)
    assert why("referral_flow", {}, "identified") == "linked"
    row = {"indicator_code": "3.1.12.1"}
    assert why("indicator_progress", row, "actual_month") == "unexplained"


def test_a_log_that_came_later_changes_the_hotline_alone(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    why = _why(refreshed, "source == 'hotline'", [], tmp_path)
    assert why("hotline_activity", {"channel": "app"}, "contacts") == "late_report"
    assert why("referral_flow", {}, "identified") == "unexplained"


def test_what_other_sources_state_changes_when_they_come(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    why = _why(refreshed, "source == 'sivet'", [], tmp_path)
    row = {"indicator_code": "2.1.9.1"}
    assert why("indicator_progress", row, "official_value") == "late_report"
    assert why("indicator_progress", row, "actual_year_to_date_least") == "late_report"
    assert why("indicator_progress", {"indicator_code": "3.1.1.2"}, "official_value") == (
        "unexplained"
    )
    pair = {"frequency": "monthly", "first_source": "submission", "second_source": "sivet"}
    assert why("source_comparison", row | pair, "second_value") == "late_report"
    beside = pair | {"second_source": "referral_records"}
    assert why("source_comparison", row | beside, "difference") == "unexplained"


def test_a_correction_is_the_reason_of_what_it_changed_alone(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    why = _why(refreshed, "institution_code == 'AL-04-ARSIMI' and version == '2'", [], tmp_path)
    with read_warehouse(refreshed.home) as connection:
        same = connection.execute(
            "select min(indicator_code) from (select indicator_code, category, "
            "count(distinct (value, value_state)) as values, count(*) as versions "
            "from core.fct_actuals where institution_code = 'AL-04-ARSIMI' "
            "and reporting_month = ? group by all) group by indicator_code "
            "having max(values) = 1 and min(versions) = 2",
            [MAY],
        ).fetchall()
    assert same != [(None,)]
    for measure in ("actual_month", "actual_year_to_date"):
        assert why("indicator_progress", {"indicator_code": "3.1.12.1"}, measure) == "correction"
        assert why("indicator_progress", {"indicator_code": same[0][0]}, measure) == "unexplained"


def test_a_county_joins_the_nation_with_its_first_numbers_and_not_with_later_ones(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    late = _why(refreshed, "institution_code == 'AL-04-SHSSH'", [], tmp_path, "AL")
    for measure in ("actual_month", "actual_year_to_date"):
        row = {"indicator_code": "2.1.18.1"}
        assert late("indicator_progress", row, measure) == "late_report"
    nothing = _why(refreshed, "source != 'sivet'", [], tmp_path, "AL")
    assert nothing("indicator_progress", row, "actual_month") == "county_joined"
    # What is reported by quarters comes first in March.
    quarter = _why(refreshed, "source == 'none'", [], tmp_path, "AL", date(2023, 2, 1))
    assert quarter("indicator_progress", {"indicator_code": "3.1.11.1"}, "actual_cumulative") == (
        "new_month"
    )


def test_a_file_that_was_refused_changes_nothing(refreshed: Refreshed, tmp_path: Path) -> None:
    logs = "source == 'hotline'"
    why = _why(refreshed, "source == 'none'", [], tmp_path, refused=logs)
    assert why("hotline_activity", {"channel": "app"}, "contacts") == "unexplained"


def _as_of(home: Home, day: date) -> None:
    """Let the warehouse be of another day, as a refresh of that day leaves it."""
    with write_warehouse(home) as connection:
        connection.execute("update raw.refresh_context set as_of = ?", [day])


def _publish(home: Home) -> list[Path]:
    """Publish Fier's May to both tiers, as a refresh does; return the new releases."""
    restricted = release(home, "AL-04", MAY)
    public = release_public(home, "AL-04", MAY)
    return [one.path for one in (restricted, public) if one.is_new]


def test_a_final_month_is_reopened_by_command_and_its_release_tells_what_changed_and_why(
    own_home: Home,
) -> None:
    environment = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}

    def reopening(*more: str) -> Result:
        arguments = ["reopen", "--county", "AL-04", "--month", "2023-05", "--by", "KRAT Fier"]
        return CliRunner().invoke(cli, [*arguments, *more], env=environment)

    first = facts_of(own_home.releases / "public" / "AL-04" / "2023-05" / "r1")
    assert first["status"] == "provisional"
    closing = date.fromisoformat(first["final_on"])
    _as_of(own_home, closing - timedelta(days=1))
    assert due(own_home) == []
    _as_of(own_home, closing)
    assert due(own_home) == [Scope("AL", MAY), Scope("AL-04", MAY)]
    assert due(own_home, ["AL-04"]) == [Scope("AL-04", MAY)]
    closed = _publish(own_home)
    assert [path.name for path in closed] == ["r2", "r2"]
    assert {facts_of(path)["status"] for path in closed} == {"final"}
    assert due(own_home, ["AL-04"]) == []

    with write_warehouse(own_home) as connection:
        connection.execute(
            "update marts.indicator_progress set actual_month = actual_month + 4, corrections = 1 "
            "where county_code = 'AL-04' and reporting_month = ? and indicator_code = '3.1.1.1'",
            [MAY],
        )
        connection.execute(
            "insert into marts.remarks by name select 'AL-04' as county_code, ? as reporting_month,"
            " 'PKV-2021-2023' as plan_code, '3.1.1.1' as indicator_code, 'correction' as kind, "
            "'c1' as remark_id, "
            "? as about_month, 'KRAT Fier' as decided_by, 'seven sessions' as reason, "
            "true as is_made_up",
            [MAY, MAY],
        )
    judge(own_home, [Scope("AL-04", MAY)], load_registers(SEEDS))
    with pytest.raises(MonthIsFinal, match="krat reopen"):
        _publish(own_home)
    with pytest.raises(MonthIsFinal, match="krat reopen"):
        release_public(own_home, "AL-04", MAY)

    assert reopening().exit_code == 2
    assert "--reason" in reopening().stderr
    assert reopening("--reason", "  ").exit_code == 1
    with pytest.raises(MonthIsFinal):
        _publish(own_home)
    done = reopening("--reason", "7 seanca u gjetën në arkiv")
    assert done.exit_code == 0, done.output
    restricted, public = _publish(own_home)
    assert (restricted.name, public.name) == ("r3", "r3")
    for folder in (restricted, public):
        assert facts_of(folder)["status"] == "final"
        restated = pd.read_parquet(folder / "changes.parquet")
        rows = restated[["mart_row", "measure", "value_before", "value_after", "reason"]]
        assert ("PKV-2021-2023/3.1.1.1", "actual_month", 1, 5, "correction") in set(
            rows.itertuples(index=False, name=None)
        )
    changes = (restricted / "CHANGES.md").read_text(encoding="utf-8")
    assert "Reopened: 7 seanca u gjetën në arkiv (KRAT Fier)." in changes
    # What people write may hold more than is public: the public tier tells the day.
    changes = (public / "CHANGES.md").read_text(encoding="utf-8")
    assert "Reopened: më / on " in changes
    assert "arkiv" not in changes
    assert "reason" not in facts_of(public)["reopened"]


def test_a_changed_register_is_told_from_a_changed_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    model = tmp_path / "models" / "core" / "a.sql"
    alias = home.registers / "institution_aliases.csv"
    model.parent.mkdir(parents=True)
    alias.parent.mkdir(parents=True)
    model.write_text("1", encoding="utf-8")
    monkeypatch.setattr(restricted, "DBT_PROJECT", tmp_path)
    monkeypatch.setattr(restricted, "_linkage_hash", lambda *_: "")

    def now() -> dict[str, str]:
        restricted.project_hash.cache_clear()
        take_registers(home)
        load_raw(home, MAY)
        with write_warehouse(home) as connection:
            return restricted.hashes(connection, "AL-04", MAY)

    before = now()
    for file, text, changed in (
        (alias, "alias,institution_code\nNjësi e re,AL-04-SHISH\n", "registers"),
        (model, "2", "definition"),
    ):
        file.write_text(text, encoding="utf-8")
        assert {name for name, value in now().items() if value != before[name]} == {changed}
        before = now()
    restricted.project_hash.cache_clear()
