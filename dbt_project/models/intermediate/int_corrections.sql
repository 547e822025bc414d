-- Corrections of what still counts. One that was entered when the area's data were made up is no
-- word on the real ones that came since.
select corrections.*
from {{ ref('stg_corrections') }} as corrections
left join {{ ref('int_area_origins') }} as origins
    on corrections.county_code = origins.area_code
where {{ was_real('origins', 'corrections.corrected_at') }}
