"""What a figure rests on: a county's, the nation's, one that is blocked or isn't there."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import MAY, Prepare, Refreshed, copy_home
from planted import write_report

from orchestration.cli import cli
from orchestration.feedback.explain import Explanation, explain
from orchestration.feedback.explanation_page import page
from orchestration.feedback.references import explain_reference
from orchestration.products.codes import labels
from orchestration.reading_copy.ask import reading
from orchestration.refresh.steps import refresh
from orchestration.runtime.loaded import forget_files
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.example.generate import write_example

APRIL = date(2023, 4, 1)
JULY = datetime(2023, 7, 3, 9, tzinfo=UTC)

#: What scripts may rely on: the keys of the document, those of a list's entries after a point.
SCHEMA = {
    "": "county_code county_sq county_en reporting_month plan_code indicator_code indicator_sq "
    "indicator_en unit series is_made_up publication figures completeness values_due "
    "is_lower_bound official activity counties parts "
    "years_before owed_from missing missing_sources sources findings target changes",
    "series": "series_code earlier break_reason_sq break_reason_en",
    "publication": "state release_number status released_on blocked_by",
    "figures": "span value least most is_lower_bound",
    "official": "source name_sq name_en value",
    "activity": "status since change_on_last_year values_compared",
    "counties": "county_code name_sq name_en month year_to_date cumulative completeness "
    "is_lower_bound nothing_came open_findings",
    "parts": "institution_code name_sq name_en reporting_month frequency value value_state "
    "is_counted is_corrected delivery version sheet cells",
    "years_before": "year value values_due values_received is_published",
    "missing": "institution_code name_sq name_en reporting_month has_report value value_state "
    "reporting_deadline is_deadline_past",
    "missing_sources": "source name_sq name_en months",
    "sources": "reporting_month frequency first_source first_sq first_en first_value "
    "second_source second_sq second_en second_value_least second_value difference "
    "is_contradiction reason_sq reason_en official_source",
    "findings": "finding rule severity state institution_code reporting_month delivery sheet cell "
    "message_sq message_en",
    "target": "value nation_value baseline basis basis_evidence direction status progress_annual "
    "progress_cumulative readings",
    "target.readings": "reading actual_least actual actual_most expected_value status_least "
    "status_most",
    "changes": "compared compared_with measure value_before value_after reasons",
}


def krat(home: Home, *arguments: str) -> Result:
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
    return CliRunner().invoke(cli, ["explain", *arguments], env=environment)


def _ask(home: Home, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with reading(home) as connection:
        return connection.execute(query, parameters).fetchall()


def _keys(document: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the keys of a document and of each object in it, by the object's place."""
    found = {prefix: " ".join(document)}
    for name, value in document.items():
        below = value[:1] if isinstance(value, list) else [value]
        for one in below:
            if isinstance(one, dict):
                found |= _keys(one, f"{prefix}.{name}".lstrip("."))
    return found


def test_the_json_is_one_document_with_keys_to_rely_on(refreshed: Refreshed) -> None:
    found: dict[str, str] = {}
    for county, indicator in (("AL", "2.1.9.1"), ("AL-04", "2.1.9.1"), ("AL-04", "3.1.1.2")):
        done = krat(refreshed.home, county, "2023-05", indicator, "--json")
        assert done.exit_code == 0, done.output
        found |= _keys(json.loads(done.stdout))
    # The home has one release: nothing changed yet.
    assert found == {place: keys for place, keys in SCHEMA.items() if place != "changes"}


