{{ config(meta={'dagster': {'ref': {'name': 'hotline_activity'}}}) }}
-- Recomputed from the log: contacts of each county, or the nation, and month, and those referred,
-- each once, in the month of the first record that gives it as referred, of all that it has, where
-- the log has the first.
with contacts as (
    select
        county_code,
        reporting_month,
        1 as contacts,
        0 as referrals,
        0 as referrals_accepted
    from {{ ref('fct_hotline_contacts') }}
    union all
    select
        arg_min(county_code, (contacted_at, contact_key)) filter (where is_referred) as county_code,
        arg_min(reporting_month, (contacted_at, contact_key)) filter (where is_referred)
            as reporting_month,
        0 as contacts,
        1 as referrals,
        cast(count(accepted_at) > 0 as integer) as referrals_accepted
    from (
        select
            *,
            referred_to is not null or coalesce(outcome = 'referred', false) as is_referred
        from {{ ref('fct_hotline_contacts') }}
    )
    group by original_contact_key
    having bool_or(is_referred) and bool_or(contact_key = original_contact_key)
),

logged as (
    select
        area_code as county_code,
        reporting_month,
        sum(contacts) as contacts,
        sum(referrals) as referrals,
        sum(referrals_accepted) as referrals_accepted
    from (
        select
            contacts.*,
            members.area_code
        from contacts
        inner join {{ ref('bridge_area_members') }} as members
            on contacts.county_code = members.county_code
    )
    group by all
),

marted as (
    select
        county_code,
        reporting_month,
        sum(contacts) as contacts,
        sum(referrals) as referrals,
        sum(referrals_accepted) as referrals_accepted
    from {{ ref('hotline_activity') }}
    group by all
    having sum(contacts) > 0
)

select
    coalesce(logged.county_code, marted.county_code) as county_code,
    coalesce(logged.reporting_month, marted.reporting_month) as reporting_month
from logged
full outer join marted
    on
        logged.county_code = marted.county_code
        and logged.reporting_month = marted.reporting_month
where
    logged.contacts is distinct from marted.contacts
    or logged.referrals is distinct from marted.referrals
    or logged.referrals_accepted is distinct from marted.referrals_accepted
