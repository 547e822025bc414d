"""The public shapes: true counts as they may be shown, and the tables that show them masked.

Belongs here: which rows of the warehouse the public tier is made from, and the words for them. Not
here: masking (mask), or the road to a release (release).
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from expectations.protection import SUPPRESSED, WITHHELD, Protection, load_protection
from orchestration.gate.judge import Scope
from orchestration.gate.reading import DisclosureContext
from orchestration.products.codes import CountName, codes_table, count_names
from orchestration.products.declaration import PERSON_COUNTS, Tier, product, published_marts
from orchestration.products.tables import (
    ProductTable,
    month_frame,
    register_tables,
    table_of,
    warehouse_table,
)
from orchestration.publication.public.mask import Sign
from orchestration.publication.restricted import completeness

#: The confidentiality status of a count without a number, by its state; any other is free (F).
_CONFIDENTIALITY = {SUPPRESSED: "C", WITHHELD: "D"}

#: Indicators about persons, and those that share a population with one: the same persons again.
_PROTECTED = """
    select indicator_code, population_id, name_sq, name_en,
        target_basis in ('level', 'milestone') as is_level
    from core.dim_indicators
    where is_person_sensitive or population_id in (
        select population_id from core.dim_indicators where is_person_sensitive
    )
"""

#: A year's count stands at its December, a quarter's adds up three months. A county's quarters
#: are not asked for. Nor is what has not settled yet.
_COUNTS = f"""
    with protected as ({_PROTECTED}),
    progress as (
        select progress.*, protected.is_level
        from marts.indicator_progress as progress
        inner join protected using (indicator_code)
    ),
    figures as (
        select distinct indicator_code, reporting_month from core.fct_actuals
        where county_code = 'AL' and frequency = 'year' and category = 'total'
            and value_state in ('number', 'zero') and superseded_at is null
    ),
    years as (
        select
            progress.county_code, progress.reporting_month,
            cast(year(progress.reporting_month) as varchar) as period,
            progress.indicator_code as subject, progress.actual_year_to_date as value,
            case when progress.county_code = 'AL' then (
                select string_agg(parts.county_code, ' ' order by parts.county_code)
                from progress as parts
                where parts.county_code <> 'AL' and parts.actual_year_to_date is not null
                    and parts.indicator_code = progress.indicator_code
                    and parts.reporting_month = progress.reporting_month
            ) end as counties,
            case when figures.indicator_code is null then 'reports' else 'published_figure' end
                as counted_from,
            progress.target_value, progress.is_made_up
        from progress
        left join figures
            on progress.county_code = 'AL'
            and progress.indicator_code = figures.indicator_code
            and progress.reporting_month = figures.reporting_month
        where month(progress.reporting_month) = 12
    ),
    quarters as (
        select
            'AL' as county_code, max(reporting_month) as reporting_month,
            year(reporting_month) || '-Q' || quarter(reporting_month) as period,
            indicator_code as subject, sum(actual_month) filter (where county_code = 'AL') as value,
            string_agg(distinct county_code, ' ' order by county_code) filter (
                where county_code <> 'AL' and actual_month is not null
            ) as counties,
            'reports' as counted_from, cast(null as double) as target_value,
            coalesce(bool_or(is_made_up) filter (where county_code = 'AL'), false) as is_made_up
        from progress
        where not is_level
        group by indicator_code, year(reporting_month), quarter(reporting_month)
        having count(distinct reporting_month) = 3
    ),
    indicators as (
        select *, 'total' as dimension, 'total' as category
        from (select * from years union all by name select * from quarters)
    ),
    records as (
        select *, 'records' as counted_from from marts.person_counts
    )
    select county_code, reporting_month, period, subject, dimension, category,
        cast(round(value) as bigint) as value, counties, counted_from, target_value, is_made_up
    from (select * from indicators union all by name select * from records)
    where last_day(reporting_month) + cast(? as integer) <= cast(? as date)
        and list_contains(?, reporting_month)
    order by all
