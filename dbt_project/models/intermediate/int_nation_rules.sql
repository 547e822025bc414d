-- Counties that do not fit their nation. A published figure is the nation's for a year; counties
-- that together, or one alone, give more contradict it even before all have reported.
with county_years as (
    select
        indicator_code,
        year(reporting_month) as year,
        sum(value) as value
    from {{ ref('int_monthly_totals') }}
    where
        superseded_at is null
        and is_additive
        and county_code in ({{ counties_of_the_nation() }})
    group by all
),

complete_county_years as (
    select
        county_code,
        indicator_code,
        year(reporting_month) as year
    from {{ ref('int_due_values') }}
    where county_code in ({{ counties_of_the_nation() }})
    group by all
    having count(value) = count(*) and max(month(reporting_month)) = 12
),

complete_counties as (
    select
        indicator_code,
        year,
        count(*) as counties
    from complete_county_years
    group by indicator_code, year
),

figures as (
    select
        published.*,
        county_years.year,
        county_years.value as counties_value,
        coalesce(complete_counties.counties, 0) as counties
    from {{ ref('fct_actuals') }} as published
    inner join {{ ref('dim_indicators') }} as indicators
        on
            published.plan_code = indicators.plan_code
            and published.indicator_code = indicators.indicator_code
    inner join county_years
        on
            published.indicator_code = county_years.indicator_code
            and year(published.reporting_month) = county_years.year
    left join complete_counties
        on
            county_years.indicator_code = complete_counties.indicator_code
            and county_years.year = complete_counties.year
    where
        published.county_code = 'AL'
        and published.frequency = 'year'
        and published.superseded_at is null
        and published.category = 'total'
        and published.value_state in ('number', 'zero')
        and indicators.target_basis not in ('milestone', 'level')
)

{% for rule, condition in [
    ('regions_exceed_nation', 'figures.counties_value > figures.value'),
    (
        'nation_exceeds_regions',
        'figures.counties_value < figures.value and figures.counties = 12',
    ),
] -%}
    select
        {{ finding(
            rule, at='figures',
            texts={'indicator': 'figures.indicator_code'},
            counts={
                'year': 'figures.year', 'together': 'figures.counties_value',
                'nation': 'figures.value', 'complete': 'figures.counties',
            },
        ) }}
    from figures
    where {{ condition }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
