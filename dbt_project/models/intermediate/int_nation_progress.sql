-- The nation at each month of its plan: the sum of the counties, or a figure published for the
-- whole year, which is known at its December and replaces the counties' sum.
with figures as (
    select
        plan_code,
        indicator_code,
        reporting_month,
        arg_max(value, (received_at, delivery_id, row_number)) as value,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_actuals') }}
    where
        superseded_at is null
        and county_code = 'AL'
        and frequency = 'year'
        and category = 'total'
        and value_state in ('number', 'zero')
    group by plan_code, indicator_code, reporting_month
),

-- What two counties count may be the same persons, as with two institutions: who is identified in
-- one is often sheltered in another.
sums as (
    select
        plan_code,
        indicator_code,
        reporting_month,
        year,
        month_number,
        sum(actual_month) as actual_month,
        sum(actual_year_to_date) as actual_year_to_date,
        case
            when bool_or(may_overlap) then max(actual_year_to_date_least)
            else sum(actual_year_to_date_least)
        end as actual_year_to_date_least,
        sum(actual_year_to_date_most) as actual_year_to_date_most,
        {{ share('sum(cast(coalesce(completeness, 0) as decimal(18, 6)))', 'count(*)') }}
            as completeness,
        bool_and(is_whole) as is_whole,
        bool_and(is_month_whole) as is_month_whole,
        bool_or(coalesce(completeness < 1, false)) as is_due_missing,
        count(*) as counties_expected,
        -- Who answered that there is nothing to count is in the number, too.
        count(*) filter (where actual_year_to_date is not null or is_whole) as counties_reporting,
        string_agg(county_code, ' ' order by county_code) filter (
            where actual_year_to_date is null and not is_whole
        ) as counties_missing,
        bool_or(is_made_up) as is_made_up
    from {{ ref('int_nation_counties') }}
    group by plan_code, indicator_code, reporting_month, year, month_number
),

nation_months as (
    select
        sums.plan_code,
        sums.indicator_code,
        sums.reporting_month,
        sums.year,
        sums.month_number,
        indicators.target_basis,
        sums.actual_month,
        coalesce(figures.value, sums.actual_year_to_date) as actual_year_to_date,
        least(
            coalesce(figures.value, sums.actual_year_to_date_least), sources.source_least
        ) as actual_year_to_date_least,
        greatest(
            coalesce(figures.value, sums.actual_year_to_date_most), sources.source_most
        ) as actual_year_to_date_most,
        case when figures.value is not null then 1 else sums.completeness end as completeness,
        figures.value is not null or sums.is_whole as is_whole,
        sums.is_month_whole,
        sums.is_due_missing,
        -- A figure published for the nation is about all of its counties.
        sums.counties_expected,
        case
            when figures.value is not null then sums.counties_expected
            else sums.counties_reporting
        end as counties_reporting,
        case when figures.value is null then sums.counties_missing end as counties_missing,
        coalesce(figures.is_made_up, sums.is_made_up) as is_made_up
    from sums
    inner join {{ ref('dim_indicators') }} as indicators
        on
            sums.plan_code = indicators.plan_code
            and sums.indicator_code = indicators.indicator_code
    left join figures
        on
            sums.plan_code = figures.plan_code
            and sums.indicator_code = figures.indicator_code
            and sums.reporting_month = figures.reporting_month
    left join {{ ref('int_official_values') }} as sources
        on
            sources.county_code = 'AL'
            and sums.plan_code = sources.plan_code
            and sums.indicator_code = sources.indicator_code
            and sums.reporting_month = sources.reporting_month
            and coalesce(figures.value, sums.actual_year_to_date) is not null
)

-- Until a month: that month, and the Decembers before it.
select
    nation.plan_code,
    nation.indicator_code,
    nation.reporting_month,
    nation.year,
    nation.month_number,
    nation.actual_month,
    nation.completeness,
    nation.is_whole,
    nation.is_month_whole,
    nation.counties_expected,
    nation.counties_reporting,
    nation.counties_missing,
    {% for end in ['', '_least', '_most'] -%}
        case nation.target_basis
            when 'milestone'
                then arg_max(until_then.actual_year_to_date{{ end }}, until_then.reporting_month)
            else nation.actual_year_to_date{{ end }}
        end as actual_year_to_date{{ end }},
        case
            {% if end == '_least' -%}
                -- It may have fallen since: what would tell is missing.
                when
                    nation.target_basis = 'level'
                    and nation.actual_year_to_date is null
                    and nation.is_due_missing
                    and count(until_then.actual_year_to_date) > 0
                    then 0
            {% endif -%}
            when nation.target_basis in ('level', 'milestone')
                then arg_max(until_then.actual_year_to_date{{ end }}, until_then.reporting_month)
            else sum(until_then.actual_year_to_date{{ end }})
        end as actual_cumulative{{ end }},
    {% endfor %}
    bool_or(until_then.is_made_up) as is_made_up
from nation_months as nation
inner join nation_months as until_then
    on
        nation.plan_code = until_then.plan_code
        and nation.indicator_code = until_then.indicator_code
        and (
            nation.reporting_month = until_then.reporting_month
            or (nation.year > until_then.year and until_then.month_number = 12)
        )
group by
    nation.plan_code, nation.indicator_code, nation.reporting_month, nation.year,
    nation.month_number, nation.target_basis, nation.actual_month, nation.completeness,
    nation.is_whole, nation.is_month_whole, nation.counties_expected, nation.counties_reporting,
    nation.is_due_missing, nation.counties_missing, nation.actual_year_to_date,
    nation.actual_year_to_date_least, nation.actual_year_to_date_most
