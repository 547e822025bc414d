-- Published figures, row by row, and until when each holds. A file of them is a collection, and no
-- report: a later row replaces the same figure (publication, year, label, indicator), and no other.
{{ config(materialized='table') }}

select
    stated.delivery_id,
    stated.row_number,
    stated.county_code,
    stated.institution_code,
    stated.reporting_month,
    stated.publication,
    stated.figure_label,
    stated.indicator_code,
    stated.value,
    deliveries.received_at,
    lead(deliveries.received_at) over (
        partition by
            stated.county_code, stated.reporting_month, stated.publication, stated.figure_label,
            stated.indicator_code
        order by deliveries.received_at, stated.delivery_id, stated.row_number
    ) as superseded_at
from {{ ref('stg_submission_values') }} as stated
inner join {{ ref('int_deliveries') }} as deliveries
    on stated.delivery_id = deliveries.delivery_id
where
    stated.frequency = 'year'
    and deliveries.source_kind = 'published_figures'
    and deliveries.delivery_status = 'accepted'
