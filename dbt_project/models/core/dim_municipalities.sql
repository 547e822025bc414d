select
    municipality_code,
    county_code,
    name_sq,
    name_en
from {{ ref('municipalities') }}