def test_the_parts_add_up_to_every_figure_of_the_county(
    refreshed: Refreshed,
) -> None:
    rows = _ask(
        refreshed.home,
        "select indicator_code, actual_month, actual_year_to_date, target_basis "
        "from marts.indicator_progress inner join core.dim_indicators "
        "using (plan_code, indicator_code) "
        "where county_code = 'AL-04' and reporting_month = ?",
        [MAY],
    )
    checked = 0
    for code, month, year_to_date, basis in rows:
        shown = explain(refreshed.home, "AL-04", MAY, code)
        counted = [part for part in shown.parts if part.is_counted]
        in_month = [part.value or 0 for part in counted if part.reporting_month == MAY]
        assert (sum(in_month) if in_month else None) == month, code
        if basis not in ("level", "milestone") and year_to_date is not None:
            assert sum(part.value or 0 for part in counted) == year_to_date, code
            checked += 1
    assert len(rows) == 66
    assert checked > 10


def test_a_page_shows_who_reported_in_which_file_and_cell_and_who_did_not(
    refreshed: Refreshed,
) -> None:
    done = krat(refreshed.home, "AL-04", "2023-05", "3.1.1.2", "--english")
    assert done.exit_code == 0, done.output
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("Indicator 3.1.1.2: ")
    assert "month: 386 (not all values came)" in lines
    [bound] = [line for line in lines if line.startswith("A lower bound")]
    assert bound.startswith("A lower bound (month, year to date, cumulative (since the plan began)")
    deliveries = _ask(
        refreshed.home,
        "select delivery_id, version, sheet, cell, value from core.fct_actuals "
        "where county_code = 'AL-04' and indicator_code = '3.1.1.2' and reporting_month = ? "
        "and superseded_at is null and category = 'total' and institution_code = 'AL-04-B-FIER'",
        [MAY],
    )
    [(delivery, version, sheet, cell, value)] = deliveries
    assert (
        f"2023-05: {value:.0f} (file {delivery[:8]}, version {version}; {sheet}, {cell})" in lines
    )
    missing = lines[lines.index("WHAT IS MISSING") : lines.index("WHAT OTHER SOURCES GIVE")]
    assert [line for line in missing if "2023-05" not in line][1:-1] == [
        "Municipality of Divjakë (AL-04-B-DIVJAKE)",
        "Municipality of Patos (AL-04-B-PATOS)",
    ]
    assert missing.count("2023-05: no report (the deadline was 2023-06-10)") == 2
    found = lines[lines.index("FINDINGS") : lines.index("TARGET")]
    assert any("QUESTION, open, AL-04-B-PATOS, 2023-05: The report has not" in it for it in found)
    assert any("mended, AL-04-B-LUSHNJE" in it for it in found)


def test_a_blank_cell_is_missing_though_the_report_came(refreshed: Refreshed) -> None:
    shown = explain(refreshed.home, "AL-04", MAY, "2.2.5.1")
    [value] = [one for one in shown.missing if one.reporting_month == MAY]
    assert (value.has_report, value.value_state) == (True, "not_reported")
    assert "05.2023: raporti nuk jep numër: nuk u raportua" in page(shown, "sq")


def test_a_value_of_some_parts_is_shown_as_such_and_not_as_no_number(own_home: Home) -> None:
    # The mart has 2 of a blank total with one part; 0 of another month is no "zero" either.
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute(
            "update core.fct_figure_parts set is_received = false, value = 2, value_state = "
            "'number' where county_code = 'AL-04' and indicator_code = '3.1.2.1' "
            "and reporting_month = ?",
            [MAY],
        )
    shown = explain(own_home, "AL-04", MAY, "3.1.2.1")
    [value] = [one for one in shown.missing if one.reporting_month == MAY]
    assert (value.has_report, value.value) == (True, 2)
    assert "2023-05: the report gives a part only: 2" in page(shown, "en")
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute(
            "update core.fct_figure_parts set value = null, value_state = 'zero' "
            "where county_code = 'AL-04' and indicator_code = '3.1.2.1' and reporting_month = ?",
            [MAY],
        )
    empty = page(explain(own_home, "AL-04", MAY, "3.1.2.1"), "en")
    assert "2023-05: the report gives no number: not reported" in empty


