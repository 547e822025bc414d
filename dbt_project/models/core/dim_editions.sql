select
    counted_year,
    edition,
    cut_off_on,
    quarter
from {{ ref('edition_calendar') }}
