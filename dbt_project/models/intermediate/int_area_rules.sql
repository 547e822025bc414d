-- What only a whole county or the nation shows: growth that coverage makes or does not explain.
with thresholds as (
    {{ thresholds([
        'coverage_growth_ratio', 'coverage_growth_least', 'growth_ratio', 'growth_least',
        'growth_least_past',
    ]) }}
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
        months.newcomers_sq,
        months.newcomers_en,
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
        'growth_from_coverage', at='grown', is_mended='false',
        texts={
            'indicator': 'grown.indicator_code', 'newcomers_sq': 'grown.newcomers_sq',
            'newcomers_en': 'grown.newcomers_en',
        },
        counts={'before': 'grown.comparable_before', 'now': 'grown.comparable'},
    ) }}
from grown
cross join thresholds
where
    grown.newcomers_sq is not null
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
