"""How often the rules on a report's counts warn of nothing, over simulated clean pasts.

Run by hand: python tests/benchmarks/false_alarms.py. Draws reports of institutions in which nothing
is wrong (Poisson and negative binomial counts, rare and frequent, short and long pasts, months and
quarters, seasons) and runs the models' own SQL over them. Prints for each kind of past the share of
reports with a false warning, and of planted tenfold counts that are found. The thresholds in
quality_thresholds.csv were set by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from dbt_sql import model_sql

from orchestration.runtime.settings import SEEDS

#: The models of the rules, after those that they read.
STEPS = ("int_stated_totals", "int_monthly_totals", "int_reports")
MODELS = (
    "int_value_rules__improbable", "int_report_rules__values", "int_report_rules__month",
    "int_report_rules__sender",
)  # fmt: skip
#: The rules whose warnings rest on chance alone.
RULES = ("improbable_count", "same_as_last_month", "wrong_month", "wrong_sender")
#: Indicators whose counts add up, of a measure that runs in the simulated years.
INDICATORS = ("2.1.18.1", "2.1.11.1", "3.1.2.1", "3.1.9.1")
EVEN = (1.0,) * 12
#: More before the summer and in October, the month of the campaigns, and less in July and August.
MILD = (1, 1, 1, 1, 1, 1.3, 0.5, 0.5, 1, 2, 1, 1)
#: Schools are closed in July and August.
SCHOOL = (1, 1, 1, 1, 1, 0.6, 0, 0, 1, 1.5, 1, 1)


@dataclass(frozen=True)
class Past:
    """Reports of one kind: each indicator's mean, variance over mean, how many and how often."""

    name: str
    means: Sequence[float]
    spread: float = 1
    reports: int = 36
    months_apart: int = 1
    season: Sequence[float] = EVEN
    institutions: int = 400


PASTS = (
    Past("four small counts", (0.05, 0.3, 1.2, 2)),
    Past("three counts around one", (1, 1, 1)),
    Past("small, middling, large", (2, 7, 25)),
    Past("large", (90, 300)),
    Past("one that is nearly always zero", (0.1,)),
    Past("one around one", (1.2,)),
    Past("one around seven", (7,)),
    Past("one around ninety", (90,)),
    Past("spread twice a Poisson's", (0.3, 2, 7, 25), spread=2),
    Past("spread four times a Poisson's", (0.5, 2, 7, 25), spread=4),
    Past("one, spread three times", (5,), spread=3),
    Past("one large, spread ten times", (90,), spread=10),
    Past("quarters", (2, 7, 25), reports=12, months_apart=3, institutions=800),
    Past("quarters, spread three times", (2, 7, 25), 3, 12, 3, institutions=800),
    Past("a mild season", (5, 20), season=MILD),
    Past("schools", (90,), spread=2, season=SCHOOL),
    Past("nine months", (0.3, 2, 7), reports=9, institutions=1200),
    Past("nine months, spread twice", (0.3, 2, 7), spread=2, reports=9, institutions=1200),
)


@dataclass(frozen=True)
class Rate:
    """What came of one kind of past: reports, those with a false warning, tenfold counts found."""

    reports: int
    false: int
    planted: int
    found: int

    @property
    def false_rate(self) -> float:
        """The share of clean reports with a false warning."""
        return self.false / self.reports


def measure(past: Past, seed: int, share: float = 1) -> Rate:
    """Simulate a kind of past, or a `share` of its institutions, and run the rules over it.

    A tenfold count is planted in a further report of every institution, one month (or quarter)
    after the clean ones, which it therefore can't touch.
    """
    rng = np.random.default_rng(seed)
    institutions = round(past.institutions * share)
    season = np.array(
        [past.season[time * past.months_apart % 12] for time in range(past.reports + 1)]
    )
    frames = []
    for position, mean in enumerate(past.means):
        means = np.broadcast_to(mean * season, (institutions, past.reports + 1))
        counts = _draw(rng, means, past.spread)
        if position == len(past.means) - 1:
            counts[:, -1] = np.maximum(10 * mean, 10).round()
        who, when = np.indices(counts.shape)
        frames.append(
            pd.DataFrame(
                {
                    "who": who.ravel(),
                    "month": when.ravel() * past.months_apart,
                    "indicator_code": INDICATORS[position],
                    "row_number": position + 2,
                    "value": counts.ravel().astype(float),
                }
            )
        )
    last = past.reports * past.months_apart
    with duckdb.connect() as connection:
        _load(connection, pd.concat(frames))
        for model in (*STEPS, *MODELS):
            connection.execute(f"create table {model} as {model_sql(model)}")
        false, found = connection.execute(
            "with found as (" + " union all ".join(f"from {model}" for model in MODELS) + ") "
            "select count(distinct delivery_id) filter (where month < $last), "
            "count(distinct delivery_id) filter (where month = $last and indicator_code = $planted "
            "and rule = 'improbable_count') "
            "from (select *, cast(split_part(delivery_id, '/', 2) as integer) as month from found) "
            "where list_contains($rules, rule)",
            {"last": last, "planted": INDICATORS[len(past.means) - 1], "rules": list(RULES)},
        ).fetchall()[0]
    return Rate(institutions * past.reports, false, institutions, found)


