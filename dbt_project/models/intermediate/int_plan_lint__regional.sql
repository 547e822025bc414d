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
),

-- What the list of indicators takes from which measure, and what the list of measures takes.
listed as (
    select
        regional.plan_code,
        regional.name_sq,
        regional.indicator_code,
        regional.national_plan_code,
        indicators.measure_code,
        'PRV, lista ' || regional.prv_list || ', pika ' || regional.prv_position as source_place
    from {{ ref('regional_indicators') }} as regional
    left join {{ ref('indicators') }} as indicators
        on
            regional.national_plan_code = indicators.plan_code
            and regional.indicator_code = indicators.indicator_code
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

select {{ oddity('regional_indicator_unmatched', {'source_text': 'name_sq'}) }}
from listed
where indicator_code is null

union all

select
    {{ oddity(
        'regional_indicator_without_measure',
        {'indicator_code': 'indicator_code', 'source_text': 'name_sq'},
        texts={'measure': 'measure_code'},
    ) }}
from listed
where
    measure_code is not null
    and not exists (
        select 1
        from codes
        where
            codes.plan_code = listed.plan_code
            and codes.national_plan_code = listed.national_plan_code
            and codes.pkv_measure_code = listed.measure_code
    )

union all

select
    {{ oddity(
        'regional_measure_without_indicator',
        {'measure_code': 'prv_code', 'source_text': "'PRV ' || prv_code || ': ' || name_sq"},
        texts={'measure': 'pkv_measure_code'},
    ) }}
from codes
where
    pkv_measure_code is not null
    and not exists (
        select 1
        from listed
        where
            listed.plan_code = codes.plan_code
            and listed.national_plan_code = codes.national_plan_code
            and listed.measure_code = codes.pkv_measure_code
    )

{% for rule, condition in [
    ('abbreviation_clash', 'expansions > 1'),
    ('abbreviation_twice', 'expansions = 1 and entries > 1'),
] %}
    union all

    select {{ oddity(rule, {}) }}
    from abbreviations
    where {{ condition }}
{% endfor %}
