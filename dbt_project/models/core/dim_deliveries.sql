-- A log of the hotline names no institution: it is of the one that owes it in the county.
with owing as (
    select
        institutions.county_code,
        min(obligations.institution_code) as institution_code
    from {{ ref('record_obligations') }} as obligations
    inner join {{ ref('dim_institutions') }} as institutions
        on obligations.institution_code = institutions.institution_code
    where obligations.source = 'hotline'
    group by institutions.county_code
    having count(distinct obligations.institution_code) = 1
)

select
    deliveries.delivery_id,
    deliveries.source_kind,
    deliveries.layout_id,
    deliveries.code_lists,
    deliveries.county_code,
    deliveries.institution_code,
    coalesce(deliveries.institution_code, owing.institution_code) as sender_code,
    deliveries.reporting_month,
    deliveries.received_at,
    deliveries.delivery_status,
    deliveries.is_made_up
from {{ ref('int_deliveries') }} as deliveries
left join owing
    on deliveries.county_code = owing.county_code and deliveries.source_kind = 'hotline'
