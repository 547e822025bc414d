-- Each person identified in a year or half-year, once an area and period, with what the records say
-- of the person. An identification counts where it came first in an episode: a decision that is
-- sent again is not another one. What changes with time (sex and age as written, exploitation, who
-- decided) is as the identification has it; what is asked once may be in any row of the person.
{{ config(materialized='table') }}

with events as (
    select
        events.*,
        members.area_code,
        case events.event
            when 'initially_identified' then ['initially_identified', 'identified']
            when 'formally_identified' then ['formally_identified', 'identified']
            else []
        end as steps
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    where events.may_be_sent_again is not true
),

identifications as (
    select
        area_code,
        linked_person_key,
        episode,
        event_date,
        unnest(steps) as step
    from events
),

firsts as (
    select
        area_code,
        linked_person_key,
        episode,
        step,
        min(event_date) as first_on
    from identifications
    group by all
),

identified as (
    select
        firsts.area_code,
        firsts.linked_person_key,
        firsts.step,
        periods.period,
        periods.kind,
        periods.last_month,
        min(firsts.first_on) as identified_on
    from firsts
    inner join {{ ref('int_periods') }} as periods
        on
            firsts.first_on between periods.first_month and last_day(periods.last_month)
            and periods.kind in ('year', 'half')
    group by all
)

{% set of_it %}
list_contains(events.steps, identified.step)
and events.event_date between identified.identified_on and last_day(identified.last_month)
{%- endset %}
select
    identified.area_code as county_code,
    identified.step,
    identified.period,
    identified.kind,
    identified.last_month as reporting_month,
    identified.linked_person_key,
    min(events.least_person_key) as least_person_key,
    bool_or(events.is_comparable) filter (where {{ of_it }}) as is_comparable,
    list_sort(list(distinct events.sender_code) filter (where {{ of_it }})) as senders,
    {% for column, name in [
        ('sex', 'sex'),
        ('age_group', 'age_group'),
        ('exploitation', 'exploitation'),
        ('deciding_organisation', 'registering_organisation'),
    ] -%}
        {{ first_said(column, of_it) }} as {{ name }},
    {% endfor -%}
    {% for column in ['citizenship', 'trafficking_scope', 'residence_county'] -%}
        {{ first_said(column, 'true') }} as {{ column }},
    {% endfor -%}
    arg_min(events.county_code, (events.event_date, events.county_code)) filter (where {{ of_it }})
        as identification_county,
    -- Whatever help the person had until the period ended; `any` beside its kinds.
    list_sort(
        list(distinct coalesce(events.support_type, events.support_type_state)) filter (
            where events.event = 'assisted'
            and events.event_date <= last_day(identified.last_month)
        )
    ) as assistance
from identified
inner join events
    on
        identified.area_code = events.area_code
        and identified.linked_person_key = events.linked_person_key
group by
    identified.area_code, identified.step, identified.period, identified.kind,
    identified.last_month, identified.linked_person_key, identified.identified_on
