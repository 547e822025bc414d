-- What the records tell of a period that its months can't be put together to: a person counts once
-- in a period, a median is of all of its persons, and a cohort is followed: of the persons first
-- identified in the period, how many had come how far by the end of the reporting month.
{% set steps = [
    'flagged', 'initially_identified', 'formally_identified', 'referred', 'referral_accepted',
    'assisted', 'closed',
] -%}
{% set followed = {
    'cohort_referred': 'referred',
    'cohort_accepted': 'referral_accepted',
    'cohort_assisted': 'assisted',
} -%}
with covered as (
    select *
    from {{ ref('int_covered_periods') }}
),

taken as (
    select
        steps.county_code,
        periods.period,
        {% for step in steps -%}
            count(distinct steps.linked_person_key) filter (where steps.event = '{{ step }}')
                as {{ step }},
        {% endfor -%}
        {% for pair, condition, since in [
            ('identified_to_referred', "steps.event = 'referred'", 'steps.identified_on'),
            ('referred_to_assisted', "steps.event = 'assisted'", 'steps.referred_on'),
        ] -%}
            median(date_diff('day', {{ since }}, steps.event_date)) filter (
                where {{ condition }} and steps.event_date >= {{ since }}
            ) as {{ pair }},
            count(*) filter (where {{ condition }} and steps.event_date >= {{ since }})
                as {{ pair }}_rests_on
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_referral_steps') }} as steps
    inner join {{ ref('int_periods') }} as periods
        on steps.reporting_month between periods.first_month and periods.last_month
    group by steps.county_code, periods.period
),

-- All that may be one person are one.
firsts as (
    select
        struct_pack(step := steps.event, kind := periods.kind) as counted_for,
        steps.county_code,
        cast(null as bigint) as counted_year,
        cast(null as varchar) as category,
        periods.last_month as reporting_month,
        list_distinct(flatten(list(steps.senders))) as senders,
        bool_or(steps.is_comparable) as is_comparable
    from (
        select
            members.area_code as county_code,
            events.least_person_key,
            events.event,
            min(events.event_date) as event_date,
            list(distinct events.sender_code) as senders,
            bool_or(events.is_comparable) as is_comparable
        from {{ ref('fct_referral_events') }} as events
        inner join {{ ref('bridge_area_members') }} as members
            on events.county_code = members.county_code
        where
            events.event in (
                {% for step in steps -%}
                    '{{ step }}'{% if not loop.last %},{% endif %}
                {% endfor -%}
            )
            and events.may_be_sent_again is not true
        group by members.area_code, events.least_person_key, events.episode, events.event
    ) as steps
    inner join {{ ref('int_periods') }} as periods
        on steps.event_date between periods.first_month and last_day(periods.last_month)
    group by
        steps.event, periods.kind, steps.county_code, periods.last_month, steps.least_person_key
),

at_least as (
    {{ persons_at_least('firsts') | indent(4) }}
),

referral_covered as (
    select
        * exclude (source, last_month),
        last_month as reporting_month
    from covered
    where source = 'referral'
),

persons as (
    {% for step in steps -%}
        select
            referral_covered.*,
            '{{ step }}' as subject,
            'persons' as unit,
            cast(coalesce(taken.{{ step }}, 0) as double) as value,
            if(
                referral_covered.last_gap is null,
                least(coalesce(at_least.persons, 0), coalesce(taken.{{ step }}, 0)),
                0
            ) as value_least,
            case when referral_covered.coverage = 'whole' then coalesce(taken.{{ step }}, 0) end
                as value_most,
            cast(null as bigint) as rests_on,
            true as is_count
        from referral_covered
        left join taken
            on
                referral_covered.county_code = taken.county_code
                and referral_covered.period = taken.period
        left join at_least
            on
                referral_covered.county_code = at_least.county_code
                and referral_covered.reporting_month = at_least.reporting_month
                and referral_covered.kind = at_least.counted_for.kind
                and at_least.counted_for.step = '{{ step }}'
                and at_least.category = 'total'
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

days as (
    {% for pair in ['identified_to_referred', 'referred_to_assisted'] -%}
        select
            referral_covered.*,
            '{{ pair }}' as subject,
            'days' as unit,
            cast(taken.{{ pair }} as double) as value,
            coalesce(taken.{{ pair }}_rests_on, 0) as rests_on,
            false as is_count
        from referral_covered
        left join taken
            on
                referral_covered.county_code = taken.county_code
                and referral_covered.period = taken.period
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

contacts as (
    select
        members.area_code as county_code,
        periods.period,
        count(*) filter (where contacts.is_referral) as hotline_referrals,
        count(*) filter (where contacts.is_accepted) as hotline_referrals_accepted,
        median(contacts.hours_to_acceptance) as hotline_to_accepted,
        count(contacts.hours_to_acceptance) as rests_on,
        bool_or(contacts.link_state = 'dangling') as is_earlier_missing
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('bridge_area_members') }} as members
        on contacts.county_code = members.county_code
    inner join {{ ref('int_periods') }} as periods
        on contacts.reporting_month between periods.first_month and periods.last_month
    where contacts.is_referral or contacts.link_state = 'dangling'
    group by members.area_code, periods.period
),

