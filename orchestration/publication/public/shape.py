"""The public shapes: true counts as they may be shown, and the tables that show them masked.

Belongs here: which rows of the warehouse the public tier is made from, and the words for them. Not
here: masking (mask), or the road to a release (release).
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pandas as pd

from expectations.protection import (
    SUPPRESSED,
    WITHHELD,
    LaterPlan,
    Protection,
    load_protection,
)
from orchestration.gate.judge import Scope
from orchestration.gate.reading import DisclosureContext
from orchestration.products.codes import (
    CountName,
    codes_table,
    count_names,
    published_codes,
)
from orchestration.products.declaration import PERSON_COUNTS, Tier, product, published_marts
from orchestration.products.tables import (
    ProductTable,
    month_frame,
    register_tables,
    table_of,
    warehouse_table,
)
from orchestration.publication.finality import settled_on
from orchestration.publication.public.mask import Sign
from orchestration.publication.restricted import completeness

#: The confidentiality status of a count without a number, by its state; any other is free (F).
_CONFIDENTIALITY = {SUPPRESSED: "C", WITHHELD: "D"}


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
    months = {scope.month for scope in scopes}
    settled = sorted(month for month in months if settled_on(month, rules) <= day)
    rows = connection.execute(
        "select * from publication.public_counts "
        "where list_contains(cast(? as date[]), reporting_month) order by all",
        [settled],
    ).df()
    chosen = pd.MultiIndex.from_tuples(
        [(scope.county_code, pd.Timestamp(scope.month)) for scope in scopes]
    )
    is_chosen = pd.MultiIndex.from_frame(rows[["county_code", "reporting_month"]]).isin(chosen)
    frames = {scope: _unprotected(connection, scope) for scope in scopes}
    return TrueRows(rows[is_chosen], frames)


def _unprotected(connection: duckdb.DuckDBPyConnection, scope: Scope) -> dict[str, pd.DataFrame]:
    """Return the rows of the marts that go out in full, without what is protected."""
    only = (
        "(plan_code, indicator_code) not in "
        "(select (plan_code, indicator_code) from core.dim_indicators where is_protected)"
    )
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
    protected = connection.execute(
        "select plan_code, indicator_code, population_id from core.dim_indicators "
        "where is_protected order by all"
    ).fetchall()
    populations: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for plan_code, code, population in protected:
        if population is not None:
            populations[plan_code][population].append(code)
    shared = {plan: tuple(map(tuple, of.values())) for plan, of in populations.items()}
    first, *later = connection.execute(
        "select plan_code, year(valid_from), year(valid_to) from core.dim_plans "
        "where level = 'national' order by valid_from"
    ).fetchall()
    empty = {mart.name: pd.DataFrame() for mart in published_marts(Tier.PUBLIC)}
    repeating = [table_of(product(name, Tier.PUBLIC)) for name in ("changes", "observations")]
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
    texts += [table.comment for table in tables]
    texts += [
        name
        for table in tables
        if "name_sq" in table.frame
        for name in [*table.frame["name_sq"], *table.frame["name_en"]]
    ]
    texts += [*codes_table().frame.to_numpy().ravel(), *(one.label for one in published_codes())]
    texts += [text for name in count_names().values() for text in (name.name_sq, name.name_en)]
    return DisclosureContext(
        rules=load_protection(
            shared.get(first[0], ()),
            tuple(
                LaterPlan(
                    plan_code,
                    tuple(str(year) for year in range(begins, ends + 1)),
                    dict(_followed(connection, plan_code, first[0])),
                    shared.get(plan_code, ()),
                )
                for plan_code, begins, ends in later
            ),
        ),
        protected=frozenset(code for _, code, _ in protected),
        free=frozenset(
            connection.execute(
                "select plan_code, indicator_code from core.dim_indicators where not is_protected"
            ).fetchall()
        ),
        texts=frozenset(texts),
        completeness={
            (scope.county_code, f"{scope.month:%Y-%m}"): completeness(
                connection, scope.county_code, scope.month
            )["completeness"]
            for scope in scopes
        },
    )


def _followed(
    connection: duckdb.DuckDBPyConnection, plan_code: str, first: str
) -> list[tuple[str, str | None]]:
    """Return the indicators of a plan, each with the first plan's that it can be compared with."""
    return connection.execute(
        "select later.indicator_code, earlier.indicator_code from core.dim_indicators as later "
        "left join core.dim_indicators as earlier "
        "on later.comparable_code = earlier.comparable_code and earlier.plan_code = ? "
        "where later.plan_code = ? order by all",
        [first, plan_code],
    ).fetchall()


def name_counts(
    connection: duckdb.DuckDBPyConnection, counts: pd.DataFrame, signs: list[Sign]
) -> pd.DataFrame:
    """Return the rows of person_counts: counts with their names, and a sign in place of each."""
    months = pd.to_datetime(counts["reporting_month"]).dt.date
    indicators = {
        (month, code): CountName(name_sq, name_en, "", unit)
        for month, code, name_sq, name_en, unit in connection.execute(
            "select months.month, indicator_code, indicators.name_sq, indicators.name_en, unit "
            "from core.dim_indicators as indicators "
            "inner join core.dim_months as months using (plan_code) "
            "where list_contains(?, months.month)",
            [months.unique().tolist()],
        ).fetchall()
    }
    shown = counts.copy()
    for kind in ("subject", "category"):
        names = [
            count_names().get(code) or indicators[month, code]
            for month, code in zip(months, counts[kind], strict=True)
        ]
        shown[f"{kind}_sq"] = [name.name_sq for name in names]
        shown[f"{kind}_en"] = [name.name_en for name in names]
        if kind == "subject":
            shown["unit"] = [name.unit for name in names]
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
    """Return the public marts of a scope with their rows, in the order of the sheets.

    The comments of their models are left out: these are of all rows, and of exact numbers.
    """
    return [
        replace(warehouse_table(connection, mart, frames[mart.name]), comment="")
        for mart in published_marts(Tier.PUBLIC)
    ]


def restricted_row(mart: str, key: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the restricted mart and the key of the row that a public row is counted from."""
    if mart != PERSON_COUNTS:
        return mart, key
    if key["subject"] in count_names():
        return count_names()[key["subject"]].mart, {}
    return "indicator_progress", {"indicator_code": key["subject"]}
