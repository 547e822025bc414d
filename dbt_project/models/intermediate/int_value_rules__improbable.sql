-- Counts that an institution's own past makes improbable. Counts are small and often 0, so the test
-- is exact: a negative binomial with the mean of the past, and its spread where that is wider than
-- a Poisson's.
with past as (
    select
        *,
        count(*) over earlier as past_reports,
        avg(value) over earlier as past_mean,
        var_samp(value) over earlier as past_variance,
        min(value) over earlier as past_least,
        max(value) over earlier as past_most,
        date_diff('month', min(reporting_month) over earlier, reporting_month) as past_months,
        count(*) over (partition by delivery_id, institution_code) as tested_together
    from {{ ref('int_stated_totals') }}
    where superseded_at is null and is_credible and is_additive
    window earlier as (
        partition by county_code, institution_code, comparable_code, frequency, stated_in
        order by reporting_month, row_number
        rows between unbounded preceding and 1 preceding
    )
),

thresholds as (
    {{ thresholds([
        'improbable_count_alarm_rate', 'improbable_count_least_past', 'improbable_count_largest',
        'improbable_count_least_months_low', 'improbable_count_usual_spread',
        'improbable_count_spread_weight', 'improbable_count_spread_margin',
    ]) }}
),

-- The spread of a short past is known only roughly: it is drawn towards a usual one.
expected as (
    select
        past.*,
        thresholds.improbable_count_largest as largest,
        thresholds.improbable_count_alarm_rate / past.tested_together / 2 as tail,
        (past.past_mean * past.past_reports + 0.5) / past.past_reports as mean,
        greatest(
            1.02,
            (1 + 1 / past.past_reports)
            * thresholds.improbable_count_spread_margin
            * (
                past.past_variance / greatest(past.past_mean, 0.5) * past.past_reports
                + thresholds.improbable_count_usual_spread
                * thresholds.improbable_count_spread_weight
            )
            / (past.past_reports + thresholds.improbable_count_spread_weight)
        ) as dispersion
    from past
    cross join thresholds
    where
        past.past_reports >= thresholds.improbable_count_least_past
        and past.past_mean <= thresholds.improbable_count_largest
        -- What was reported before is no surprise: every summer the schools rest.
        and (
            past.value > past.past_most
            or (
                past.value < past.past_least
                and past.past_months >= thresholds.improbable_count_least_months_low
            )
        )
),

-- With mean m and variance m * d: size m / (d - 1), chance of success 1 / d. From the largest count
-- on, the chance of the largest is what is compared: that of the count itself is smaller still.
{% set chance_of = '
    exp(
        lgamma(n + mean / (dispersion - 1)) - lgamma(mean / (dispersion - 1))
        - lgamma(n + 1) - mean / (dispersion - 1) * ln(dispersion)
        + n * ln(1 - 1 / dispersion)
    )
' -%}
chances as (
    select
        *,
        coalesce(
            list_sum(list_transform(
                range(0, cast(least(value, largest) as bigint)), lambda n: {{ chance_of }}
            )),
            0
        ) as chance_below,
        list_transform([value], lambda n: {{ chance_of }})[1] as chance_of_it
    from expected
)

select
    {{ finding(
        'improbable_count', at='chances',
        texts={'indicator': 'chances.indicator_code'},
        counts={'value': 'chances.value', 'reports': 'chances.past_reports'},
        means={'mean': 'chances.past_mean'},
    ) }}
from chances
where
    (chances.value > chances.past_most and 1 - chances.chance_below < chances.tail)
    or (
        chances.value < chances.past_least
        and chances.chance_below + chances.chance_of_it < chances.tail
    )