def test_what_the_official_source_states_and_what_is_done_stand_beside_the_figure(
    refreshed: Refreshed,
) -> None:
    [(value, status, since)] = _ask(
        refreshed.home,
        "select official_value, activity_status, activity_since from marts.indicator_progress "
        "where county_code = 'AL-04' and reporting_month = ? and indicator_code = '2.1.9.1'",
        [MAY],
    )
    shown = explain(refreshed.home, "AL-04", MAY, "2.1.9.1")
    assert shown.official is not None
    assert (shown.official.source, shown.official.value) == ("sivet", value)
    assert (shown.activity.status, shown.activity.since) == (status, since)
    text = page(shown, "en")
    assert f"The official source (SIVET), year to date: {value:.0f}" in text
    assert f"Activity: active (since {since:%Y-%m})" in text
    assert explain(refreshed.home, "AL-04", MAY, "3.1.12.1").official is None


def test_only_the_figures_that_lack_something_are_called_lower_bounds(
    refreshed: Refreshed,
) -> None:
    county = explain(refreshed.home, "AL-04", MAY, "2.1.9.1")
    # Earlier years of the plan were never reported; this one is whole.
    assert {one.span: one.is_lower_bound for one in county.figures} == {
        "month": False, "year_to_date": False, "cumulative": True,
    }  # fmt: skip
    assert "A lower bound (cumulative (since the plan began))" in page(county, "en")
    assert county.completeness == 1
    nation = page(explain(refreshed.home, "AL", MAY, "2.1.9.1"), "en")
    [fier] = [line for line in nation.splitlines() if line.startswith("  Fier (AL-04)")]
    assert "not all values came" not in fier
    assert "Year 2021: 159 (a published figure)" in nation


def test_other_sources_that_lack_months_are_named_with_their_months(own_home: Home) -> None:
    assert not explain(own_home, "AL-04", MAY, "2.1.6.1").missing_sources
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute(
            "update core.fct_record_counts set is_lower_bound = true where county_code = 'AL-04' "
            "and indicator_code = '2.1.6.1' and reporting_month = ?",
            [APRIL],
        )
        connection.execute(
            "delete from main.source_comparison where county_code = 'AL-04' "
            "and indicator_code = '2.1.6.1' and reporting_month = ? "
            "and 'sivet' in (first_source, second_source)",
            [APRIL],
        )
    shown = explain(own_home, "AL-04", MAY, "2.1.6.1")
    assert {one.source: one.months for one in shown.missing_sources} == {
        "referral_records": (APRIL,),
        "sivet": (APRIL,),
    }
    assert "Data are missing from SIVET: 2023-04" in page(shown, "en")


def test_findings_that_do_not_touch_the_figure_are_left_out(own_home: Home) -> None:
    planted = (
        ("missing_records", None, None),
        ("unknown_indicator", None, 7),
        ("missing_report", None, None),
    )
    with duckdb.connect(str(own_home.marts)) as connection:
        names = [row[0] for row in connection.execute("describe quality.findings").fetchall()]
        [one] = connection.execute("select * from quality.findings limit 1").fetchall()
        for number, (rule, delivery, row) in enumerate(planted):
            values = dict(zip(names, one, strict=True)) | {
                "finding_id": f"planted{number}", "rule": rule, "county_code": "AL-04",
                "institution_code": "AL-04-POLICIA", "reporting_month": MAY,
                "indicator_code": None, "delivery_id": delivery, "row_number": row,
            }  # fmt: skip
            marks = ", ".join("?" * len(values))
            connection.execute(
                f"insert into quality.findings ({', '.join(values)}) values ({marks})",
                list(values.values()),
            )

    def rules() -> set[str]:
        shown = explain(own_home, "AL-04", MAY, "2.1.9.1")
        return {one.rule for one in shown.findings if one.finding.startswith("planted")}

    # The value came, and so did all records: only what is about the report touches it.
    assert rules() == {"missing_report"}
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute("update core.fct_figure_parts set is_received = false")
        connection.execute("update core.fct_record_counts set is_lower_bound = true")
    assert rules() == {rule for rule, _, _ in planted}


