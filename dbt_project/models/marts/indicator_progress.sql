-- Actuals against targets, month by month within each national plan.
with remarks as (
    select
        county_code,
        reporting_month,
        plan_code,
        indicator_code,
        count(*) filter (where kind = 'waiver') as waivers,
        count(*) filter (where kind = 'correction') as corrections
    from {{ ref('fct_remarks') }}
    group by county_code, reporting_month, plan_code, indicator_code
)

select
    readings.county_code,
    readings.reporting_month,
    readings.plan_code,
    readings.indicator_code,
    readings.actual_month,
    readings.actual_year_to_date,
    readings.actual_cumulative,
    readings.actual_year_to_date_least,
    readings.actual_year_to_date_most,
    readings.actual_cumulative_least,
    readings.actual_cumulative_most,
    readings.official_value,
    readings.official_source,
    readings.target_value,
    case
        when readings.target_value is null then 'none'
        when readings.county_code = 'AL' then 'nation'
        else 'county'
    end as target_scope,
    case
        when
            readings.target_basis <> 'cumulative'
            and readings.direction = 'increase'
            and readings.target_value > 0
            then round(100 * readings.actual_year_to_date_least / readings.target_value, 1)
    end as progress_annual,
    case
        when
            readings.target_basis in ('cumulative', 'unstated')
            and readings.direction = 'increase'
            and readings.target_value > 0
            then round(100 * readings.actual_cumulative_least / readings.target_value, 1)
    end as progress_cumulative,
    case
        when readings.year < readings.start_year then 'not_due'
        when
            readings.target_basis = 'milestone'
            and coalesce(readings.target_value, 0) = 0
            and readings.has_later_target
            then 'not_due'
        when readings.target_value is null then 'no_target'
        when
            least(
                readings.annual_status_least, readings.annual_status_most,
                readings.cumulative_status_least, readings.cumulative_status_most
            )
            <> greatest(
                readings.annual_status_least, readings.annual_status_most,
                readings.cumulative_status_least, readings.cumulative_status_most
            )
            then 'ambiguous'
        else coalesce(readings.annual_status_least, readings.cumulative_status_least)
    end as status,
    activity.activity_status,
    case when activity.activity_status <> 'not_due' then activity.activity_since end
        as activity_since,
    last_year.change_on_last_year,
    coalesce(last_year.values_compared, 0) as values_compared,
    readings.has_break and readings.is_first_month as break_before,
    readings.completeness,
    readings.actual_month is not null and not readings.is_month_whole as is_month_lower_bound,
    readings.is_lower_bound,
    cast(readings.counties_reporting as integer) as counties_reporting,
    cast(readings.counties_expected as integer) as counties_expected,
    readings.counties_missing,
    cast(coalesce(remarks.waivers, 0) as integer) as waivers,
    cast(coalesce(remarks.corrections, 0) as integer) as corrections,
    readings.is_made_up
from {{ ref('int_progress_readings') }} as readings
inner join {{ ref('int_activity') }} as activity
    on
        readings.county_code = activity.county_code
        and readings.plan_code = activity.plan_code
        and readings.indicator_code = activity.indicator_code
        and readings.reporting_month = activity.reporting_month
left join {{ ref('int_last_year') }} as last_year
    on
        readings.county_code = last_year.county_code
        and readings.plan_code = last_year.plan_code
        and readings.indicator_code = last_year.indicator_code
        and readings.reporting_month = last_year.reporting_month
left join remarks
    on
        readings.county_code = remarks.county_code
        and readings.reporting_month = remarks.reporting_month
        and readings.plan_code = remarks.plan_code
        and readings.indicator_code = remarks.indicator_code
