-- What each county reported of an indicator in a period, and what that rests on. Counts add up over
-- the period's months; a level is what was reported last. It is whole when all of the period was
-- owed and came. Nothing is owed for a span that the period only touches: is_owed_otherwise.
{{ config(materialized='table') }}

with covered as (
    select
        obligations.county_code,
        obligations.plan_code,
        obligations.indicator_code,
        obligations.reporting_month as last_month,
        obligations.reporting_month - to_months({{ months_in('obligations.frequency') }} - 1)
            as first_month,
        indicators.target_basis not in ('level', 'milestone') as is_additive,
        true as is_owed
    from {{ ref('int_obligation_months') }} as obligations
    inner join {{ ref('dim_indicators') }} as indicators
        on
            obligations.plan_code = indicators.plan_code
            and obligations.indicator_code = indicators.indicator_code
    where obligations.is_recorded
    union
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month as last_month,
        reporting_month as first_month,
        false as is_additive,
        false as is_owed
    from {{ ref('int_answers') }}
),

touched as (
    select
        covered.county_code,
        covered.plan_code,
        covered.indicator_code,
        periods.period,
        bool_or(
            covered.is_additive
            and (
                covered.first_month < periods.first_month
                or covered.last_month > periods.last_month
            )
        ) as is_cut,
        bool_or(covered.is_owed) as is_owed,
        len(list_distinct(flatten(list(
            generate_series(
                greatest(covered.first_month, periods.first_month),
                least(covered.last_month, periods.last_month),
                interval 1 month
            )
        )))) = any_value(periods.months) as is_each_month_covered
    from covered
    inner join {{ ref('int_periods') }} as periods
        on
            covered.first_month <= periods.last_month
            and covered.last_month >= periods.first_month
    group by covered.county_code, covered.plan_code, covered.indicator_code, periods.period
),

institutions as (
    select
        answers.county_code,
        answers.institution_code,
        answers.plan_code,
        answers.indicator_code,
        answers.period,
        case
            when any_value(indicators.target_basis) in ('level', 'milestone')
                then arg_max(answers.value, answers.reporting_month)
            else sum(answers.value)
        end as value,
        any_value(indicators.target_basis) <> 'level'
        or coalesce(
            max(answers.reporting_month) filter (where answers.value is not null)
            > max(answers.reporting_month) filter (
                where answers.value is null and not answers.is_received
            ),
            true
        ) as is_certain,
        any_value(coalesce(indicators.may_overlap, false)) as may_overlap,
        count(*) filter (where answers.is_due) as values_due,
        count(*) filter (where answers.is_due and answers.is_received) as values_received,
        count(*) filter (where answers.is_compared) as values_full,
        bool_and(answers.is_received) as is_all_received,
        bool_or(answers.is_received) as is_any_received,
        max(answers.gravity) as gravity,
        bool_or(answers.is_made_up) filter (where answers.value is not null or answers.is_due)
            as is_made_up
    from {{ ref('int_period_answers') }} as answers
    inner join {{ ref('dim_indicators') }} as indicators
        on
            answers.plan_code = indicators.plan_code
            and answers.indicator_code = indicators.indicator_code
    group by
        answers.county_code, answers.institution_code, answers.plan_code,
        answers.indicator_code, answers.period
),

counted as (
    select
        county_code,
        plan_code,
        indicator_code,
        period,
        sum(value) as value,
        case
            when bool_or(may_overlap) then max(value * cast(is_certain as integer))
            else sum(value * cast(is_certain as integer))
        end as value_least,
        sum(values_due) as values_due,
        sum(values_received) as values_received,
        sum(values_full) as values_full,
        count(*) filter (where values_due > 0) as institutions_due,
        count(*) filter (where values_due > 0 and values_received = values_due)
            as institutions_reporting,
        bool_and(is_all_received) as is_all_received,
        bool_or(is_any_received) as is_any_received,
        max(gravity) as gravity,
        bool_or(is_made_up) as is_made_up
    from institutions
    group by county_code, plan_code, indicator_code, period
),

-- What another source states of each month of the period. Of a person in two months' records each
-- month is certain.
stated as (
    select
        sources.county_code,
        sources.plan_code,
        sources.indicator_code,
        periods.period,
        sources.source,
        {% for end in ['least', 'most'] -%}
            {% set reading = 'sources.value_least' if end == 'least'
                else 'coalesce(sources.value_most, sources.value)' -%}
            case
                when count(sources.value) < any_value(periods.months) then null
                when any_value(indicators.target_basis) in ('level', 'milestone')
                    then arg_max({{ reading }}, sources.reporting_month)
                else sum({{ reading }})
            end as {{ end }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_source_months') }} as sources
    inner join {{ ref('int_periods') }} as periods
        on sources.reporting_month between periods.first_month and periods.last_month
    inner join {{ ref('dim_indicators') }} as indicators
        on
            sources.plan_code = indicators.plan_code
            and sources.indicator_code = indicators.indicator_code
    group by
        sources.county_code, sources.plan_code, sources.indicator_code, periods.period,
        sources.source
),

ends as (
    select
        county_code,
        plan_code,
        indicator_code,
        period,
        min(least) as source_least,
        max(most) as source_most
    from stated
    group by county_code, plan_code, indicator_code, period
)

select
    counties.county_code,
    indicators.plan_code,
    indicators.indicator_code,
    periods.kind,
    periods.period,
    periods.months,
    periods.first_month,
    periods.last_month,
    coalesce(indicators.may_overlap, false) as may_overlap,
    counted.value,
    case when counted.value is not null then least(counted.value_least, ends.source_least) end
        as value_least,
    case when counted.value is not null then greatest(counted.value, ends.source_most) end
        as value_most,
    coalesce(
        touched.is_each_month_covered
        and not touched.is_cut
        and coalesce(counted.is_all_received, true),
        false
    ) as is_whole,
    coalesce(counted.is_any_received, false) as is_any_received,
    coalesce(counted.values_due, 0) as values_due,
    coalesce(counted.values_received, 0) as values_received,
    coalesce(counted.values_full, 0) as values_full,
    coalesce(counted.institutions_due, 0) as institutions_due,
    coalesce(counted.institutions_reporting, 0) as institutions_reporting,
    counted.gravity,
    counted.gravity is null and coalesce(touched.is_owed, false) as is_owed_otherwise,
    coalesce(counted.is_made_up, false) as is_made_up
from {{ ref('dim_counties') }} as counties
cross join {{ ref('int_periods') }} as periods
inner join {{ ref('dim_plans') }} as plans
    on
        plans.level = 'national'
        and periods.first_month >= plans.valid_from
        and periods.last_month <= plans.valid_to
inner join {{ ref('dim_indicators') }} as indicators on plans.plan_code = indicators.plan_code
left join counted
    on
        counties.county_code = counted.county_code
        and indicators.plan_code = counted.plan_code
        and indicators.indicator_code = counted.indicator_code
        and periods.period = counted.period
left join touched
    on
        counties.county_code = touched.county_code
        and indicators.plan_code = touched.plan_code
        and indicators.indicator_code = touched.indicator_code
        and periods.period = touched.period
left join ends
    on
        counties.county_code = ends.county_code
        and indicators.plan_code = ends.plan_code
        and indicators.indicator_code = ends.indicator_code
        and periods.period = ends.period
where not counties.is_nation
