with source as (
    select * from {{ source('raw', 'submission_values') }}
)

select
    delivery_id,
    sheet,
    cell,
    row_number,
    county_code,
    institution_code,
    reporting_month,
    frequency,
    indicator_code,
    figure_label,
    category,
    value,
    value_state,
    unit,
    reading_note,
    publication
from source
