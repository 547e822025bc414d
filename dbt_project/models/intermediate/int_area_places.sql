-- Where a finding on a county's or the nation's month of an indicator is placed: at the largest of
-- the values that it is about, of equal ones at the first by institution, delivery and row.
with areas as (
    select
        totals.*,
        members.area_code
    from {{ ref('int_monthly_totals') }} as totals
    inner join {{ ref('bridge_area_members') }} as members
        on totals.county_code = members.county_code
    where totals.superseded_at is null
)

select
    area_code as county_code,
    indicator_code,
    reporting_month,
    institution_code,
    delivery_id,
    sheet,
    cell,
    row_number,
    received_at,
    is_made_up
from areas
qualify
    row_number() over (
        partition by area_code, indicator_code, reporting_month
        order by value desc, institution_code asc, delivery_id asc, row_number asc
    ) = 1
