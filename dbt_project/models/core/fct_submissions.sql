-- One delivery of published figures covers several years, so the periods of a delivery are read
-- from its rows, and from its head only where it has none.
with deliveries as (
    select *
    from {{ ref('int_deliveries') }}
    where
        source_kind in ('submission', 'published_figures')
        and delivery_status <> 'set_aside'
),

periods as (
    select distinct
        delivery_id,
        county_code,
        institution_code,
        reporting_month,
        frequency
    from {{ ref('stg_submission_values') }}
),

received as (
    select
        deliveries.delivery_id,
        deliveries.delivery_status,
        deliveries.received_at,
        deliveries.is_made_up,
        coalesce(periods.county_code, deliveries.county_code) as county_code,
        coalesce(periods.institution_code, deliveries.institution_code) as institution_code,
        coalesce(periods.reporting_month, deliveries.reporting_month) as reporting_month,
        coalesce(
            periods.frequency,
            case when deliveries.source_kind = 'published_figures' then 'year' else 'month' end
        ) as frequency
    from deliveries
    left join periods on deliveries.delivery_id = periods.delivery_id
),

-- A file of figures holds for a year while one of its rows does.
figure_files as (
    select
        delivery_id,
        county_code,
        institution_code,
        reporting_month,
        case when count(superseded_at) = count(*) then max(superseded_at) end as superseded_at
    from {{ ref('int_figure_versions') }}
    group by delivery_id, county_code, institution_code, reporting_month
),

due as (
    select
        county_code,
        institution_code,
        reporting_month,
        reporting_deadline,
        is_deadline_past,
        'month' as frequency
    from {{ ref('fct_values_due') }}
    group by all
),

versions as (
    select
        received.*,
        due.reporting_deadline,
        cast(row_number() over report_versions as integer) as version,
        min(received.received_at) over whole_report as first_received_at,
        case received.frequency
            when 'year' then figure_files.superseded_at
            else lead(received.received_at) over report_versions
        end as superseded_at
    from received
    left join figure_files
        on
            received.delivery_id = figure_files.delivery_id
            and received.county_code = figure_files.county_code
            and received.institution_code = figure_files.institution_code
            and received.reporting_month = figure_files.reporting_month
    left join due
        on
            received.county_code = due.county_code
            and received.institution_code = due.institution_code
            and received.reporting_month = due.reporting_month
            and received.frequency = due.frequency
    where received.delivery_status = 'accepted'
    window
        report_versions as (
            partition by
                received.county_code, received.institution_code,
                received.reporting_month, received.frequency
            order by received.received_at, received.delivery_id
        ),
        whole_report as (
            partition by
                received.county_code, received.institution_code,
                received.reporting_month, received.frequency
        )
),

-- The first receipt decides whether the report was on time: a correction is not a late report.
accepted as (
    select
        county_code,
        institution_code,
        reporting_month,
        frequency,
        case
            when superseded_at is not null then 'superseded'
            when cast(first_received_at as date) > reporting_deadline then 'late'
            else 'on_time'
        end as status,
        received_at,
        version,
        delivery_id,
        first_received_at,
        superseded_at,
        superseded_at is not null as has_later_report,
        reporting_deadline,
        is_made_up
    from versions
),

-- A refused file whose sender or month could not be read stands in the findings alone.
refused as (
    select
        received.county_code,
        received.institution_code,
        received.reporting_month,
        received.frequency,
        'refused' as status,
        received.received_at,
        null as version,
        received.delivery_id,
        null as first_received_at,
        null as superseded_at,
        exists(
            select 1
            from versions
            where
                versions.county_code = received.county_code
                and versions.institution_code = received.institution_code
                and versions.reporting_month = received.reporting_month
                and versions.frequency = received.frequency
                and versions.received_at > received.received_at
        ) as has_later_report,
        due.reporting_deadline,
        received.is_made_up
    from received
    left join due
        on
            received.county_code = due.county_code
            and received.institution_code = due.institution_code
            and received.reporting_month = due.reporting_month
            and received.frequency = due.frequency
    where
        received.delivery_status = 'refused'
        and received.institution_code is not null
        and received.reporting_month is not null
),

-- A report that did not come belongs to the made-up example if the county's data of the month do.
made_up_months as (
    select distinct
        county_code,
        reporting_month
    from received
    where is_made_up
),

missing as (
    select
        due.county_code,
        due.institution_code,
        due.reporting_month,
        due.frequency,
        'missing' as status,
        null as received_at,
        null as version,
        null as delivery_id,
        null as first_received_at,
        null as superseded_at,
        false as has_later_report,
        due.reporting_deadline,
        made_up_months.county_code is not null as is_made_up
    from due
    left join made_up_months
        on
            due.county_code = made_up_months.county_code
            and due.reporting_month = made_up_months.reporting_month
    where
        due.is_deadline_past
        and not exists (
            select 1
            from versions
            where
                versions.county_code = due.county_code
                and versions.institution_code = due.institution_code
                and versions.reporting_month = due.reporting_month
                and versions.frequency = due.frequency
        )
)

select * from accepted
union all
select * from refused
union all
select * from missing
