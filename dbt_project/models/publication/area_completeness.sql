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
),

-- Of a month that is not due yet the records may be missing too.
owed as (
    select distinct
        members.area_code as county_code,
        periods.source,
        months.month as reporting_month
    from {{ ref('int_record_periods') }} as periods
    inner join {{ ref('bridge_area_members') }} as members
        on periods.county_code = members.county_code
    inner join {{ ref('dim_months') }} as months
        on months.month between periods.first_month and periods.last_month
),

records as (
    select
        coalesce(covered.county_code, owed.county_code) as county_code,
        coalesce(covered.reporting_month, owed.reporting_month) as reporting_month,
        {% for source in ['hotline', 'referral'] -%}
            any_value(coalesce(covered.coverage, 'none')) filter (
                where coalesce(covered.source, owed.source) = '{{ source }}'
            ) as {{ source }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_record_months') }} as covered
    full outer join owed
        on
            covered.county_code = owed.county_code
            and covered.source = owed.source
            and covered.reporting_month = owed.reporting_month
    group by all
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
left join records
    on
        reports.county_code = records.county_code
        and reports.reporting_month = records.reporting_month
left join deliveries
    on
        reports.county_code = deliveries.county_code
        and reports.reporting_month = deliveries.reporting_month
