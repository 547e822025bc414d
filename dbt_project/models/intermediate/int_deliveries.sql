-- Every delivery with what became of it. Made-up and real data are never added up: where an area
-- is real, what is made up is set aside, whichever came first.
select
    deliveries.* exclude (delivery_status),
    case
        when deliveries.is_made_up and not origins.is_made_up then 'set_aside'
        else deliveries.delivery_status
    end as delivery_status
from {{ ref('stg_deliveries') }} as deliveries
left join {{ ref('int_area_origins') }} as origins
    on deliveries.county_code = origins.area_code
