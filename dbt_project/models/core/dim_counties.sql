select
    county_code,
    name_sq,
    name_en,
    county_code = 'AL' as is_nation
from {{ ref('counties') }}
