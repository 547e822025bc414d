-- Counties that do not fit their nation. A published figure is the nation's for a year; counties
-- that together, or one alone, give more contradict it even before all have reported.
with county_years as (
    select
        plan_code,
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
        plan_code,
        indicator_code,
        year(reporting_month) as year
    from {{ ref('int_due_values') }}
    where county_code in ({{ counties_of_the_nation() }})
    group by all
    having count(value) = count(*) and max(month(reporting_month)) = 12
),

-- What the counties give is a part at the least, and a whole once all have reported the year.
counties as (
    select
        county_years.plan_code,
        county_years.indicator_code,
        county_years.year,
        any_value(county_years.value) as value,
        count(complete.county_code) as complete,
        count(complete.county_code) = (
            select count(*)
            from {{ ref('dim_counties') }} as every_county
            where not every_county.is_nation
        ) as is_whole
    from county_years
    left join complete_county_years as complete
        on
            county_years.plan_code = complete.plan_code
            and county_years.indicator_code = complete.indicator_code
            and county_years.year = complete.year
    group by county_years.plan_code, county_years.indicator_code, county_years.year
),

published as (
    select
        actuals.*,
        year(actuals.reporting_month) as year,
        indicators.target_basis
    from {{ ref('int_nation_figures') }} as actuals
    inner join {{ ref('dim_indicators') }} as indicators
        on
            actuals.plan_code = indicators.plan_code
            and actuals.indicator_code = indicators.indicator_code
),

figures as (
    select
        published.*,
        counties.value as counties_value,
        counties.complete,
        counties.is_whole
    from published
    inner join counties using (plan_code, indicator_code, year)
    where published.target_basis not in ('milestone', 'level')
),

places as (
    select
        *,
        published as place
    from published
),

nation_years as (
    select
        coalesce(places.plan_code, counties.plan_code) as plan_code,
        coalesce(places.indicator_code, counties.indicator_code) as indicator_code,
        coalesce(places.year, counties.year) as year,
        coalesce(places.value, counties.value) as value,
        counties.value as counties_value,
        places.delivery_id is not null as is_published,
        places.delivery_id is not null or counties.is_whole as is_whole,
        places.place
    from places
    full outer join counties
        on
            places.plan_code = counties.plan_code
            and places.indicator_code = counties.indicator_code
            and places.year = counties.year
),

-- Where neither is published, the finding is the county's; where the counties' whole is more than
-- what was published, so are their parts.
parts_beyond as (
    select
        parts.indicator_code as part,
        wholes.indicator_code as whole,
        parts.year,
        parts.value as part_value,
        wholes.value as whole_value,
        case when parts.is_published then parts.place else wholes.place end as place
    from {{ ref('indicator_parts') }} as pairs
    inner join nation_years as parts
        on
            pairs.plan_code = parts.plan_code
            and pairs.part_indicator_code = parts.indicator_code
    inner join nation_years as wholes
        on
            pairs.plan_code = wholes.plan_code
            and pairs.whole_indicator_code = wholes.indicator_code
            and parts.year = wholes.year
    where
        wholes.is_whole
        and (
            parts.is_published
            or (wholes.is_published and coalesce(wholes.counties_value <= wholes.value, true))
        )
        and parts.value > wholes.value
)

select
    {{ finding(
        'part_exceeds_other_indicator', variant='year', at='parts_beyond.place', is_mended='false',
        texts={'part': 'parts_beyond.part', 'whole': 'parts_beyond.whole'},
        counts={
            'year': 'parts_beyond.year', 'part_value': 'parts_beyond.part_value',
            'whole_value': 'parts_beyond.whole_value',
        },
    ) }}
from parts_beyond

{% for rule, condition in [
    ('regions_exceed_nation', 'figures.counties_value > figures.value'),
    (
        'nation_exceeds_regions',
        'figures.counties_value < figures.value and figures.is_whole',
    ),
] -%}
    union all by name

    select
        {{ finding(
            rule, at='figures',
            texts={'indicator': 'figures.indicator_code'},
            counts={
                'year': 'figures.year', 'together': 'figures.counties_value',
                'nation': 'figures.value', 'complete': 'figures.complete',
            },
        ) }}
    from figures
    where {{ condition }}

{% endfor %}
