-- What each county's, and the nation's, records of a source say of a month: all there is to say
-- (whole), a part, because a file is missing or nothing bounds it (part), or nothing (none).
-- A month without records is a month with none only where its file came. What persons were decided
-- to be when it ends is known only where the files of all months before it came, too. After a month
-- of which a file is missing (last_gap) persons are counted who may have come first in that file.
{{ config(materialized='table') }}

with extents as (
    select
        county_code,
        source,
        min(first_month) as first_month,
        max(last_month) as last_month
    from (
        select
            county_code,
            source,
            first_month,
            last_month
        from {{ ref('int_record_files') }}
        union all
        select
            county_code,
            source,
            first_month,
            last_month
        from {{ ref('int_record_periods') }}
        where is_deadline_past or received_at is not null
    )
    group by county_code, source
),

-- Those of the calendar, and whichever has a record.
months as (
    select
        extents.county_code,
        extents.source,
        calendar.month
    from extents
    cross join {{ ref('dim_months') }} as calendar
    union
    select
        county_code,
        source,
        unnest(months) as month
    from {{ ref('int_record_files') }}
),

county_months as (
    select
        extents.county_code,
        extents.source,
        months.month as reporting_month,
        (
            select count(*) > 0
            from {{ ref('int_record_files') }} as files
            where
                files.county_code = extents.county_code
                and files.source = extents.source
                and months.month between files.first_month and files.last_month
        ) as has_file,
        (
            select bool_and(periods.received_at is not null)
            from {{ ref('int_record_periods') }} as periods
            where
                periods.county_code = extents.county_code
                and periods.source = extents.source
                and months.month between periods.first_month and periods.last_month
        ) as is_received
    from extents
    inner join months
        on
            extents.county_code = months.county_code
            and extents.source = months.source
            and months.month between extents.first_month and extents.last_month
),

unsettled as (
    select distinct
        county_code,
        'referral' as source,
        reporting_month
    from {{ ref('fct_referral_events') }}
    where may_be_sent_again
),

made_up as (
    select
        county_code,
        source,
        bool_or(is_made_up) as is_made_up
    from {{ ref('int_record_files') }}
    group by county_code, source
),

counties as (
    select
        county_months.county_code,
        county_months.source,
        county_months.reporting_month,
        case
            when
                coalesce(county_months.is_received, county_months.has_file)
                and unsettled.county_code is null
                then 'whole'
            when county_months.has_file then 'part'
            else 'none'
        end as coverage,
        coalesce(made_up.is_made_up, false) as is_made_up
    from county_months
    left join unsettled
        on
            county_months.county_code = unsettled.county_code
            and county_months.source = unsettled.source
            and county_months.reporting_month = unsettled.reporting_month
    left join made_up
        on
            county_months.county_code = made_up.county_code
            and county_months.source = made_up.source
),

histories as (
    select
        *,
        bool_and(coverage = 'whole') over (
            partition by county_code, source
            order by reporting_month
        ) as is_history_whole,
        max(reporting_month) filter (where coverage <> 'whole') over (
            partition by county_code, source
            order by reporting_month
            rows between unbounded preceding and 1 preceding
        ) as last_gap
    from counties
),

nation as (
    select
        counties.source,
        counties.reporting_month,
        list(counties.county_code order by counties.county_code) filter (
            where counties.coverage <> 'none' and counties.county_code <> 'AL'
        ) as counties,
        list(counties.county_code) filter (where counties.county_code <> 'AL') as known,
        bool_and(counties.coverage = 'whole') as is_each_whole,
        -- A log that a national body keeps is about every county; its cases are its own.
        counties.source = 'hotline'
        and coalesce(
            bool_or(counties.coverage = 'whole') filter (where counties.county_code = 'AL'), false
        ) as is_national,
        bool_or(counties.coverage <> 'none') as is_any,
        bool_and(counties.is_history_whole) as is_history_whole,
        max(counties.last_gap) as last_gap,
        bool_or(counties.is_made_up) as is_made_up
    from histories as counties
    inner join {{ ref('bridge_area_members') }} as members
        on counties.county_code = members.county_code and members.area_code = 'AL'
    group by counties.source, counties.reporting_month
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
)

select
    county_code,
    source,
    reporting_month,
    coverage,
    is_history_whole,
    last_gap,
    cast(null as integer) as counties_reporting,
    cast(null as integer) as counties_expected,
    cast(null as varchar) as counties_missing,
    is_made_up
from histories
where county_code <> 'AL'
union all
select
    'AL' as county_code,
    nation.source,
    nation.reporting_month,
    case
        when
            nation.is_national
            or (nation.is_each_whole and len(nation.counties) = expected.counties)
            then 'whole'
        when nation.is_any then 'part'
        else 'none'
    end as coverage,
    nation.is_history_whole,
    -- Nobody knows from when on a county that is not there would have kept any.
    cast(
        case
            when nation.is_national or len(nation.known) = expected.counties
                then nation.last_gap
            else
                lag(nation.reporting_month) over (
                    partition by nation.source order by nation.reporting_month
                )
        end as date
    ) as last_gap,
    cast(
        case
            when nation.is_national then expected.counties
            else coalesce(len(nation.counties), 0)
        end as integer
    ) as counties_reporting,
    cast(expected.counties as integer) as counties_expected,
    case
        when not nation.is_national
            then {{ counties_missing('nation.counties') | indent(12) }}
    end as counties_missing,
    nation.is_made_up
from nation
cross join expected
