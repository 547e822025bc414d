{{ config(meta={'dagster': {'ref': {'name': 'period_flow'}}}) }}
-- Recomputed from the records: distinct persons of a period whose step came first in it, and of a
-- cohort those who had a step until the month's end.
with steps as (
    select
        members.area_code,
        events.linked_person_key,
        events.episode,
        events.event,
        min(events.event_date) as first_on
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    where not events.may_be_sent_again
    group by
        members.area_code, events.linked_person_key, events.episode, events.event
),

identified as (
    select *
    from steps
    where event = 'initially_identified'
),

recounted as (
    select
        flow.county_code,
        flow.reporting_month,
        flow.period,
        flow.subject,
        count(distinct steps.linked_person_key) as persons
    from {{ ref('period_flow') }} as flow
    left join steps
        on
            flow.county_code = steps.area_code
            and flow.subject = steps.event
            and steps.first_on between flow.first_month and last_day(flow.reporting_month)
    where flow.unit = 'persons' and not starts_with(flow.subject, 'cohort')
    group by flow.county_code, flow.reporting_month, flow.period, flow.subject
    union all
    select
        flow.county_code,
        flow.reporting_month,
        flow.period,
        flow.subject,
        count(distinct identified.linked_person_key) filter (
            where steps.first_on <= last_day(flow.reporting_month)
        ) as persons
    from {{ ref('period_flow') }} as flow
    left join identified
        on
            flow.county_code = identified.area_code
            and identified.first_on between flow.first_month and last_day(
                flow.first_month + to_months(
                    case flow.period_kind
                        when 'quarter' then 2
                        when 'four_months' then 3
                        when 'half' then 5
                        else 11
                    end
                )
            )
    left join steps
        on
            identified.area_code = steps.area_code
            and identified.linked_person_key = steps.linked_person_key
            and identified.episode = steps.episode
            and case flow.subject
                when 'cohort' then 'initially_identified'
                when 'cohort_referred' then 'referred'
                when 'cohort_accepted' then 'referral_accepted'
                else 'assisted'
            end = steps.event
    where flow.subject in ('cohort', 'cohort_referred', 'cohort_accepted', 'cohort_assisted')
    group by flow.county_code, flow.reporting_month, flow.period, flow.subject
)

select
    flow.county_code,
    flow.reporting_month
from {{ ref('period_flow') }} as flow
inner join recounted
    on
        flow.county_code = recounted.county_code
        and flow.reporting_month = recounted.reporting_month
        and flow.period = recounted.period
        and flow.subject = recounted.subject
where flow.value <> recounted.persons
