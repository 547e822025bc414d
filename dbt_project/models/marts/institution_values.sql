-- What each institution of a county, municipalities among them, reported for a month, in its
-- current version, and what it owed and did not report. Counts from records are of the county, not
-- of an institution, and are not here.
with reported as (
    select
        county_code,
        institution_code,
        reporting_month,
        plan_code,
        indicator_code,
        category,
        value,
        value_state,
        unit,
        correction_id is not null as is_corrected,
        is_made_up
    from {{ ref('fct_actuals') }}
    where superseded_at is null and frequency = 'month' and county_code <> 'AL'
),

origins as (
    select
        area_code,
        is_made_up
    from {{ ref('bridge_area_members') }}
    where area_code = county_code
),

owed as (
    select distinct
        due.county_code,
        due.institution_code,
        due.reporting_month,
        due.plan_code,
        due.indicator_code,
        'total' as category,
        cast(null as double) as value,
        'not_reported' as value_state,
        indicators.unit,
        false as is_corrected,
        coalesce(origins.is_made_up, false) as is_made_up
    from {{ ref('fct_values_due') }} as due
    inner join {{ ref('dim_indicators') }} as indicators
        on
            due.plan_code = indicators.plan_code
            and due.indicator_code = indicators.indicator_code
    left join origins on due.county_code = origins.area_code
    where not exists (
        select 1
        from reported
        where
            reported.county_code = due.county_code
            and reported.institution_code = due.institution_code
            and reported.reporting_month = due.reporting_month
            and reported.plan_code = due.plan_code
            and reported.indicator_code = due.indicator_code
    )
),

every_value as (
    select * from reported
    union all
    select * from owed
)

select
    every_value.county_code,
    every_value.reporting_month,
    every_value.institution_code,
    municipalities.municipality_code,
    every_value.plan_code,
    every_value.indicator_code,
    every_value.category,
    every_value.value,
    every_value.value_state,
    every_value.unit,
    every_value.is_corrected,
    every_value.is_made_up
from every_value
left join {{ ref('dim_institutions') }} as institutions
    on every_value.institution_code = institutions.institution_code
left join {{ ref('dim_municipalities') }} as municipalities
    on
        institutions.county_code = municipalities.county_code
        and institutions.municipality_name = municipalities.name_sq
