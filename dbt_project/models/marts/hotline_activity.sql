-- Contacts, cases and referrals stand side by side and are never added: one case has many
-- contacts, and may appear under several channels and purposes.
select
    county_code,
    reporting_month,
    channel,
    purpose,
    cast(count(*) as integer) as contacts,
    cast(count(distinct case_key) as integer) as cases,
    cast(count(*) filter (where referred_to is not null) as integer) as referrals,
    cast(count(*) filter (where referred_to is not null and accepted_at is not null) as integer)
        as referrals_accepted,
    cast(
        median(date_diff('minute', contacted_at, accepted_at) / 60.0) filter (
            where referred_to is not null and accepted_at >= contacted_at
        ) as double
    ) as median_hours_to_acceptance,
    bool_or(is_made_up) as is_made_up
from {{ ref('fct_hotline_contacts') }}
group by county_code, reporting_month, channel, purpose
