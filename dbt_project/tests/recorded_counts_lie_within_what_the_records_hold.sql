{{ config(meta={'dagster': {'ref': {'name': 'recorded_counts'}}}) }}
-- Recomputed from log and records, a county and year: contacts and their referrals exactly; persons
-- at least as many as came first here, whoever else knows them, and at most as many as stand in
-- cases.
with events as (
    select
        county_code,
        event,
        case_key,
        linked_person_key,
        person_key,
        event_date
    from {{ ref('fct_referral_events') }}
    where
        event in ('flagged', 'initially_identified', 'referred', 'assisted')
        and not may_be_sent_again
),

firsts_of_persons as (
    select
        event,
        linked_person_key,
        arg_min(county_code, (event_date, county_code)) as county_code,
        min(event_date) as first_date
    from events
    group by event, linked_person_key
),

firsts_in_cases as (
    select
        county_code,
        event,
        case_key,
        person_key,
        min(event_date) as first_date
    from events
    group by all
),

in_cases as (
    select
        county_code,
        event,
        year(first_date) as year,
        count(*) as persons
    from firsts_in_cases
    group by all
),

first_here as (
    select
        county_code,
        event,
        year(first_date) as year,
        count(*) as persons
    from firsts_of_persons
    group by all
),

bounds as (
    select
        in_cases.county_code,
        in_cases.year,
        in_cases.event as subject,
        coalesce(first_here.persons, 0) as least,
        in_cases.persons as most
    from in_cases
    left join first_here
        on
            in_cases.county_code = first_here.county_code
            and in_cases.event = first_here.event
            and in_cases.year = first_here.year
    union all
    select
        county_code,
        year(contacted_at) as year,
        'hotline_contacts' as subject,
        count(*) as least,
        count(*) as most
    from {{ ref('fct_hotline_contacts') }}
    group by all
    {% for column in ['referrals', 'referrals_accepted'] -%}
        union all
        select
            county_code,
            year(reporting_month) as year,
            'hotline_{{ column }}' as subject,
            sum({{ column }}) as least,
            sum({{ column }}) as most
        from {{ ref('hotline_activity') }}
        group by all
    {% endfor %}
)

select
    bounds.county_code,
    counts.reporting_month
from bounds
inner join {{ ref('recorded_counts') }} as counts
    on
        bounds.county_code = counts.county_code
        and bounds.subject = counts.subject
        and counts.dimension = 'total'
        and counts.period = cast(bounds.year as varchar)
where counts.value not between bounds.least and bounds.most
