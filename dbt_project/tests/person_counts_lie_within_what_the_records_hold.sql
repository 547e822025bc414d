{{ config(meta={'dagster': {'ref': {'name': 'person_counts'}}}) }}
-- Recomputed from log and records, a county and year: contacts exactly; persons at least as many as
-- can be told apart and at most as many as stand in cases.
with firsts as (
    select
        county_code,
        event,
        case_key,
        linked_person_key,
        person_key,
        min(event_date) as first_date
    from {{ ref('fct_referral_events') }}
    where event in ('flagged', 'initially_identified', 'referred', 'assisted')
    group by all
),

bounds as (
    select
        county_code,
        year(contacted_at) as year,
        'hotline_contacts' as subject,
        count(*) as least,
        count(*) as most
    from {{ ref('fct_hotline_contacts') }}
    group by all
    union all
    select
        county_code,
        year(first_date) as year,
        event as subject,
        count(distinct linked_person_key) as least,
        count(*) as most
    from firsts
    group by all
)

select
    bounds.county_code,
    counts.reporting_month
from bounds
inner join {{ ref('person_counts') }} as counts
    on
        bounds.county_code = counts.county_code
        and bounds.subject = counts.subject
        and counts.dimension = 'total'
        and counts.period = cast(bounds.year as varchar)
where counts.value not between bounds.least and bounds.most