def test_of_a_county_that_owes_nothing_this_is_what_is_shown(refreshed: Refreshed) -> None:
    shown = explain(refreshed.home, "AL-11", MAY, "2.1.9.1")
    assert shown.values_due == 0
    assert "No value of this indicator was due in 2023 so far." in page(shown, "en")
    assert "was due in 2023" not in page(explain(refreshed.home, "AL-04", MAY, "2.1.9.1"), "en")


def test_sources_that_disagree_are_named_with_the_official_one(refreshed: Refreshed) -> None:
    lines = krat(refreshed.home, "AL-04", "2023-05", "2.1.9.1", "--english").stdout
    assert (
        "2023-05: the institution's report 6, SIVET 4: they DISAGREE "
        "(the reason is not known; official source: SIVET)" in lines
    )
    assert "2023-05: the referral records 5, SIVET 4: they agree" in lines
    assert "In the earlier months of the year the sources agree in 12 comparisons." in lines
    assert "QUESTION, open, AL-04-POLICIA, 2023-05: Indicator 2.1.9.1" in lines


def test_the_nation_is_shown_by_county_and_by_both_readings_of_its_target(
    refreshed: Refreshed,
) -> None:
    shown = explain(refreshed.home, "AL", date(2022, 12, 1), "2.1.9.1")
    assert shown.target.value == 170
    readings = shown.target.readings
    assert {one.reading: (one.actual, one.status_least, one.status_most) for one in readings} == {
        "annual": (112, "off_track", "off_track"),
        "cumulative": (271, "achieved", "achieved"),
    }
    assert shown.target.status == "ambiguous"
    text = page(shown, "en")
    assert "annual: 112 (170 needed by now) – off track" in text
    assert "cumulative: 271 (170 needed by now) – achieved" in text
    published = [part for part in shown.parts if part.frequency == "year"]
    assert [(part.reporting_month.year, part.value) for part in published] == [
        (2021, 159),
        (2022, 112),
    ]
    assert "Of 12 counties nothing came" in text
    may = explain(refreshed.home, "AL", MAY, "2.1.18.1")
    came = [one for one in may.counties if not one.nothing_came]
    assert [(one.county_code, one.month) for one in came] == [("AL-04", 1)]
    assert len(may.counties) == 12
    assert "Berat (AL-01): nothing came" in page(may, "en")
    doubted = page(explain(refreshed.home, "AL", MAY, "2.1.9.1"), "en")
    assert "Fier (AL-04): month 6, year to date 24, " in doubted
    assert "open findings: 2)" in doubted


def test_the_page_is_whole_in_both_languages(refreshed: Refreshed) -> None:
    for county in ("AL", "AL-04"):
        shown = explain(refreshed.home, county, MAY, "2.1.18.1")
        albanian, english = page(shown, "sq"), page(shown, "en")
        assert len(albanian.splitlines()) == len(english.splitlines())
        assert "VLERA" in albanian and "VALUE" in english
        assert "SHEMBULL" in albanian and "EXAMPLE" in english


def test_no_page_names_a_file(refreshed: Refreshed, tmp_path: Path) -> None:
    names = {path.stem for path in write_example(tmp_path, SEEDS)}
    assert len(names) > 50
    for code in ("2.1.9.1", "3.1.1.2", "2.2.5.1"):
        done = krat(refreshed.home, "AL-04", "2023-05", code, "--json").stdout
        assert not [name for name in names if name in done]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("Fier", "2023-05", "2.1.9.1"), "'Fier' is no county: did you mean AL-04 (Fier)"),
        (("AL-4", "2023-05", "2.1.9.1"), "did you mean AL-04 (Fier)"),
        (("AL-04", "2023-05", "2.1.91"), "'2.1.91' is no indicator: did you mean 2.1.9.1 ("),
        (("AL-04", "2025-05", "2.1.9.1"), "no figures of 2025-05: there are 2021-01 to 2023-12"),
        (("AL-04", "May", "2.1.9.1"), "'May' is no month"),
    ],
)
def test_a_mistake_is_answered_with_what_there_is(
    arguments: tuple[str, ...], shown: str, refreshed: Refreshed
) -> None:
    done = krat(refreshed.home, *arguments)
    assert done.exit_code == 2
    assert shown in done.stderr
    assert not done.stdout


