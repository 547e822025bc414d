-- Each period of which an institution owes records of a source, and when the first file of it came.
-- Where the register names nobody, whoever sends records of a county owes them from their first
-- file to their last, a log each month and cases each quarter.
{{ config(materialized='table') }}

with registered as (
    select
        obligations.source,
        institutions.county_code,
        obligations.institution_code,
        obligations.frequency,
        obligations.valid_from,
        coalesce(obligations.valid_to, date '9999-12-01') as valid_to,
        true as is_registered
    from {{ ref('record_obligations') }} as obligations
    inner join {{ ref('dim_institutions') }} as institutions
        on obligations.institution_code = institutions.institution_code
),

-- The log has no sender: it is its county's.
implied as (
    select
        files.source,
        files.county_code,
        files.sender_code as institution_code,
        case files.source when 'hotline' then 'monthly' else 'quarterly' end as frequency,
        min(files.last_month) as valid_from,
        max(files.last_month) as valid_to,
        false as is_registered
    from {{ ref('int_record_files') }} as files
    where
        not exists (
            select 1
            from registered
            where
                files.source = registered.source
                and files.county_code = registered.county_code
                and (
                    files.source = 'hotline'
                    or files.sender_code = registered.institution_code
                    or files.sender_code is null
                )
        )
    group by files.source, files.county_code, files.sender_code
),

periods as (
    select
        owed.source,
        owed.county_code,
        owed.institution_code,
        owed.is_registered,
        -- Who owes records from May on says nothing of April.
        greatest(
            case owed.frequency
                when 'monthly' then months.month
                when 'quarterly' then months.month - interval 2 month
                else months.month - interval 11 month
            end,
            case when owed.is_registered then date_trunc('month', owed.valid_from) end
        ) as first_month,
        months.month as last_month,
        months.reporting_deadline,
        months.is_deadline_past
    from (
        select * from registered
        union all
        select * from implied
    ) as owed
    inner join {{ ref('dim_months') }} as months
        on
            owed.valid_from <= months.month
            and months.has_begun
            and case owed.frequency
                when 'monthly' then owed.valid_to >= months.month
                when 'quarterly'
                    then
                        owed.valid_to + interval 2 month >= months.month
                        and months.month_number in (3, 6, 9, 12)
                else owed.valid_to + interval 11 month >= months.month and months.month_number = 12
            end
)

select
    periods.source,
    periods.county_code,
    periods.institution_code,
    periods.is_registered,
    cast(periods.first_month as date) as first_month,
    periods.last_month,
    periods.reporting_deadline,
    periods.is_deadline_past,
    min(files.received_at) as received_at,
    coalesce(bool_or(files.is_made_up), false) as is_made_up
from periods
left join {{ ref('int_record_files') }} as files
    on
        periods.source = files.source
        and periods.county_code = files.county_code
        and case periods.source
            when 'hotline'
                then
                    periods.first_month <= files.last_month
                    and periods.last_month >= files.first_month
            else
                coalesce(periods.institution_code = files.sender_code, true)
                and files.last_month between periods.first_month and periods.last_month
        end
group by all
