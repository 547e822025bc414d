{{ config(meta={'dagster': {'ref': {'name': 'hotline_activity'}}}) }}
-- Recomputed from the log: contacts and referrals of each county, and of the nation, and month.
with logged as (
    select
        area_code as county_code,
        reporting_month,
        count(*) as contacts,
        count(referred_to) as referrals
    from (
        select
            *,
            unnest(list_distinct([county_code, 'AL'])) as area_code
        from {{ ref('fct_hotline_contacts') }}
    )
    group by all
),

marted as (
    select
        county_code,
        reporting_month,
        sum(contacts) as contacts,
        sum(referrals) as referrals
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
