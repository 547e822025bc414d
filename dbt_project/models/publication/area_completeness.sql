with areas as (
    select
        counties.county_code,
        counties.is_nation,
        months.month as reporting_month
    from {{ ref('dim_counties') }} as counties
    cross join {{ ref('dim_months') }} as months
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
    areas.county_code,
    areas.reporting_month,
    coalesce(rates.expected, 0) as expected,
    coalesce(rates.received, 0) as received,
    coalesce(rates.on_time, 0) as on_time,
    case when areas.is_nation then coalesce(rates.counties_reporting, 0) end as counties_reporting,
    case when areas.is_nation then cast(expected.counties as integer) end as counties_expected,
    case
        when areas.is_nation and rates.county_code is null
            then {{ counties_missing('cast([] as varchar[])') | indent(12) }}
        else rates.counties_missing
    end as counties_missing,
    records.hotline,
    records.referral,
    deliveries.known_until
from areas
cross join expected
left join {{ ref('reporting_rates') }} as rates
    on
        areas.county_code = rates.county_code
        and areas.reporting_month = rates.reporting_month
left join {{ ref('fct_record_coverage') }} as records
    on
        areas.county_code = records.county_code
        and areas.reporting_month = records.reporting_month
left join deliveries
    on
        areas.county_code = deliveries.county_code
        and areas.reporting_month = deliveries.reporting_month
