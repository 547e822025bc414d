-- A county's rows count its own data; the nation's those of its counties and national bodies, but
-- never made-up counties beside real ones.
with counties as (
    select
        counties.county_code,
        coalesce(origins.is_made_up, false) as is_made_up
    from {{ ref('dim_counties') }} as counties
    left join {{ ref('int_area_origins') }} as origins
        on counties.county_code = origins.area_code
)

select
    county_code as area_code,
    county_code,
    is_made_up
from counties

union all

select
    'AL' as area_code,
    counties.county_code,
    counties.is_made_up
from counties
inner join counties as nation on nation.county_code = 'AL'
where
    counties.county_code <> 'AL'
    and (nation.is_made_up or not counties.is_made_up)