hotline_covered as (
    select
        * exclude (source, last_month, last_gap),
        last_month as reporting_month
    from covered
    where source = 'hotline'
),

hotline as (
    {% set units = {
        'hotline_referrals': 'referrals',
        'hotline_referrals_accepted': 'referrals',
        'hotline_to_accepted': 'hours',
    } -%}
    {% for subject in units -%}
        {% set is_count = subject != 'hotline_to_accepted' -%}
        select
            hotline_covered.*,
            '{{ subject }}' as subject,
            '{{ units[subject] }}' as unit,
            {% if is_count -%}
                cast(coalesce(contacts.{{ subject }}, 0) as double) as value,
                cast(null as bigint) as rests_on,
            {% else -%}
                cast(contacts.{{ subject }} as double) as value,
                coalesce(contacts.rests_on, 0) as rests_on,
            {% endif -%}
            {{ is_count }} as is_count,
            coalesce(contacts.is_earlier_missing, false) as is_earlier_missing
        from hotline_covered
        left join contacts
            on
                hotline_covered.county_code = contacts.county_code
                and hotline_covered.period = contacts.period
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

-- A cohort is followed for two years, in the records up to each month of them.
observed as (
    select
        covered.county_code,
        covered.period,
        covered.kind,
        covered.first_month,
        covered.last_month,
        covered.last_gap,
        months.reporting_month,
        case
            when
                bool_and(months_of.coverage = 'whole')
                and date_diff('month', covered.first_month, months.reporting_month) + 1 = count(*)
                then 'whole'
            when bool_or(months_of.coverage <> 'none') then 'part'
            else 'none'
        end as coverage,
        any_value(covered.counties_reporting) as counties_reporting,
        any_value(covered.counties_expected) as counties_expected,
        any_value(covered.counties_missing) as counties_missing,
        bool_or(months_of.is_made_up) as is_made_up
    from covered
    inner join {{ ref('int_record_months') }} as months
        on
            covered.county_code = months.county_code
            and covered.source = months.source
            and months.reporting_month
            between covered.last_month and covered.last_month + interval 24 month
    inner join {{ ref('int_record_months') }} as months_of
        on
            covered.county_code = months_of.county_code
            and covered.source = months_of.source
            and months_of.reporting_month
            between covered.first_month and months.reporting_month
    inner join {{ ref('dim_months') }} as calendar
        on months.reporting_month = calendar.month and calendar.has_begun
    where covered.source = 'referral' and covered.kind <> 'month'
    group by
        covered.county_code, covered.period, covered.kind, covered.first_month,
        covered.last_month, covered.last_gap, months.reporting_month
),

histories as (
    select
        county_code,
        linked_person_key,
        episode,
        min(event_date) filter (where event = 'initially_identified') as identified_on,
        {% for step in followed.values() -%}
            min(event_date) filter (where event = '{{ step }}') as {{ step }}_on
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_referral_steps') }}
    group by county_code, linked_person_key, episode
    having identified_on is not null
),

-- Whose case was closed, and opened again, is open.
closings as (
    select
        members.area_code as county_code,
        events.linked_person_key,
        events.episode,
        observed_months.month as reporting_month,
        max(events.event_date) filter (where events.event = 'closed')
        > coalesce(
            max(events.event_date) filter (where events.event = 'reopened'), date '1900-01-01'
        ) as is_closed
    from {{ ref('fct_referral_events') }} as events
    inner join {{ ref('bridge_area_members') }} as members
        on events.county_code = members.county_code
    inner join {{ ref('dim_months') }} as observed_months
        on events.event_date <= last_day(observed_months.month) and observed_months.has_begun
    where events.event in ('closed', 'reopened') and events.may_be_sent_again is not true
    group by members.area_code, events.linked_person_key, events.episode, observed_months.month
),

-- A person with several cases in a cohort has come as far as any of them, and is open with any.
followed_persons as (
    select
        observed.county_code,
        observed.period,
        observed.reporting_month,
        histories.linked_person_key,
        {% for step in followed.values() -%}
            min(histories.{{ step }}_on) as {{ step }}_on,
        {% endfor -%}
        bool_or(closings.is_closed is not true) as is_open
    from observed
    inner join histories
        on
            observed.county_code = histories.county_code
            and histories.identified_on
            between observed.first_month and last_day(observed.last_month)
    left join closings
        on
            observed.county_code = closings.county_code
            and histories.linked_person_key = closings.linked_person_key
            and histories.episode = closings.episode
            and observed.reporting_month = closings.reporting_month
    group by
        observed.county_code, observed.period, observed.reporting_month,
        histories.linked_person_key
),

cohorts as (
    select
        county_code,
        period,
        reporting_month,
        count(*) as cohort,
        {% for subject, step in followed.items() -%}
            count(*) filter (where {{ step }}_on <= last_day(reporting_month)) as {{ subject }},
        {% endfor -%}
        count(*) filter (where is_open) as cohort_open
    from followed_persons
    group by county_code, period, reporting_month
),

-- Of the cohort so many could be one with another of it, or with somebody identified before: each
-- of them takes at most one away from whoever of the cohort had come so far.
known as (
    select
        observed.*,
        coalesce(cohorts.cohort, 0) as cohort,
        {% for subject in followed | list + ['cohort_open'] -%}
            coalesce(cohorts.{{ subject }}, 0) as {{ subject }},
        {% endfor -%}
        coalesce(cohorts.cohort, 0)
        - if(
            observed.last_gap is null,
            least(coalesce(at_least.persons, 0), coalesce(cohorts.cohort, 0)),
            0
        ) as in_doubt
    from observed
    left join cohorts
        on
            observed.county_code = cohorts.county_code
            and observed.period = cohorts.period
            and observed.reporting_month = cohorts.reporting_month
    left join at_least
        on
            observed.county_code = at_least.county_code
            and observed.last_month = at_least.reporting_month
            and observed.kind = at_least.counted_for.kind
            and at_least.counted_for.step = 'initially_identified'
            and at_least.category = 'total'
),

followed as (
    {% for subject in ['cohort'] + followed | list + ['cohort_open'] -%}
        select
            '{{ subject }}' as subject,
            'persons' as unit,
            cast({{ subject }} as double) as value,
            greatest({{ subject }} - in_doubt, 0) as value_least,
            case when coverage = 'whole' then {{ subject }} end as value_most,
            case when coverage <> 'none' then cohort end as rests_on,
            true as is_count,
            -- A file that is missing may close cases.
            {{ subject == 'cohort_open' }} and coverage = 'part' as may_grow_less,
            county_code,
            period,
            kind,
            first_month,
            reporting_month,
            last_gap,
            coverage,
            counties_reporting,
            counties_expected,
            counties_missing,
            is_made_up
        from known
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

numbers as (
    select * from persons
    union all by name
    select * from days
    union all by name
    select * from hotline
    union all by name
    select * from followed
)

select
    county_code,
    reporting_month,
    period,
    subject,
    kind as period_kind,
    first_month,
    unit,
    case when coverage <> 'none' then value end as value,
    case
        when coverage = 'none' then 'not_reported'
        when value is null then 'nobody'
        when value = 0 then 'zero'
        else 'number'
    end as value_state,
    case when coverage <> 'none' then cast(value_least as double) end as value_least,
    cast(value_most as double) as value_most,
    case when coverage <> 'none' then cast(rests_on as integer) end as rests_on,
    coverage,
    is_count
    and (
        coverage = 'part'
        or coalesce(is_earlier_missing, false)
        or coalesce(counties_reporting < counties_expected, false)
    ) as is_lower_bound,
    is_count
    and coverage <> 'none'
    and (last_gap is not null or coalesce(may_grow_less, false)) as may_fall,
    counties_reporting,
    counties_expected,
    counties_missing,
    coalesce(is_made_up, false) as is_made_up
from numbers
