-- Since when an area has made-up data and since when real data. It is made up until the first real
-- delivery about it is accepted, whatever came before; the nation until one about any county is.
select
    area_code,
    min(received_at) filter (where is_made_up) as made_up_from,
    min(received_at) filter (where not is_made_up) as real_from,
    bool_and(is_made_up) as is_made_up
from (
    select
        received_at,
        coalesce(is_made_up, false) as is_made_up,
        unnest(list_distinct([county_code, 'AL'])) as area_code
    from {{ ref('stg_deliveries') }}
    where delivery_status = 'accepted' and county_code is not null
) as areas
group by area_code
