-- What only a whole county or the nation shows: a part that outgrows its whole, growth that
-- coverage makes or does not explain, regions that do not fit their nation.
with totals as (
    select
        actuals.*,
        indicators.target_basis not in ('milestone', 'level') as is_additive
    from {{ ref('fct_actuals') }} as actuals
    inner join {{ ref('dim_indicators') }} as indicators
        on actuals.indicator_code = indicators.indicator_code
    where
        actuals.superseded_at is null
        and actuals.category = 'total'
        and actuals.value_state in ('number', 'zero')
),

thresholds as (
    {% set names = [
        'coverage_growth_ratio', 'coverage_growth_least', 'growth_ratio', 'growth_least',
        'growth_least_past',
    ] -%}
    select
        {% for name in names -%}
            max(value) filter (where threshold = '{{ name }}') as {{ name }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('dim_quality_thresholds') }}
),

-- Each value that a county's institution owes, with what came of it and of the one before.
due as (
    select
        due.county_code,
        due.institution_code,
        due.indicator_code,
        due.reporting_month,
        totals.value,
        totals.is_additive,
        lag(due.reporting_month) over institution_values as month_before,
        lag(totals.value) over institution_values as value_before
    from {{ ref('fct_values_due') }} as due
    left join totals
        on
            due.county_code = totals.county_code
            and due.institution_code = totals.institution_code
            and due.indicator_code = totals.indicator_code
            and due.reporting_month = totals.reporting_month
            and totals.frequency = 'month'
    window institution_values as (
        partition by due.county_code, due.institution_code, due.indicator_code
        order by due.reporting_month
    )
),

-- A part and its whole come from different institutions, so a county's month is compared, and only
-- where whoever owes the whole has reported it.
county_months as (
    select
        county_code,
        indicator_code,
        reporting_month,
        sum(value) as value,
        count(value) = count(*) as is_whole
    from due
    group by county_code, indicator_code, reporting_month
),

part_exceeds_other_indicator as (
    select
        'part_exceeds_other_indicator' as rule,
        parts.county_code,
        parts.reporting_month,
        parts.indicator_code,
        'Treguesi ' || parts.indicator_code || ' jep ' || cast(parts.value as bigint)
        || ', më shumë se treguesi ' || wholes.indicator_code || ', që jep '
        || cast(wholes.value as bigint) || ' dhe e përmban.' as message_sq,
        'Indicator ' || parts.indicator_code || ' gives ' || cast(parts.value as bigint)
        || ', more than indicator ' || wholes.indicator_code || ', which gives '
        || cast(wholes.value as bigint) || ' and contains it.' as message_en
    from {{ ref('indicator_parts') }} as pairs
    inner join county_months as parts on pairs.part_indicator_code = parts.indicator_code
    inner join county_months as wholes
        on
            pairs.whole_indicator_code = wholes.indicator_code
            and parts.county_code = wholes.county_code
            and parts.reporting_month = wholes.reporting_month
    where wholes.is_whole and parts.value > wholes.value
),

-- A county is made of its institutions, the nation of its counties; each is compared with what it
-- said the last time that a value was due of it.
county_sums as (
    select
        county_code,
        indicator_code,
        reporting_month,
        sum(value) as value
    from totals
    where frequency = 'month' and is_additive and county_code <> 'AL'
    group by county_code, indicator_code, reporting_month
),

reported_months as (
    select distinct
        indicator_code,
        reporting_month
    from county_sums
),

reporting_counties as (
    select distinct
        indicator_code,
        county_code
    from county_sums
),

members as (
    select
        county_code as area_code,
        institution_code as member_code,
        indicator_code,
        reporting_month,
        month_before,
        value,
        value_before
    from due
    where coalesce(is_additive, true)
    union all
    select
        'AL' as area_code,
        counties.county_code as member_code,
        months.indicator_code,
        months.reporting_month,
        lag(months.reporting_month) over county_values as month_before,
        county_sums.value,
        lag(county_sums.value) over county_values as value_before
    from reported_months as months
    inner join reporting_counties as counties
        on months.indicator_code = counties.indicator_code
    left join county_sums
        on
            months.indicator_code = county_sums.indicator_code
            and months.reporting_month = county_sums.reporting_month
            and counties.county_code = county_sums.county_code
    window county_values as (
        partition by counties.county_code, months.indicator_code order by months.reporting_month
    )
),

area_months as (
    select
        area_code,
        indicator_code,
        reporting_month,
        sum(value) as value,
        count(value) as reporting,
        sum(value) filter (where month_before is not null) as comparable,
        sum(value_before) as comparable_before,
        sum(value) filter (where value_before is not null) as of_the_same,
        sum(value_before) filter (where value is not null) as of_the_same_before,
        string_agg(member_code, ', ' order by member_code) filter (
            where value is not null and value_before is null and month_before is not null
        ) as newcomers
    from members
    group by area_code, indicator_code, reporting_month
),

