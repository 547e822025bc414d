-- Oddities of an indicator, and of a measure without one.
with series as (
    select
        plan_code,
        indicator_code,
        string_agg(source_text, ' | ' order by year) as printed_series,
        count(*) filter (
            where target_kind = 'target' and value_state in ('number', 'relative')
        ) as targets
    from {{ ref('int_plan_cells') }}
    group by plan_code, indicator_code
),

indicator_names as (
    select
        indicators.*,
        indicators.name_sq || coalesce(': ' || series.printed_series, '') as name_and_series,
        coalesce(series.targets, 0) as targets,
        count(*) over (
            partition by indicators.plan_code, lower(trim(indicators.name_sq, ' .;:'))
        ) as same_names,
        count(*) over (partition by indicators.plan_code, indicators.population_id)
            as same_population
    from {{ ref('indicators') }} as indicators
    left join series
        on
            indicators.plan_code = series.plan_code
            and indicators.indicator_code = series.indicator_code
)

{% for rule, condition, text in [
    ('unstated_basis', "target_basis = 'unstated'", 'name_and_series'),
    ('shared_population', 'population_id is not null and same_population > 1', 'name_and_series'),
    ('same_indicator_name', 'same_names > 1', 'name_sq'),
    ('indicator_without_target', 'targets = 0', 'name_and_series'),
] -%}
    select
        {{ oddity(rule, {
            'measure_code': 'measure_code', 'indicator_code': 'indicator_code',
            'source_text': text,
        }) }}
    from indicator_names
    where {{ condition }}

    union all
{% endfor %}

-- A line kept for a measure without an indicator has cells, but none with a value.
select
    {{ oddity('measure_without_indicator', {
        'measure_code': 'measure_code', 'source_text': 'name_sq',
    }) }}
from {{ ref('measures') }} as measures
where
    not exists (
        select 1
        from {{ ref('int_plan_cells') }} as cells
        where
            cells.plan_code = measures.plan_code
            and cells.measure_code = measures.measure_code
            and cells.value_state in ('number', 'relative', 'not_available')
    )