def _draw(rng: np.random.Generator, means: np.ndarray, spread: float) -> np.ndarray:
    if spread == 1:
        return rng.poisson(means)
    # A mean of nothing has no spread.
    return np.where(
        means > 0, rng.negative_binomial(np.maximum(means, 1e-9) / (spread - 1), 1 / spread), 0
    )


def _load(connection: duckdb.DuckDBPyConnection, drawn: pd.DataFrame) -> None:
    """Make the tables that the models read; each institution reports for a county of its own."""
    connection.register("drawn", drawn)
    connection.execute(
        "create table fct_actuals as select 'C' || who as county_code, 'I' || who as "
        "institution_code, 'PKV-2021-2023' as plan_code, indicator_code, "
        "cast(date '2020-01-01' + to_months(month) as date) as reporting_month, "
        "'month' as frequency, 'total' as category, 'total' as breakdown_kind, "
        "value, if(value = 0, 'zero', 'number') as value_state, who || '/' || month as "
        "delivery_id, null::varchar as sheet, null::varchar as cell, cast(row_number as integer) "
        "as row_number, date '2020-01-05' + to_months(month + 1) as received_at, "
        "null::timestamp as superseded_at, null::varchar as correction_id, false as is_replaced, "
        "false as is_made_up from drawn"
    )
    connection.execute(
        "create table institutions as select distinct institution_code, "
        "institution_code as name_sq, institution_code as name_en from fct_actuals"
    )
    for table, seed in (
        ("dim_indicators", "indicators"),
        ("dim_quality_thresholds", "quality_thresholds"),
    ):
        connection.execute(f"create table {table} as from read_csv('{SEEDS / seed}.csv')")
    connection.execute(
        "alter table dim_indicators add column comparable_code varchar; "
        "update dim_indicators set comparable_code = plan_code || '/' || indicator_code"
    )
    # Nobody owes anything: what rests on obligations is not left to chance.
    connection.execute(
        "create table fct_values_due (county_code varchar, institution_code varchar, "
        "plan_code varchar, indicator_code varchar, reporting_month date); "
        "create table core_reporting_obligations (county_code varchar, institution_code varchar, "
        "plan_code varchar, indicator_code varchar, frequency varchar, valid_from date, "
        "valid_to date, is_recorded boolean); "
        "create table fct_submissions (county_code varchar, institution_code varchar, "
        "reporting_month date, frequency varchar, version integer, delivery_id varchar, "
        "received_at timestamp, superseded_at timestamp, is_made_up boolean); "
        "create table stg_door_findings (delivery_id varchar, row_number integer, rule varchar); "
        "create table int_deliveries (delivery_id varchar, institution_code varchar); "
        "create table int_source_months (county_code varchar, plan_code varchar, "
        "indicator_code varchar, reporting_month date, source varchar, value double, "
        "delivery_id varchar, sheet varchar, cell varchar, row_number integer, "
        "received_at timestamp, is_made_up boolean)"
    )


def main() -> None:
    """Print the table."""
    reports = false = 0
    print(f"{'past':<34} {'reports':>8} {'false':>6} {'rate':>7}  tenfold counts found")
    for number, past in enumerate(PASTS):
        rate = measure(past, seed=number)
        reports, false = reports + rate.reports, false + rate.false
        print(
            f"{past.name:<34} {rate.reports:8} {rate.false:6} {rate.false_rate:7.2%}  "
            f"{rate.found / rate.planted:.0%}"
        )
    print(f"{'all':<34} {reports:8} {false:6} {false / reports:7.2%}")


if __name__ == "__main__":
    main()