growth_from_coverage as (
    select
        'growth_from_coverage' as rule,
        grown.area_code as county_code,
        grown.reporting_month,
        grown.indicator_code,
        'Treguesi ' || grown.indicator_code || ' u rrit nga '
        || cast(grown.comparable_before as bigint) || ' në ' || cast(grown.comparable as bigint)
        || ', sepse tani raporton edhe ' || grown.newcomers
        || ', që herën e fundit nuk raportoi.' as message_sq,
        'Indicator ' || grown.indicator_code || ' grew from '
        || cast(grown.comparable_before as bigint) || ' to ' || cast(grown.comparable as bigint)
        || ' because ' || grown.newcomers || ' reports now and did not the last time.'
            as message_en
    from area_months as grown
    cross join thresholds
    where
        grown.newcomers is not null
        and grown.comparable_before > 0
        and grown.comparable >= thresholds.coverage_growth_ratio * grown.comparable_before
        and grown.comparable - grown.comparable_before >= thresholds.coverage_growth_least
        and coalesce(grown.of_the_same, 0)
        < thresholds.coverage_growth_ratio * coalesce(grown.of_the_same_before, 0)
),

area_pasts as (
    select
        *,
        max(value) over earlier as most_before,
        max(reporting) over earlier as most_reporting_before,
        count(value) over earlier as months_before
    from area_months
    window earlier as (
        partition by area_code, indicator_code
        order by reporting_month
        rows between unbounded preceding and 1 preceding
    )
),

growth_without_coverage as (
    select
        'growth_without_coverage' as rule,
        grown.area_code as county_code,
        grown.reporting_month,
        grown.indicator_code,
        'Treguesi ' || grown.indicator_code || ' jep ' || cast(grown.value as bigint)
        || '; më i larti deri tani ishte ' || cast(grown.most_before as bigint)
        || ', dhe nuk raportojnë më shumë se më parë.' as message_sq,
        'Indicator ' || grown.indicator_code || ' gives ' || cast(grown.value as bigint)
        || '; the most so far was ' || cast(grown.most_before as bigint)
        || ', and no more report than before.' as message_en
    from area_pasts as grown
    cross join thresholds
    where
        grown.reporting >= 2
        and grown.reporting <= grown.most_reporting_before
        and grown.months_before >= thresholds.growth_least_past
        and grown.value >= thresholds.growth_least
        and grown.value >= thresholds.growth_ratio * grown.most_before
),

-- Where a finding on an area stands: at the largest of the values that it is about.
found as (
    select * from part_exceeds_other_indicator
    union all
    select * from growth_from_coverage
    union all
    select * from growth_without_coverage
),

area_findings as (
    select
        found.*,
        arg_max(
            {
                'institution_code': totals.institution_code, 'delivery_id': totals.delivery_id,
                'sheet': totals.sheet, 'cell': totals.cell, 'row_number': totals.row_number,
                'received_at': totals.received_at, 'is_made_up': totals.is_made_up
            },
            totals.value
        ) as largest
    from found
    inner join totals
        on
            found.county_code in (totals.county_code, 'AL')
            and found.indicator_code = totals.indicator_code
            and found.reporting_month = totals.reporting_month
            and totals.frequency = 'month'
    group by all
),

-- A published figure is the nation's for a year; regions that together, or one alone, give more
-- contradict it even before all have reported.
county_years as (
    select
        indicator_code,
        year(reporting_month) as year,
        sum(value) as value
    from county_sums
    group by all
),

complete_county_years as (
    select
        county_code,
        indicator_code,
        year(reporting_month) as year
    from due
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

regions_beside_nation as (
    select
        figures.*,
        cast(county_years.value as bigint) as regions_value,
        coalesce(complete_counties.counties, 0) as counties
    from totals as figures
    inner join county_years
        on
            figures.indicator_code = county_years.indicator_code
            and year(figures.reporting_month) = county_years.year
    left join complete_counties
        on
            figures.indicator_code = complete_counties.indicator_code
            and year(figures.reporting_month) = complete_counties.year
    where figures.county_code = 'AL' and figures.frequency = 'year' and figures.is_additive
),

nation_findings as (
    select
        *,
        case
            when regions_value > value then 'regions_exceed_nation' else 'nation_exceeds_regions'
        end as rule,
        'Treguesi ' || indicator_code || ', viti ' || year(reporting_month)
        || ': qarqet japin së bashku ' || regions_value || ', shifra kombëtare është '
        || cast(value as bigint) || '; të plota janë ' || counties || ' nga 12 qarqe.'
            as message_sq,
        'Indicator ' || indicator_code || ', year ' || year(reporting_month)
        || ': the counties give together ' || regions_value || ', the national figure is '
        || cast(value as bigint) || '; ' || counties || ' of 12 counties are complete.'
            as message_en
    from regions_beside_nation
    where regions_value > value or (regions_value < value and counties = 12)
)

select
    rule,
    county_code,
    largest.institution_code,
    reporting_month,
    indicator_code,
    largest.delivery_id,
    largest.sheet,
    largest.cell,
    largest.row_number,
    message_sq,
    message_en,
    largest.received_at as found_at,
    false as is_mended,
    largest.is_made_up
from area_findings

union all

select
    rule,
    county_code,
    institution_code,
    reporting_month,
    indicator_code,
    delivery_id,
    sheet,
    cell,
    row_number,
    message_sq,
    message_en,
    received_at as found_at,
    false as is_mended,
    is_made_up
from nation_findings
