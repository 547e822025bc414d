"""Sources beside each other: both values stay, with the likely reason and the official source."""

import duckdb

Pair = tuple[str, str, str]


def _rows(marts: duckdb.DuckDBPyConnection, month: str) -> dict[Pair, tuple[object, ...]]:
    rows = marts.execute(
        "select indicator_code, first_source, second_source, first_value, second_value, "
        "difference, likely_reason, official_source from marts.source_comparison "
        "where county_code = 'AL-04' and strftime(reporting_month, '%Y-%m') = ?",
        [month],
    ).fetchall()
    return {row[:3]: row[3:] for row in rows}


def test_a_case_entered_a_month_later_in_sivet_is_told_as_a_shift(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    late = _rows(marts, "2023-09")["2.1.9.1", "submission", "sivet"]
    then = _rows(marts, "2023-10")["2.1.9.1", "submission", "sivet"]
    assert late[2:] == (1, "period_shift", "sivet")
    assert then[2:] == (-1, "period_shift", "sivet")


def test_four_sources_of_one_number_stand_beside_each_other(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    may = _rows(marts, "2023-05")
    submitted, records = may["2.1.9.1", "submission", "referral_records"][:2]
    assert may["2.1.9.1", "submission", "sivet"][:3] == (submitted, submitted - 2, 2)
    # SIVET lies within what the records can be, as not every person in them could be linked.
    assert may["2.1.9.1", "referral_records", "sivet"] == (records, submitted - 2, 0, None, "sivet")
    assert may["3.1.2.1", "submission", "hotline_log"][2:] == (0, None, None)
    assert may["3.1.2.1", "hotline_log", "referral_records"][3] == "definition_differs"


def test_the_plan_and_the_publication_stand_beside_each_other(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    row = marts.execute(
        "select first_value, second_value, difference from marts.source_comparison "
        "where county_code = 'AL' and indicator_code = '2.1.18.1' and first_source = 'plan'"
    ).fetchone()
    assert row == (40, 45, -5)


def test_a_value_that_is_unknown_has_no_difference_and_says_why(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    row = marts.execute(
        "select first_state, first_value, second_state, difference, likely_reason "
        "from marts.source_comparison where indicator_code = '2.1.16.1' "
        "and reporting_month = '2023-06-01' and second_source = 'referral_records'"
    ).fetchone()
    assert row == ("unknown", None, "number", None, "incomplete_source")


def test_a_difference_is_told_to_the_institution_with_the_official_source(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    rows = marts.execute(
        "select cell, message_sq, message_en from quality.findings "
        "where rule = 'sources_disagree' and institution_code = 'AL-04-POLICIA' "
        "and reporting_month = '2023-09-01'"
    ).fetchall()
    [(cell, sq, en)] = rows
    assert cell is not None
    assert "Burimi zyrtar: SIVET" in sq
    assert "Official source: SIVET" in en
