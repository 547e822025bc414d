-- What sources other than reports state of the year so far, and which of them is the official one.
-- A source that lacks one of these months states nothing: missing is not zero.
{{ config(materialized='table') }}

with complete_nation as (
    select
        plan_code,
        indicator_code,
        reporting_month,
        source,
        sum(value) as value,
        sum(value_least) as value_least,
        sum(coalesce(value_most, value)) as value_most,
        bool_or(is_made_up) as is_made_up
    from {{ ref('int_source_months') }}
    where county_code in ({{ counties_of_the_nation() }})
    group by plan_code, indicator_code, reporting_month, source
    having count(value) = (
        select count(*)
        from {{ ref('dim_counties') }} as counties
        where not counties.is_nation
    )
),

-- SIVET can be asked for the nation. Records state the nation's number only where every county has
-- them, and then a person known in two counties is one.
area_months as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        source,
        value,
        value_least,
        -- Of a part of the records at least that is known.
        coalesce(value_most, value) as value_most,
        is_made_up
    from {{ ref('int_source_months') }}
    where county_code <> 'AL'
    union all by name
    select
        'AL' as county_code,
        plan_code,
        indicator_code,
        reporting_month,
        source,
        coalesce(nation.value, complete.value) as value,
        coalesce(nation.value_least, complete.value_least) as value_least,
        coalesce(nation.value_most, complete.value_most) as value_most,
        coalesce(nation.is_made_up, complete.is_made_up) as is_made_up
    from (
        select *
        from {{ ref('int_source_months') }}
        where county_code = 'AL'
    ) as nation
    full outer join complete_nation as complete
        using (plan_code, indicator_code, reporting_month, source)
    where source = 'sivet' or complete.value is not null
),

-- A level or a milestone is what was stated last; counts add up over the year's months.
stated as (
    select
        stated.county_code,
        stated.plan_code,
        stated.indicator_code,
        stated.source,
        months.reporting_month,
        {% for reading in ['value', 'value_least', 'value_most'] -%}
            case
                when count(stated.value) < any_value(months.month_number) then null
                when any_value(indicators.target_basis) in ('level', 'milestone')
                    then arg_max(stated.{{ reading }}, stated.reporting_month)
                {% if reading == 'value_least' -%}
                    -- Of the whole year more is certain than of its months.
                    when stated.source <> 'sivet' and bool_or(gaps.may_year_fall) then 0
                    when stated.source <> 'sivet'
                        then
                            least(
                                coalesce(any_value(in_year.persons_in_year), 0), sum(stated.value)
                            )
                {% endif -%}
                else sum(stated.{{ reading }})
            end as {{ reading }},
        {% endfor -%}
        bool_or(stated.is_made_up) as is_made_up
    from area_months as stated
    inner join {{ ref('int_plan_months') }} as months
        on
            stated.plan_code = months.plan_code
            and stated.reporting_month <= months.reporting_month
            and year(stated.reporting_month) = months.year
    inner join {{ ref('dim_indicators') }} as indicators
        on
            stated.plan_code = indicators.plan_code
            and stated.indicator_code = indicators.indicator_code
    left join {{ ref('int_record_least_counts') }} as in_year
        on
            stated.county_code = in_year.county_code
            and stated.plan_code = in_year.plan_code
            and stated.indicator_code = in_year.indicator_code
            and months.reporting_month = in_year.reporting_month
            and in_year.category = 'total'
    left join {{ ref('int_record_gaps') }} as gaps
        on
            stated.county_code = gaps.county_code
            and stated.plan_code = gaps.plan_code
            and stated.indicator_code = gaps.indicator_code
            and months.reporting_month = gaps.reporting_month
    group by
        stated.county_code, stated.plan_code, stated.indicator_code, stated.source,
        months.reporting_month
)

select
    areas.county_code,
    months.plan_code,
    indicators.indicator_code,
    months.reporting_month,
    any_value(officials.source) as official_source,
    any_value(stated.value) filter (where stated.source = officials.source) as official_value,
    min(stated.value_least) as source_least,
    max(stated.value_most) as source_most,
    coalesce(bool_or(stated.is_made_up), false) as is_made_up
from {{ ref('dim_counties') }} as areas
cross join {{ ref('int_plan_months') }} as months
inner join {{ ref('dim_indicators') }} as indicators on months.plan_code = indicators.plan_code
left join {{ ref('official_sources') }} as officials
    on
        indicators.plan_code = officials.plan_code
        and indicators.indicator_code = officials.indicator_code
left join stated
    on
        areas.county_code = stated.county_code
        and months.plan_code = stated.plan_code
        and months.reporting_month = stated.reporting_month
        and indicators.indicator_code = stated.indicator_code
where officials.source is not null or stated.source is not null
group by
    areas.county_code, months.plan_code, indicators.indicator_code, months.reporting_month
