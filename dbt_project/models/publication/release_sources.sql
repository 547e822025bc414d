-- A delivery of published figures is a version of several years' reports. What is set aside is in
-- no release; a file of no known county is the nation's.
select distinct
    deliveries.delivery_id,
    deliveries.source_kind,
    arrived.content_hash,
    coalesce(members.area_code, 'AL') as area_code,
    deliveries.county_code,
    deliveries.institution_code,
    deliveries.reporting_month,
    reports.version,
    coalesce(reports.status, deliveries.delivery_status) as status,
    deliveries.is_made_up
from {{ ref('dim_deliveries') }} as deliveries
inner join {{ ref('stg_deliveries') }} as arrived
    on deliveries.delivery_id = arrived.delivery_id
left join {{ ref('bridge_area_members') }} as members
    on deliveries.county_code = members.county_code
left join {{ ref('fct_submissions') }} as reports
    on deliveries.delivery_id = reports.delivery_id
where deliveries.delivery_status <> 'set_aside'