def test_without_a_refresh_there_is_nothing_to_explain(tmp_path: Path) -> None:
    done = krat(Home(root=tmp_path / "home", keys=tmp_path / "keys"), "AL", "2023-05", "2.1.9.1")
    assert done.exit_code == 1
    assert "nothing is published yet" in done.stderr


def test_a_month_that_is_not_published_or_blocked_is_shown_as_such(own_home: Home) -> None:
    march = krat(own_home, "AL-04", "2023-03", "2.1.9.1", "--english").stdout
    assert "This month isn't published" in march
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute(
            "insert into quality.blocked_months values ('AL-04', ?, 'mart_out_of_range', 'krat')",
            [MAY],
        )
    may = krat(own_home, "AL-04", "2023-05", "2.1.9.1", "--english")
    assert may.exit_code == 0
    assert "The gate blocks this month (mart_out_of_range)" in may.stdout
    # Blocked from the start: there are no rows to show, only what was reported.
    with duckdb.connect(str(own_home.marts)) as connection:
        connection.execute(
            "delete from main.indicator_progress where county_code = 'AL-04' "
            "and reporting_month = ?",
            [MAY],
        )
    empty = explain(own_home, "AL-04", MAY, "2.1.9.1")
    assert {figure.value for figure in empty.figures} == {None}
    assert empty.parts
    assert "month: no value" in page(empty, "en")


def _plant_a_county(home: Home, months: list[date]) -> None:
    """Let AL-05 report, from a directorate that serves Fier too, what Fier's social service did."""
    for table in ("deliveries", "submission_values"):
        files = sorted((home.raw / table).glob("*.parquet"))
        rows = pa.concat_tables([pq.read_table(file) for file in files])
        own = [
            row | {"county_code": "AL-05", "delivery_id": f"{row['delivery_id']}x"}
            for row in rows.to_pylist()
            if row["institution_code"] == "AL-04-SHSSH" and row["reporting_month"] in months
        ]
        assert own
        target = home.raw / table / "planted.parquet"
        pq.write_table(pa.Table.from_pylist(own, schema=rows.schema), target)


@pytest.fixture(scope="module")
def two_counties(refreshed: Refreshed, prepared: Prepare) -> Home:
    """April and May are released; then AL-05 joins, and Fier's social service corrects May."""

    def fill(home: Home) -> None:
        shutil.copytree(refreshed.home.root, home.root)
        shutil.copytree(refreshed.home.keys, home.keys)
        refresh(home, [APRIL, MAY])
        _plant_a_county(home, [APRIL, MAY])
        write_report(home, "AL-04-POLICIA", MAY, [("2.1.9.1", "", 9)], JULY, "-again")
        refresh(home, [APRIL, MAY])

    home, _ = prepared("two-counties", fill)
    return home


def _changes(home: Home, condition: str) -> list[tuple[Any, ...]]:
    return _ask(
        home,
        "select county_code, strftime(reporting_month, '%Y-%m'), compared_with, value_before, "
        "value_after, reason from marts.changes where mart = 'indicator_progress' "
        f"and measure = 'actual_year_to_date' and {condition} order by all",
    )


def test_a_county_that_joins_changes_the_nation_for_that_reason_alone(two_counties: Home) -> None:
    joined = _changes(two_counties, "compared = 'previous_release' and indicator_code = '2.1.18.1'")
    assert [(row[0], row[1], row[-1]) for row in joined] == [("AL", "2023-05", "county_joined")]
    of_nation = _ask(
        two_counties,
        "select distinct reason from marts.changes where county_code = 'AL' "
        "and mart = 'indicator_progress' and compared = 'previous_release'",
    )
    reasons = {reason for (reason,) in of_nation}
    known = _ask(
        two_counties, "select distinct unnest(string_split(reason, '+')) from marts.changes"
    )
    assert reasons >= {"county_joined", "correction"}
    assert "unexplained" not in reasons
    assert {reason for (reason,) in known} <= set(labels("reason"))