"""


@dataclass(frozen=True)
class TrueRows:
    """What a run would publish, before masking."""

    #: True counts of what is protected.
    counts: pd.DataFrame
    #: The rows of the marts that need no masking.
    frames: dict[Scope, dict[str, pd.DataFrame]]


def true_rows(
    connection: duckdb.DuckDBPyConnection, scopes: list[Scope], rules: Protection, day: date
) -> TrueRows:
    """Return what scopes would show; of what is protected, only what has settled by a day."""
    months = sorted({scope.month for scope in scopes})
    rows = connection.execute(_COUNTS, [rules.settled_after_days, day, months]).df()
    chosen = pd.MultiIndex.from_tuples(
        [(scope.county_code, pd.Timestamp(scope.month)) for scope in scopes]
    )
    is_chosen = pd.MultiIndex.from_frame(rows[["county_code", "reporting_month"]]).isin(chosen)
    frames = {scope: _unprotected(connection, scope) for scope in scopes}
    return TrueRows(rows[is_chosen], frames)


def _unprotected(connection: duckdb.DuckDBPyConnection, scope: Scope) -> dict[str, pd.DataFrame]:
    """Return the rows of the marts that go out in full, without what is protected."""
    only = f"indicator_code not in (select indicator_code from ({_PROTECTED}))"
    return {
        mart.name: month_frame(
            connection,
            mart,
            scope.county_code,
            scope.month,
            only if "indicator_code" in mart.key else "true",
        )
        for mart in published_marts(Tier.PUBLIC)
        if mart.name != PERSON_COUNTS
    }


def disclosure_context(
    connection: duckdb.DuckDBPyConnection, scopes: list[Scope]
) -> DisclosureContext:
    """Return what the gate of disclosure may rely on when it reads the releases of scopes."""
    protected = connection.execute(f"select * from ({_PROTECTED}) order by all").fetchall()
    populations: dict[str, list[str]] = {}
    for code, population, *_ in protected:
        if population is not None:
            populations.setdefault(population, []).append(code)
    empty = {mart.name: pd.DataFrame() for mart in published_marts(Tier.PUBLIC)}
    repeating = [table_of(product(name, Tier.PUBLIC)) for name in ("restatements", "observations")]
    tables = [
        *public_tables(connection, empty),
        *register_tables(connection),
        *repeating,
        codes_table(),
    ]
    texts = [
        text
        for table in tables
        for column in table.columns
        for text in (column.description, column.name, column.title)
    ]
    texts += [
        name
        for table in tables
        if "name_sq" in table.frame
        for name in [*table.frame["name_sq"], *table.frame["name_en"]]
    ]
    texts += [text for name in count_names().values() for text in (name.name_sq, name.name_en)]
    return DisclosureContext(
        rules=load_protection(tuple(codes) for codes in populations.values()),
        protected=frozenset(code for code, *_ in protected),
        texts=frozenset(texts),
        completeness={
            (scope.county_code, f"{scope.month:%Y-%m}"): completeness(
                connection, scope.county_code, scope.month
            )["completeness"]
            for scope in scopes
        },
    )


def name_counts(
    connection: duckdb.DuckDBPyConnection, counts: pd.DataFrame, signs: list[Sign]
) -> pd.DataFrame:
    """Return the rows of person_counts: counts with their names, and a sign in place of each."""
    names = count_names() | {
        code: CountName(name_sq, name_en, "", unit)
        for code, name_sq, name_en, unit in connection.execute(
            "select indicator_code, name_sq, name_en, unit from core.dim_indicators"
        ).fetchall()
    }
    shown = counts.copy()
    for kind in ("subject", "category"):
        shown[f"{kind}_sq"] = [names[code].name_sq for code in counts[kind]]
        shown[f"{kind}_en"] = [names[code].name_en for code in counts[kind]]
    shown["unit"] = [names[code].unit for code in counts["subject"]]
    shown["value"] = pd.array([sign.value for sign in signs], dtype="Int64")
    shown["value_state"] = [sign.state for sign in signs]
    shown["conf_status"] = [_CONFIDENTIALITY.get(sign.state, "F") for sign in signs]
    shown["progress"] = [
        round(100 * sign.value / target, 1) if sign.value is not None and target > 0 else None
        for sign, target in zip(signs, counts["target_value"], strict=True)
    ]
    shown["progress"] = shown["progress"].astype(float)
    return shown[list(product(PERSON_COUNTS, Tier.PUBLIC).column_names)]


def public_tables(
    connection: duckdb.DuckDBPyConnection, frames: dict[str, pd.DataFrame]
) -> list[ProductTable]:
    """Return the public marts of a scope with their rows, in the order of the sheets."""
    tables = []
    for mart in published_marts(Tier.PUBLIC):
        frame = frames[mart.name]
        if mart.name == PERSON_COUNTS:
            rows = frame.sort_values(list(mart.key)) if len(frame) else frame
            tables.append(table_of(mart, rows))
        else:
            tables.append(warehouse_table(connection, mart, frame))
    return tables


def restricted_row(mart: str, key: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the restricted mart and the key of the row that a public row is counted from."""
    if mart != PERSON_COUNTS:
        return mart, key
    if key["subject"] in count_names():
        return count_names()[key["subject"]].mart, {}
    return "indicator_progress", {"indicator_code": key["subject"]}
