-- Oddities of a regional plan's own lists: its codes of measures, indicators, abbreviations.
with codes as (
    select
        *,
        regexp_extract(prv_code, '^(.*)[.][0-9]+$', 1) as code_list,
        try_cast(regexp_extract(prv_code, '([0-9]+)$', 1) as integer) as code_number,
        count(*) over (partition by plan_code, national_plan_code, pkv_measure_code)
            as same_measure
    from {{ ref('regional_measures') }}
),

sequence as (
    select
        *,
        lead(prv_code) over in_list as next_code,
        lead(code_number) over in_list as next_number
    from codes
    window in_list as (
        partition by plan_code, code_list, objective_code order by code_number, prv_position
    )
),

abbreviations as (
    select
        plan_code,
        abbreviation || ': ' || string_agg(expansion_sq, ' / ' order by position) as source_text,
        min(source_place) as source_place,
        count(distinct lower(expansion_sq)) as expansions,
        count(*) as entries
    from {{ ref('abbreviations') }}
    group by plan_code, abbreviation
)

{% for rule, condition, text in [
    (
        'regional_code_differs',
        'pkv_measure_code is not null and prv_code <> pkv_measure_code',
        "'PRV ' || prv_code || ' = PKV ' || pkv_measure_code || ': ' || name_sq",
    ),
    (
        'regional_measure_twice',
        'pkv_measure_code is not null and same_measure > 1',
        "'PRV ' || prv_code || ': ' || name_sq",
    ),
    (
        'regional_code_in_other_list', 'code_list <> objective_code',
        "'PRV ' || prv_code || ': ' || name_sq",
    ),
    (
        'gap_in_regional_codes',
        'next_number - code_number > 1 and code_list = objective_code',
        "'PRV ' || prv_code || ' … ' || next_code",
    ),
] -%}
    select {{ oddity(rule, {'measure_code': 'prv_code', 'source_text': text}) }}
    from sequence
    where {{ condition }}

    union all
{% endfor %}

select
    {{ oddity('regional_indicator_unmatched', {
        'source_text': 'name_sq',
        'source_place': "'PRV, lista ' || prv_list || ', pika ' || prv_position",
    }) }}
from {{ ref('regional_indicators') }}
where indicator_code is null

{% for rule, condition in [
    ('abbreviation_clash', 'expansions > 1'),
    ('abbreviation_twice', 'expansions = 1 and entries > 1'),
] %}
    union all

    select {{ oddity(rule, {}) }}
    from abbreviations
    where {{ condition }}
{% endfor %}