def test_a_county_that_joins_releases_the_nation_anew_whoever_is_asked_for(own_home: Home) -> None:
    environment = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}
    command = ["refresh", "--month", "2023-05", "--county", "AL-05"]
    _plant_a_county(own_home, [MAY])
    done = CliRunner().invoke(cli, command, env=environment)
    assert done.exit_code == 0, done.output
    assert "Restated  AL/2023-05/r2" in done.stdout
    assert "Nation    AL-05 joined: 2023-05 (AL)" in done.stdout
    changes = own_home.releases / "restricted" / "AL/2023-05/r2/CHANGES.md"
    told = changes.read_text(encoding="utf-8")
    assert "Counties that joined the national figures: AL-05." in told
    joined = _changes(own_home, "compared = 'previous_release' and indicator_code = '2.1.18.1'")
    assert [(row[0], row[1], row[-1]) for row in joined] == [("AL", "2023-05", "county_joined")]
    # It joined once.
    planned = CliRunner().invoke(cli, [*command, "--dry-run"], env=environment)
    assert "Nation" not in planned.stdout


def test_a_correction_and_the_next_month_have_reasons_of_their_own(two_counties: Home) -> None:
    condition = "indicator_code = '2.1.9.1' and release_number = {} and compared = '{}'"
    corrected = _changes(two_counties, condition.format(2, "previous_release"))
    assert [(row[0], row[1], row[2], row[-1]) for row in corrected] == [
        ("AL", "2023-05", "2023-05/r1", "correction"),
        ("AL-04", "2023-05", "2023-05/r1", "correction"),
    ]
    assert {row[4] - row[3] for row in corrected} == {3}
    # The restated May stands beside April's newest release.
    following = _changes(two_counties, condition.format(2, "previous_month"))
    assert [(row[0], row[-1]) for row in following] == [("AL", "new_month"), ("AL-04", "new_month")]
    assert {row[4] - row[3] for row in following} == {9}
    assert following[1][2] == "2023-04/r1"


def test_a_page_shows_what_changed_since_last_month_and_since_the_last_release(
    two_counties: Home,
) -> None:
    shown = krat(two_counties, "AL", "2023-05", "2.1.18.1", "--english").stdout
    assert "Gjirokastër (AL-05): month 1, " in shown
    assert "Since the month before (2023-04/r2)" in shown
    assert "Since the release before (2023-05/r1)" in shown
    assert "Actual of the month: 1 → 2 (A county's first data entered the figure)" in shown
    other = krat(two_counties, "AL", "2023-05", "2.2.5.1", "--english").stdout
    assert "It did not change since the release before (r1)." in other
    document = json.loads(krat(two_counties, "AL", "2023-05", "2.1.18.1", "--json").stdout)
    assert _keys(document)["changes"] == SCHEMA["changes"]


def test_a_county_whose_numbers_are_withdrawn_leaves_the_nation(
    two_counties: Home, tmp_path: Path
) -> None:
    home = copy_home(two_counties, tmp_path)
    for table in ("deliveries", "submission_values"):
        (home.raw / table / "planted.parquet").unlink()
    forget_files(home)
    outcome = refresh(home, [MAY])
    assert outcome.members == ["AL-05 left: 2023-04 to 2023-05 (AL)"]
    told = (home.releases / "restricted/AL/2023-05/r3/CHANGES.md").read_text(encoding="utf-8")
    assert "Counties that left the national figures: AL-05." in told
    left = _changes(
        home, "compared = 'previous_release' and indicator_code = '2.1.18.1' and release_number = 3"
    )
    assert [(row[0], row[1], row[-1]) for row in left] == [("AL", "2023-05", "county_left")]
    assert left[0][4] < left[0][3]


