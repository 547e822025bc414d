-- What is not submitted, a month: records and log as counted, SIVET as it is now.
{{ config(materialized='table') }}

with sivet_versions as (
    select
        figures.county_code,
        months.plan_code,
        figures.indicator_code,
        figures.reporting_month,
        case when figures.value_state = 'zero' then 0 else figures.value end as value,
        figures.delivery_id,
        figures.sheet,
        figures.cell,
        cast(figures.row_number as integer) as row_number,
        deliveries.received_at,
        deliveries.is_made_up,
        lag(figures.value) over figure_versions as value_before,
        lead(deliveries.received_at) over figure_versions as superseded_at
    from {{ ref('stg_submission_values') }} as figures
    inner join {{ ref('int_deliveries') }} as deliveries
        on figures.delivery_id = deliveries.delivery_id
    left join {{ ref('dim_months') }} as months on figures.reporting_month = months.month
    where
        deliveries.source_kind = 'sivet'
        and deliveries.delivery_status = 'accepted'
        and figures.category = 'total'
        and figures.indicator_code is not null
    window figure_versions as (
        partition by figures.county_code, figures.indicator_code, figures.reporting_month
        order by deliveries.received_at, figures.delivery_id, figures.row_number
    )
),

counted as (
    select
        * exclude (source),
        case source when 'hotline' then 'hotline_log' else 'referral_records' end as source
    from {{ ref('fct_record_counts') }}
    where category = 'total'
)

select
    counted.county_code,
    counted.plan_code,
    counted.indicator_code,
    counted.reporting_month,
    counted.source,
    cast(counted.value as double) as value,
    cast(counted.value_least as double) as value_least,
    cast(counted.value_most as double) as value_most,
    counted.occurrences,
    coalesce(later.added_later, 0) as added_later,
    counted.is_made_up
from counted
left join {{ ref('int_records_added_later') }} as later
    on
        counted.county_code = later.county_code
        and counted.reporting_month = later.reporting_month
        and counted.source = later.source
union all by name
select
    * exclude (superseded_at),
    'sivet' as source,
    value as value_least,
    value as value_most,
    0 as added_later
from sivet_versions
where superseded_at is null
