"""Which codes of a file have no name: in `core.codes`, or in the register of their kind."""

import duckdb

#: Columns with codes of a register, and the table that names them.
REGISTERS = {
    "sender_code": "dim_institutions (institution_code)",
    "county_code": "dim_counties",
    "area_code": "dim_counties (county_code)",
    "seat_county_code": "dim_counties (county_code)",
    "institution_code": "dim_institutions",
    "indicator_code": "dim_indicators",
    "plan_code": "dim_plans",
    "national_plan_code": "dim_plans (plan_code)",
    "measure_code": "dim_measures",
    "pkv_measure_code": "dim_measures (measure_code)",
    "municipality_code": "dim_municipalities",
}

#: What isn't a code: texts, names, places and keys; and what the same row names itself, or the row
#: of person_counts that it is about.
FREE = {
    "subject_sq", "subject_en", "category_sq", "category_en", "why_sq", "why_en",
    "person_counts.subject", "person_counts.category", "newest_counts.subject",
    "newest_counts.category", "restatements.subject", "restatements.category",
    "abbreviation", "about", "aliases", "answer", "asked_code", "basis", "basis_evidence",
    "break_reason_en", "break_reason_sq", "breakdown_text", "comparable_code",
    "dim_collection_codes.category", "earlier_indicators", "identified_persons.category",
    "series_code", "cell", "cells", "code", "code_list", "code_lists", "codes.source",
    "column_name", "compared_with", "contributing_text", "corrected", "corrected_by",
    "correction_id", "counties", "counties_missing", "deadline_basis", "decided_by", "delivery_id",
    "dim_quality_rules.source", "dim_quality_thresholds.reason", "dim_status_thresholds.reason",
    "evidence", "expected_en", "expected_sq", "explanation_en", "explanation_sq",
    "fct_corrections.reason", "fct_remarks.reason", "figure_label", "final_basis", "finding_id",
    "htcds_field", "htcds_note", "htcds_value", "layout_id", "likely_reason", "mart", "mart_row",
    "measure", "message_en", "message_sq", "municipality_name", "name_en", "name_sq", "note",
    "objective_code", "objective_name_en", "objective_name_sq",
    "period", "period_before", "period_last_year", "population_id", "prv_code",
    "publication", "reading_note",
    "reason_en", "reason_sq", "releases.reopened_because", "remark_id", "remarks.reason",
    "reported", "reported_en", "reported_sq", "responsible_text", "rule", "sentence_en",
    "sentence_sq", "sheet", "short_name_en", "short_name_sq", "source_place", "source_text",
    "threshold", "waived_by",
    "waiver_reason",
}  # fmt: skip

SCHEMAS = ("core", "quality", "main", "marts", "editions")


def unnamed_codes(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """Return table, column and code of each code without names in both languages."""
    unnamed = set()
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where not internal "
        "and data_type = 'VARCHAR' and list_contains(?, schema_name)",
        [list(SCHEMAS)],
    ).fetchall():
        if FREE & {column, f"{table}.{column}"}:
            continue
        named = "select code from core.codes where code_list = $column"
        if column in REGISTERS:
            register, _, key = REGISTERS[column].partition(" ")
            named = f"select {key or column} from core.{register}"
        if column == "category":
            named += " union select category from core.dim_breakdown_categories"
        if column in ("identification_county", "residence_county"):
            named += " union select county_code from core.dim_counties"
        # One cell can hold several reasons or kinds, or a category of sex and one of age.
        parted = {"reason": "+", "succession_kind": "+"}.get(column)
        parted = " " if column.endswith("_category") else parted
        codes = f"unnest(string_split({column}, '{parted}'))" if parted else column
        rows = connection.execute(
            f"select distinct code from (select {codes} as code from {schema}.{table}) "
            f"where code not in ({named})",
            {"column": column} if "$column" in named else None,
        ).fetchall()
        unnamed |= {(table, column, code) for (code,) in rows}
    return unnamed
