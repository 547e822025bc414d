-- What only a whole county or the nation shows: a part that outgrows its whole, growth that
-- coverage makes or does not explain.
with thresholds as (
    {{ thresholds([
        'coverage_growth_ratio', 'coverage_growth_least', 'growth_ratio', 'growth_least',
        'growth_least_past',
    ]) }}
),

-- A part and its whole come from different institutions, so a county's month is compared, and only
-- where whoever owes the whole has reported it.
county_months as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        sum(value) as value,
        count(value) = count(*) as is_whole
    from {{ ref('int_due_values') }}
    group by county_code, plan_code, indicator_code, reporting_month
),

grown as (
    select
        places.*,
        months.value,
        months.reporting,
        months.comparable,
        months.comparable_before,
        months.of_the_same,
        months.of_the_same_before,
        months.newcomers,
        months.most_before,
        months.most_reporting_before,
        months.months_before
    from {{ ref('int_area_months') }} as months
    inner join {{ ref('int_area_places') }} as places
        on
            months.area_code = places.county_code
            and months.indicator_code = places.indicator_code
            and months.reporting_month = places.reporting_month
)

select
    {{ finding(
        'part_exceeds_other_indicator', at='places', is_mended='false',
        texts={'part': 'parts.indicator_code', 'whole': 'wholes.indicator_code'},
        counts={'part_value': 'parts.value', 'whole_value': 'wholes.value'},
    ) }}
from {{ ref('indicator_parts') }} as pairs
inner join county_months as parts
    on
        pairs.plan_code = parts.plan_code
        and pairs.part_indicator_code = parts.indicator_code
inner join county_months as wholes
    on
        pairs.plan_code = wholes.plan_code
        and pairs.whole_indicator_code = wholes.indicator_code
        and parts.county_code = wholes.county_code
        and parts.reporting_month = wholes.reporting_month
inner join {{ ref('int_area_places') }} as places
    on
        parts.county_code = places.county_code
        and parts.indicator_code = places.indicator_code
        and parts.reporting_month = places.reporting_month
where wholes.is_whole and parts.value > wholes.value

union all by name

select
    {{ finding(
        'growth_from_coverage', at='grown', is_mended='false',
        texts={'indicator': 'grown.indicator_code', 'newcomers': 'grown.newcomers'},
        counts={'before': 'grown.comparable_before', 'now': 'grown.comparable'},
    ) }}
from grown
cross join thresholds
where
    grown.newcomers is not null
    and grown.comparable_before > 0
    and grown.comparable >= thresholds.coverage_growth_ratio * grown.comparable_before
    and grown.comparable - grown.comparable_before >= thresholds.coverage_growth_least
    and coalesce(grown.of_the_same, 0)
    < thresholds.coverage_growth_ratio * coalesce(grown.of_the_same_before, 0)

union all by name

select
    {{ finding(
        'growth_without_coverage', at='grown', is_mended='false',
        texts={'indicator': 'grown.indicator_code'},
        counts={'before': 'grown.most_before', 'now': 'grown.value'},
    ) }}
from grown
cross join thresholds
where
    grown.reporting >= 2
    and grown.reporting <= grown.most_reporting_before
    and grown.months_before >= thresholds.growth_least_past
    and grown.value >= thresholds.growth_least
    and grown.value >= thresholds.growth_ratio * grown.most_before
