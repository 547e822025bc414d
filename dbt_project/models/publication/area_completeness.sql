with areas as (
    select
        counties.county_code,
        counties.is_nation,
        months.month as reporting_month
    from {{ ref('dim_counties') }} as counties
    cross join {{ ref('dim_months') }} as months
),

reports as (
    select
        areas.county_code,
        areas.reporting_month,
        sum(reports.expected) as expected,
        sum(reports.received) filter (where members.county_code is not null) as received,
        sum(reports.on_time) filter (where members.county_code is not null) as on_time,
        list(distinct reports.county_code) filter (
            where members.county_code is not null and reports.received > 0
        ) as counties
    from areas
    left join {{ ref('reporting_completeness') }} as reports
        on
            (areas.is_nation or areas.county_code = reports.county_code)
            and areas.reporting_month = reports.reporting_month
    left join {{ ref('bridge_area_members') }} as members
        on
            areas.county_code = members.area_code
            and reports.county_code = members.county_code
    group by areas.county_code, areas.reporting_month
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
),

-- A file of no known month may be about any.
deliveries as (
    select
        areas.county_code,
        areas.reporting_month,
        max(deliveries.received_at) as known_until
    from areas
    inner join {{ ref('dim_deliveries') }} as deliveries
        on
            (areas.is_nation or areas.county_code = deliveries.county_code)
            and coalesce(areas.reporting_month >= deliveries.reporting_month, true)
            and deliveries.delivery_status <> 'set_aside'
    left join {{ ref('bridge_area_members') }} as members
        on
            areas.county_code = members.area_code
            and deliveries.county_code = members.county_code
    where members.county_code is not null or deliveries.county_code is null
    group by areas.county_code, areas.reporting_month
)

select
    reports.county_code,
    reports.reporting_month,
    cast(coalesce(reports.expected, 0) as integer) as expected,
    cast(coalesce(reports.received, 0) as integer) as received,
    cast(coalesce(reports.on_time, 0) as integer) as on_time,
    case when reports.county_code = 'AL' then cast(coalesce(len(reports.counties), 0) as integer)
    end as counties_reporting,
    case when reports.county_code = 'AL' then cast(expected.counties as integer) end
        as counties_expected,
    case
        when reports.county_code = 'AL' then {{ counties_missing('reports.counties') | indent(12) }}
    end as counties_missing,
    records.hotline,
    records.referral,
    deliveries.known_until
from reports
cross join expected
left join {{ ref('fct_record_coverage') }} as records
    on
        reports.county_code = records.county_code
        and reports.reporting_month = records.reporting_month
left join deliveries
    on
        reports.county_code = deliveries.county_code
        and reports.reporting_month = deliveries.reporting_month
