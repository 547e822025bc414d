{% set columns = [
    'plan_code', 'indicator_code', 'county_code', 'year', 'target_kind', 'value', 'value_state',
    'reading_note', 'reading_certainty', 'source_place',
] %}
-- An empty cell keeps its text too: the empty one.
select
    {{ columns | join(', ') }},
    coalesce(source_text, '') as source_text
from {{ ref('targets') }}

union all

select
    {{ columns | join(', ') }},
    coalesce(source_text, '') as source_text
from {{ ref('regional_targets') }}
