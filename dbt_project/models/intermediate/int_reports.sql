-- Each version of an institution's report for a month, as its totals together. Two counts around v
-- are equal by chance about once in 2 * sqrt(pi * v): the chances of all of a report's counts give
-- how likely it is that it only happens to repeat another. A finding on the whole is at its first
-- value. What is summed is exact, so that no order of rows changes it.
{{ config(materialized='table') }}

select
    delivery_id,
    county_code,
    institution_code,
    reporting_month,
    min(plan_code) as plan_code,
    min(received_at) as received_at,
    max(superseded_at) as superseded_at,
    bool_or(is_made_up) as is_made_up,
    list(distinct indicator_code order by indicator_code) as indicator_codes,
    count(*) as totals_reported,
    count(*) filter (where value > 0) as totals_above_zero,
    sum(value) as totals_together,
    list(indicator_code || '=' || value order by indicator_code, value) filter (
        where value > 0 and is_additive
    ) as values_above_zero,
    exp(
        -sum(cast(ln(2 * sqrt(pi() * greatest(value, 1))) as decimal(18, 9))) filter (
            where value > 0 and is_additive
        )
    ) as chance_of_repeat,
    min({
        'row_number': row_number, 'indicator_code': indicator_code, 'sheet': sheet, 'cell': cell
    }) as first_value
from {{ ref('int_monthly_totals') }}
group by delivery_id, county_code, institution_code, reporting_month
