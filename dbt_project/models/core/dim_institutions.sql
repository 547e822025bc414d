select
    institution_code,
    name_sq,
    name_en,
    county_code,
    seat_county_code,
    municipality_name,
    institution_type,
    abbreviation
from {{ ref('institutions') }}
