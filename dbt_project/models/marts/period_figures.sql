-- What was reported of an indicator in a month, a quarter, four months, a half-year and a year,
-- beside the period before and the same one a year before. Months don't add up to a quarter for
-- whoever reads: a level is not summed, and what is missing makes a bound.
with figures as (
    select
        *,
        {% for compared, months in [('before', 'months'), ('last_year', '12')] -%}
            cast(first_month - to_months({{ months }}) as date) as {{ compared }}_first_month,
        {% endfor -%}
        count(*) over (
            partition by county_code, comparable_code, kind, first_month
        ) as sharing_code
    from {{ ref('int_area_periods') }}
)

select
    figures.county_code,
    figures.last_month as reporting_month,
    figures.period,
    figures.plan_code,
    figures.indicator_code,
    figures.kind as period_kind,
    figures.first_month,
    figures.value,
    case
        when figures.value = 0 then 'zero'
        when figures.value is not null then 'number'
        when figures.gravity = 4 then 'not_reported'
        when figures.gravity = 3 then 'refused'
        when figures.gravity = 2 then 'unknown'
        when figures.gravity = 1 then 'not_applicable'
        when figures.is_owed_otherwise then 'not_of_period'
        else 'not_owed'
    end as value_state,
    figures.value_least,
    figures.value_most,
    figures.is_lower_bound,
    {% for column in [
        'values_due', 'values_received', 'institutions_due', 'institutions_reporting',
        'counties_reporting', 'counties_expected',
    ] -%}
        cast(figures.{{ column }} as integer) as {{ column }},
    {% endfor -%}
    figures.counties_missing,
    {% for compared, code in [('before', 'period_before'), ('last_year', 'period_last_year')] -%}
        case figures.kind
            when 'year' then strftime(figures.{{ compared }}_first_month, '%Y')
            when 'month' then strftime(figures.{{ compared }}_first_month, '%Y-%m')
            else
                strftime(figures.{{ compared }}_first_month, '%Y-')
                || case figures.kind when 'quarter' then 'Q' when 'half' then 'H' else 'T' end
                || cast(
                    (month(figures.{{ compared }}_first_month) - 1) // figures.months + 1
                    as varchar
                )
        end as {{ code }},
        {{ compared }}.value as value_{{ compared }},
        {{ compared }}.value_least as value_{{ compared }}_least,
        {{ compared }}.value_most as value_{{ compared }}_most,
        {{ compared }}.is_lower_bound as is_{{ compared }}_lower_bound,
        change_{{ compared }}.change as change_on_{{ compared }},
        cast(coalesce(change_{{ compared }}.values_compared, 0) as integer)
            as values_compared_{{ compared }},
        case
            when figures.has_break and figures.{{ compared }}_first_month < figures.valid_from
                then 'break'
            when change_{{ compared }}.values_compared is null then 'none'
            when
                figures.is_whole
                and {{ compared }}.is_whole
                and change_{{ compared }}.values_compared = figures.values_full
                and change_{{ compared }}.values_compared = {{ compared }}.values_full
                then 'equal'
            else 'partly'
        end as comparability_{{ compared }},
    {% endfor -%}
    figures.is_made_up
from figures
{% for compared in ['before', 'last_year'] -%}
    left join figures as {{ compared }}
        on
            figures.county_code = {{ compared }}.county_code
            and figures.comparable_code = {{ compared }}.comparable_code
            and figures.kind = {{ compared }}.kind
            and figures.{{ compared }}_first_month = {{ compared }}.first_month
            and {{ compared }}.sharing_code = 1
    left join {{ ref('int_period_changes') }} as change_{{ compared }}
        on
            figures.county_code = change_{{ compared }}.county_code
            and figures.plan_code = change_{{ compared }}.plan_code
            and figures.indicator_code = change_{{ compared }}.indicator_code
            and figures.period = change_{{ compared }}.period
            and change_{{ compared }}.compared = '{{ compared }}'
{% endfor %}
