-- Contacts, cases and referrals stand side by side and are never added: one case has many
-- contacts, and may appear under several channels and purposes.
select
    county_code,
    reporting_month,
    channel,
    purpose,
    cast(count(*) as integer) as contacts,
    cast(count(*) filter (where not is_duplicate) as integer) as distinct_contacts,
    cast(count(*) filter (where is_duplicate) as integer) as duplicates,
    cast(count(*) filter (where is_repeat) as integer) as repeats,
    cast(count(distinct case_key) as integer) as cases,
    cast(count(*) filter (where opens_case) as integer) as cases_opened,
    cast(count(*) filter (where suspicion_elements >= 3 and not is_duplicate) as integer)
        as three_elements_or_more,
    {% for column in ['suspicion_elements', 'caller', 'exploitation'] -%}
        cast(count(*) filter (
            where
            {{ column }}_state in ('not_reported', 'unknown', 'refused') and not is_duplicate
        ) as integer) as {{ column }}_not_known,
    {% endfor -%}
    cast(count(*) filter (where is_referral) as integer) as referrals,
    cast(count(*) filter (where is_accepted) as integer) as referrals_accepted,
    cast(median(hours_to_acceptance) as double) as median_hours_to_acceptance,
    bool_or(is_made_up) as is_made_up
from {{ ref('fct_hotline_contacts') }}
group by county_code, reporting_month, channel, purpose
