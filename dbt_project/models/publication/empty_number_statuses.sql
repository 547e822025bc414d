-- What an empty number of an indicator means: the gravest of what was answered, or not, for it in
-- the area, in the month, in the year so far, and since the plan began. Where nothing was owed and
-- nothing reported, there is no number to have.
{% set spans = {
    'month': ('actual_month', 'answers.reporting_month = empty_numbers.reporting_month'),
    'year_to_date': (
        'actual_year_to_date',
        'answers.reporting_month <= empty_numbers.reporting_month '
        ~ 'and year(answers.reporting_month) = year(empty_numbers.reporting_month)',
    ),
    'cumulative': (
        'actual_cumulative', 'answers.reporting_month <= empty_numbers.reporting_month'
    ),
} %}
with institution_answers as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        is_due,
        case
            when value is not null then 0
            when is_received then 1
            when value_state in ('unknown', 'refused') then 2
            else 3
        end as gravity
    from {{ ref('fct_figure_parts') }}
    where frequency = 'month'
),

answers as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        max(gravity) as gravity
    from institution_answers
    where county_code <> 'AL'
    group by county_code, plan_code, indicator_code, reporting_month
    union all
    select
        'AL' as county_code,
        answers.plan_code,
        answers.indicator_code,
        answers.reporting_month,
        max(
            case
                when members.county_code is not null then answers.gravity
                when answers.is_due then 3
            end
        ) as gravity
    from institution_answers as answers
    left join {{ ref('bridge_area_members') }} as members
        on answers.county_code = members.county_code and members.area_code = 'AL'
    group by answers.plan_code, answers.indicator_code, answers.reporting_month
),

graded as (
    {% for span, (number, is_in_span) in spans.items() -%}
        select
            empty_numbers.county_code,
            empty_numbers.reporting_month,
            empty_numbers.plan_code,
            empty_numbers.indicator_code,
            '{{ span }}' as span,
            max(answers.gravity) as gravity
        from {{ ref('indicator_progress') }} as empty_numbers
        left join answers
            on
                empty_numbers.county_code = answers.county_code
                and empty_numbers.plan_code = answers.plan_code
                and empty_numbers.indicator_code = answers.indicator_code
                and {{ is_in_span }}
        where empty_numbers.{{ number }} is null
        group by
            empty_numbers.county_code, empty_numbers.reporting_month, empty_numbers.plan_code,
            empty_numbers.indicator_code
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    county_code,
    reporting_month,
    plan_code,
    indicator_code,
    span,
    case gravity
        when 3 then 'O'
        when 2 then 'L'
        else 'M'
    end as obs_status
from graded
