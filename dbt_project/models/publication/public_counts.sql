-- The exact counts that the public tier shows masked, in the shapes in which it may show them. A
-- year's count is at its December, a quarter's adds up three months of the nation: a county's
-- quarters don't go out.
with progress as (
    select
        progress.*,
        indicators.target_basis in ('level', 'milestone') as is_level
    from {{ ref('indicator_progress') }} as progress
    inner join {{ ref('dim_indicators') }} as indicators
        on
            progress.plan_code = indicators.plan_code
            and progress.indicator_code = indicators.indicator_code
    where indicators.is_protected
),

published_years as (
    select distinct
        indicator_code,
        reporting_month
    from {{ ref('fct_actuals') }}
    where
        county_code = 'AL'
        and frequency = 'year'
        and category = 'total'
        and value_state in ('number', 'zero')
        and superseded_at is null
),

counties_in_years as (
    select
        indicator_code,
        reporting_month,
        string_agg(county_code, ' ' order by county_code) as counties
    from progress
    where county_code in ({{ counties_of_the_nation() }}) and actual_year_to_date is not null
    group by indicator_code, reporting_month
),

years as (
    select
        progress.county_code,
        progress.reporting_month,
        cast(year(progress.reporting_month) as varchar) as period,
        progress.indicator_code as subject,
        progress.actual_year_to_date as value,
        counties_in_years.counties,
        coalesce(progress.counties_reporting < progress.counties_expected, false)
        or (
            progress.actual_year_to_date is not null
            and progress.actual_year_to_date_most is null
        ) as is_lower_bound,
        progress.counties_reporting,
        progress.counties_expected,
        case
            when published_years.indicator_code is null then 'reports' else 'published_figure'
        end as counted_from,
        progress.target_value,
        progress.is_made_up
    from progress
    left join published_years
        on
            progress.county_code = 'AL'
            and progress.indicator_code = published_years.indicator_code
            and progress.reporting_month = published_years.reporting_month
    left join counties_in_years
        on
            progress.county_code = 'AL'
            and progress.indicator_code = counties_in_years.indicator_code
            and progress.reporting_month = counties_in_years.reporting_month
    where month(progress.reporting_month) = 12
),

quarters as (
    select
        'AL' as county_code,
        max(reporting_month) as reporting_month,
        year(reporting_month) || '-Q' || quarter(reporting_month) as period,
        indicator_code as subject,
        sum(actual_month) filter (where county_code = 'AL') as value,
        string_agg(distinct county_code, ' ' order by county_code) filter (
            where county_code in ({{ counties_of_the_nation() }}) and actual_month is not null
        ) as counties,
        coalesce(bool_or(is_month_lower_bound), false)
        or count(distinct county_code) filter (
            where county_code in ({{ counties_of_the_nation() }}) and actual_month is not null
        )
        < max(counties_expected) as is_lower_bound,
        cast(
            count(distinct county_code) filter (
                where county_code in ({{ counties_of_the_nation() }}) and actual_month is not null
            ) as integer
        ) as counties_reporting,
        max(counties_expected) as counties_expected,
        'reports' as counted_from,
        cast(null as double) as target_value,
        coalesce(bool_or(is_made_up) filter (where county_code = 'AL'), false) as is_made_up
    from progress
    where not is_level
    group by plan_code, indicator_code, year(reporting_month), quarter(reporting_month)
    having count(distinct reporting_month) = 3
),

indicator_counts as (
    select * from years
    union all by name
    select * from quarters
),

every_count as (
    select
        *,
        'total' as dimension,
        'total' as category
    from indicator_counts
    union all by name
    select
        * exclude (counties_missing, may_fall),
        'records' as counted_from
    from {{ ref('person_counts') }}
)

select
    county_code,
    reporting_month,
    period,
    subject,
    dimension,
    category,
    cast(round(value) as bigint) as value,
    is_lower_bound,
    counties_reporting,
    counties_expected,
    counties,
    counted_from,
    target_value,
    is_made_up
from every_count
