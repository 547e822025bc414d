-- Each submitted value beside the other sources. A quarterly or yearly value is compared with the
-- sum of its months, and only where the other source covers them all.
with periods as (
    select distinct
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        frequency,
        months_in_period
    from {{ ref('int_submitted_values') }}
),

sums as (
    select
        periods.county_code,
        periods.plan_code,
        periods.indicator_code,
        periods.reporting_month,
        periods.frequency,
        monthly.source,
        case when count(monthly.value) = count(*) then sum(monthly.value) end as value,
        sum(monthly.value_least) as value_least,
        case when count(monthly.value_most) = count(*) then sum(monthly.value_most) end
            as value_most,
        sum(monthly.occurrences) as occurrences,
        sum(monthly.added_later) as added_later,
        sum(coalesce(monthly.value_before, monthly.value)) as value_before,
        bool_or(monthly.is_made_up) as is_made_up
    from periods
    inner join {{ ref('int_source_months') }} as monthly
        on
            periods.county_code = monthly.county_code
            and periods.plan_code = monthly.plan_code
            and periods.indicator_code = monthly.indicator_code
            and periods.reporting_month >= monthly.reporting_month
            and date_diff('month', monthly.reporting_month, periods.reporting_month)
            < periods.months_in_period
    group by
        periods.county_code, periods.plan_code, periods.indicator_code,
        periods.reporting_month, periods.frequency, periods.months_in_period, monthly.source
    having count(*) = periods.months_in_period
)

select
    submitted.county_code,
    submitted.institution_code,
    submitted.plan_code,
    submitted.indicator_code,
    submitted.reporting_month,
    submitted.frequency,
    'submission' as first_source,
    submitted.county_value as first_value,
    submitted.value_state as first_state,
    sums.source as second_source,
    sums.value as second_value,
    sums.value_least as second_value_least,
    sums.value_most as second_value_most,
    sums.occurrences,
    sums.added_later,
    sums.value_before,
    submitted.reporting = submitted.institutions as is_whole,
    submitted.institutions,
    submitted.largest,
    false as is_part,
    submitted.delivery_id,
    submitted.sheet,
    submitted.cell,
    submitted.row_number,
    submitted.received_at,
    submitted.is_superseded,
    submitted.is_made_up or sums.is_made_up as is_made_up
from {{ ref('int_submitted_values') }} as submitted
inner join sums
    on
        submitted.county_code = sums.county_code
        and submitted.plan_code = sums.plan_code
        and submitted.indicator_code = sums.indicator_code
        and submitted.reporting_month = sums.reporting_month
        and submitted.frequency = sums.frequency
