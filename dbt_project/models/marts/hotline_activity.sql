-- Contacts, cases and referrals stand side by side and are never added: one case has many
-- contacts, and may appear under several channels and purposes. Each month has a row for every
-- channel and purpose: with 0 where the log came and has none, with nothing where it did not come.
{% set numbers = [
    'contacts', 'distinct_contacts', 'duplicates', 'repeats', 'cases', 'cases_opened',
    'three_elements_or_more', 'suspicion_elements_not_known', 'caller_not_known',
    'exploitation_not_known', 'referrals', 'referrals_accepted',
] -%}
with areas as (
    select
        contacts.*,
        members.area_code
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('bridge_area_members') }} as members
        on contacts.county_code = members.county_code
),

counted as (
    select
        area_code,
        reporting_month,
        channel,
        purpose,
        count(*) as contacts,
        count(*) filter (where not is_duplicate) as distinct_contacts,
        count(*) filter (where is_duplicate) as duplicates,
        count(*) filter (where is_repeat) as repeats,
        count(distinct county_code || case_key) as cases,
        count(*) filter (where opens_case) as cases_opened,
        count(*) filter (where suspicion_elements >= 3 and not is_duplicate)
            as three_elements_or_more,
        {% for column in ['suspicion_elements', 'caller', 'exploitation'] -%}
            count(*) filter (
                where
                {{ column }}_state in ('not_reported', 'unknown', 'refused') and not is_duplicate
            ) as {{ column }}_not_known,
        {% endfor -%}
        count(*) filter (where is_referral) as referrals,
        count(*) filter (where is_accepted) as referrals_accepted,
        bool_or(link_state = 'dangling') as is_earlier_missing,
        median(hours_to_acceptance) as median_hours_to_acceptance
    from areas
    group by area_code, reporting_month, channel, purpose
),

codes as (
    select distinct
        code_list,
        code
    from {{ ref('dim_codes') }}
),

grid as (
    select
        covered.*,
        channels.code as channel,
        purposes.code as purpose
    from {{ ref('int_record_months') }} as covered
    inner join codes as channels on channels.code_list = 'contact_channels'
    inner join codes as purposes on purposes.code_list = 'contact_purposes'
    where covered.source = 'hotline'
)

select
    grid.county_code,
    grid.reporting_month,
    grid.channel,
    grid.purpose,
    {% for number in numbers -%}
        case
            when grid.coverage <> 'none'
                then cast(coalesce(counted.{{ number }}, 0) as integer)
        end as {{ number }},
    {% endfor -%}
    cast(counted.median_hours_to_acceptance as double) as median_hours_to_acceptance,
    grid.coverage,
    grid.coverage = 'part'
    or coalesce(counted.is_earlier_missing, false)
    or coalesce(grid.counties_reporting < grid.counties_expected, false) as is_lower_bound,
    grid.counties_reporting,
    grid.counties_expected,
    grid.counties_missing,
    grid.is_made_up
from grid
left join counted
    on
        grid.county_code = counted.area_code
        and grid.reporting_month = counted.reporting_month
        and grid.channel = counted.channel
        and grid.purpose = counted.purpose
