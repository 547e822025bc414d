-- The counties' progress as the nation adds it up: a county whose data don't enter the nation is in
-- it like one that reported nothing.
select *
from {{ ref('int_county_progress') }}
where county_code in ({{ counties_of_the_nation() }})

union all by name

select
    county_code,
    plan_code,
    reporting_month,
    year,
    month_number,
    indicator_code,
    may_overlap,
    case when completeness is not null then 0 end as completeness,
    false as is_whole,
    false as is_any_received,
    false as is_month_whole,
    false as is_made_up
from {{ ref('int_county_progress') }}
where county_code not in ({{ counties_of_the_nation() }})
