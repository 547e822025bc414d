-- Whether what records count of an indicator in an area and month, or in the year so far, may fall:
-- what counts once a plan or year may have come first in a file that is missing, and then counts in
-- the month of that file.
{{ config(materialized='table') }}

with counted_once as (
    select distinct
        patterns.plan_code,
        patterns.indicator_code,
        patterns.once_a,
        plans.valid_from
    from {{ ref('record_indicators') }} as patterns
    inner join {{ ref('plans') }} as plans on patterns.plan_code = plans.plan_code
    where patterns.source = 'referral' and patterns.once_a <> 'event'
),

covered as (
    select
        covered.county_code,
        covered.reporting_month,
        covered.last_gap,
        covered.coverage = 'part' as is_part,
        min(covered.last_gap) filter (where month(covered.reporting_month) = 1) over (
            partition by covered.county_code, year(covered.reporting_month)
        ) as gap_before_year
    from {{ ref('int_record_months') }} as covered
    where covered.source = 'referral'
)

select
    covered.county_code,
    counted_once.plan_code,
    counted_once.indicator_code,
    covered.reporting_month,
    coalesce(
        covered.last_gap >= case counted_once.once_a
            when 'year' then date_trunc('year', covered.reporting_month)
            else counted_once.valid_from
        end,
        false
    ) as may_fall,
    counted_once.once_a = 'plan'
    and coalesce(covered.gap_before_year >= counted_once.valid_from, false) as may_year_fall,
    -- The missing file may also put a person into another category of the month.
    covered.is_part as may_change_category
from covered
cross join counted_once