def test_an_explanation_holds_what_its_row_of_the_mart_holds(
    refreshed: Refreshed,
) -> None:
    for county in ("AL", "AL-04"):
        shown: Explanation = explain(refreshed.home, county, MAY, "2.1.18.1")
        [row] = _ask(
            refreshed.home,
            "select actual_month, actual_year_to_date, actual_year_to_date_least, "
            "actual_year_to_date_most, actual_cumulative, completeness, is_lower_bound, status "
            "from marts.indicator_progress where county_code = ? and reporting_month = ? "
            "and indicator_code = '2.1.18.1'",
            [county, MAY],
        )
        month, year, cumulative = shown.figures
        assert (
            month.value, year.value, year.least, year.most, cumulative.value, shown.completeness,
            shown.is_lower_bound, shown.target.status,
        ) == row  # fmt: skip


def reference_of(home: Home, mart: str, condition: str) -> tuple[str, float | None]:
    """Return the reference of the first observation of May that fits, and its value."""
    path = home.releases / "restricted" / "AL-04" / "2023-05" / "r1" / "observations.parquet"
    row = (
        duckdb.connect()
        .execute(
            "select mart || '/' || mart_row || '/' || measure, obs_value from read_parquet(?) "
            f"where mart = ? and {condition} order by all limit 1",
            [str(path), mart],
        )
        .fetchone()
    )
    assert row is not None
    return f"AL-04/2023-05/r1/{row[0]}", row[1]


@pytest.mark.parametrize(
    ("mart", "condition", "rests_on"),
    [
        ("period_figures", "measure = 'value' and obs_value > 0 and obs_status = 'P'", "parts"),
        ("indicator_progress", "measure = 'actual_month' and obs_value > 0", "parts"),
        ("period_flow", "obs_value > 0", "records"),
        ("hotline_activity", "measure = 'contacts' and obs_value > 0", "records"),
        ("reporting_rates", "measure = 'received'", ""),
    ],
)
def test_the_reference_beside_a_number_leads_to_what_it_rests_on(
    mart: str, condition: str, rests_on: str, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(refreshed.home.root))
    monkeypatch.setenv("KRAT_KEYS", str(refreshed.home.keys))
    reference, value = reference_of(refreshed.home, mart, condition)
    told = CliRunner().invoke(cli, ["explain", reference, "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["referred"]["value"] == value
    if rests_on:
        assert document[rests_on]
    page_ = CliRunner().invoke(cli, ["explain", reference])
    assert page_.exit_code == 0, page_.output
    assert "AL-04, 05.2023" in page_.output and "r1" in page_.output


def test_the_parts_of_a_number_of_a_period_add_up_to_it(refreshed: Refreshed) -> None:
    reference, value = reference_of(
        refreshed.home, "period_figures", "mart_row like '2023-05/%/3.1.2.1' and measure = 'value'"
    )
    explained = explain_reference(refreshed.home, reference)
    assert value == sum(part.value or 0 for part in explained.parts)
    assert all(part.delivery for part in explained.parts if part.value is not None)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("AL-04/2023-05/r1/period_figures", "is no reference"),
        ("AL-04/2023-13/r1/period_figures/2023-05/PKV-2021-2023/3.1.2.1/value", "is no reference"),
        ("AL-04/2023-05/r9/period_figures/2023-05/PKV-2021-2023/3.1.2.1/value", "there are r1"),
        ("AL-04/2023-05/r1/nothing/2023-05/PKV-2021-2023/3.1.2.1/value", "is no reference"),
        ("AL-04/2023-05/r1/period_figures/2023-05/PKV-2021-2023/9.9.9.9/value", "has no number"),
    ],
)
def test_a_reference_to_nothing_is_told(
    reference: str, told: str, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRAT_HOME", str(refreshed.home.root))
    answer = CliRunner().invoke(cli, ["explain", reference])
    assert answer.exit_code == 2
    assert told in answer.stderr.splitlines()[-1]
