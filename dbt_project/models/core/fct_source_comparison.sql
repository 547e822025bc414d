-- A submitted total beside what the records count for the same period; both stay. A quarterly or
-- yearly value is compared with the sum of its months, and only where records cover them all. Where
-- the records give an interval, a value within it agrees.
with submitted as (
    select
        actuals.*,
        due.frequency as obligation_frequency,
        case due.frequency when 'quarterly' then 3 when 'yearly' then 12 else 1 end
            as months_in_period
    from {{ ref('fct_actuals') }} as actuals
    inner join {{ ref('fct_values_due') }} as due
        on
            actuals.county_code = due.county_code
            and actuals.institution_code = due.institution_code
            and actuals.indicator_code = due.indicator_code
            and actuals.reporting_month = due.reporting_month
    where
        actuals.frequency = 'month'
        and actuals.is_replaced is not true
        and actuals.category = 'total'
        and actuals.value_state in ('number', 'zero')
)

select
    submitted.county_code,
    submitted.institution_code,
    submitted.reporting_month,
    submitted.indicator_code,
    submitted.obligation_frequency as frequency,
    counts.source,
    any_value(submitted.value) as submitted_value,
    cast(sum(counts.value) as double) as recorded_value,
    cast(sum(counts.value_least) as double) as recorded_value_least,
    any_value(submitted.value) - least(
        greatest(any_value(submitted.value), sum(counts.value_least)), sum(counts.value_most)
    ) as difference,
    submitted.delivery_id,
    any_value(submitted.sheet) as sheet,
    any_value(submitted.cell) as cell,
    any_value(submitted.row_number) as row_number,
    any_value(submitted.received_at) as received_at,
    bool_or(submitted.superseded_at is not null) as is_superseded,
    bool_or(submitted.is_made_up or counts.is_made_up) as is_made_up
from submitted
inner join {{ ref('fct_record_counts') }} as counts
    on
        submitted.county_code = counts.county_code
        and submitted.indicator_code = counts.indicator_code
        and counts.category = 'total'
        and submitted.reporting_month >= counts.reporting_month
        and date_diff('month', counts.reporting_month, submitted.reporting_month)
        < submitted.months_in_period
group by
    submitted.county_code, submitted.institution_code, submitted.reporting_month,
    submitted.indicator_code, submitted.obligation_frequency, counts.source,
    submitted.delivery_id, submitted.months_in_period
having count(*) = submitted.months_in_period
