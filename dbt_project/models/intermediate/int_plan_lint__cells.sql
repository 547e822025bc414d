-- Oddities of a cell, a condition each.
{% set columns = {
    'measure_code': 'measure_code', 'indicator_code': 'indicator_code', 'year': 'year',
} -%}
{% for rule, condition in [
    ('blank_cell', "value_state = 'blank'"),
    ('milestone_blank_year', "value_state = 'milestone'"),
    ('dash_cell', "value_state = 'dash'"),
    ('not_available_cell', "value_state = 'not_available'"),
    ('relative_target', "value_state = 'relative'"),
    ('unit_in_cell', "value is not null and regexp_matches(source_text, '[[:alpha:]]')"),
    ('thousands_space', "regexp_matches(source_text, '[0-9] [0-9]{3}([^0-9]|$)')"),
    ('uncertain_reading', "reading_certainty <> 'certain'"),
    (
        'two_indicators_in_a_cell',
        "indicators_of_measure > 1 and value_state <> 'relative'"
        " and (regexp_full_match(source_text, '[0-9-]+ [0-9-]+')"
        " or regexp_matches(reading_note, '(shar|two indicators|both indicators).*', 'i'))",
    ),
    ('torn_or_shifted_row', "regexp_matches(reading_note, 'page break|shifted', 'i')"),
    ('zero_target', "target_kind = 'target' and value = 0"),
    (
        'target_after_measure_end',
        "target_kind = 'target' and value is not null and year > end_year",
    ),
    (
        'target_before_measure_start',
        "target_kind = 'target' and value is not null and year < start_year",
    ),
] -%}
    select {{ oddity(rule, columns) }}
    from {{ ref('int_plan_cells') }}
    where {{ condition }}

    union all
{% endfor %}

select {{ oddity('target_below_baseline', columns, texts={'year': 'baseline_year'}) }}
from {{ ref('int_plan_cells') }}
where target_kind = 'target' and direction = 'increase' and value < baseline
