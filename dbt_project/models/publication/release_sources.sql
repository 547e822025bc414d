-- A delivery of published figures is a version of several years' reports.
select distinct
    deliveries.delivery_id,
    deliveries.source_kind,
    deliveries.content_hash,
    deliveries.county_code,
    deliveries.institution_code,
    deliveries.reporting_month,
    reports.version,
    coalesce(reports.status, deliveries.delivery_status) as status,
    deliveries.is_made_up
from {{ ref('stg_deliveries') }} as deliveries
left join {{ ref('fct_submissions') }} as reports
    on deliveries.delivery_id = reports.delivery_id
