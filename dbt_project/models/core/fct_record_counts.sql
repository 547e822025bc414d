-- What the records count is said in the register record_indicators: an indicator has one or more
-- patterns of events, and counts persons, cases or events, once a plan, once a year or each time.
-- A person counts once, whoever sent the records; for the nation in whichever counties.
with stream as (
    select
        county_code,
        'referral' as source,
        sender_code,
        linked_case_key,
        least_case_key,
        is_comparable_case,
        linked_person_key,
        least_person_key,
        is_comparable,
        -- A step of one day that two senders tell is one step; what a sender tells twice is two.
        event || '/' || event_date || '/' || row_number() over (
            partition by linked_person_key, sender_code, event, event_date
            order by delivery_id, row_number
        ) as step,
        event,
        event_date as occurred_on,
        age_group,
        identification_channel,
        support_type,
        detail,
        min(event_date) filter (where event = 'prosecuted') over person_in_episode
            as prosecuted_on,
        min(event_date) filter (where event = 'informed') over person_in_episode as informed_on
    from {{ ref('fct_referral_events') }}
    window person_in_episode as (partition by linked_person_key, episode)
    union all
    -- Of cases reported by web, text or in person the plan asks for no category.
    select
        county_code,
        'hotline' as source,
        'hotline' as sender_code,
        case_key as linked_case_key,
        case_key as least_case_key,
        true as is_comparable_case,
        null as linked_person_key,
        null as least_person_key,
        true as is_comparable,
        contact_key as step,
        purpose as event,
        contacted_at as occurred_on,
        null as age_group,
        null as identification_channel,
        null as support_type,
        case channel when 'phone_116006' then 'hotline' when 'app' then 'app' end as detail,
        null as prosecuted_on,
        null as informed_on
    from {{ ref('fct_hotline_contacts') }}
    where case_key is not null
),

counted_events as (
    select
        patterns.indicator_code,
        unnest(list_distinct([stream.county_code, 'AL'])) as county_code,
        stream.sender_code,
        stream.occurred_on,
        case when patterns.has_categories then stream.detail end as category,
        case patterns.counted
            when 'person' then stream.linked_person_key
            when 'case' then stream.linked_case_key
            else concat(stream.linked_person_key, '/', stream.step)
        end as counted_key,
        case patterns.counted
            when 'person' then stream.least_person_key
            when 'case' then stream.least_case_key
            else concat(stream.least_person_key, '/', stream.step)
        end as least_key,
        case patterns.counted
            when 'case' then stream.is_comparable_case
            else stream.is_comparable
        end as is_comparable,
        case when patterns.once_a = 'year' then year(stream.occurred_on) end as counted_year
    from stream
    inner join {{ ref('record_indicators') }} as patterns
        on
            stream.source = patterns.source
            and stream.event = patterns.event
            and stream.age_group is not distinct from coalesce(patterns.age_group, stream.age_group)
            and stream.identification_channel is not distinct from coalesce(
                patterns.identification_channel, stream.identification_channel
            )
            and stream.support_type is not distinct from coalesce(
                patterns.support_type, stream.support_type
            )
            and stream.detail is not distinct from coalesce(patterns.detail, stream.detail)
            and (
                patterns.earlier_event is null
                or (
                    patterns.earlier_event = 'prosecuted'
                    and stream.prosecuted_on <= stream.occurred_on
                )
                or (
                    patterns.earlier_event = 'informed'
                    and stream.informed_on <= stream.occurred_on
                )
            )
),

firsts as (
    select
        indicator_code,
        county_code,
        min(occurred_on) as occurred_on,
        arg_min(category, occurred_on) as category
    from counted_events
    group by indicator_code, county_code, counted_key, counted_year
),

counted as (
    select
        indicator_code,
        county_code,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        unnest(case when category is null then ['total'] else ['total', category] end) as category
    from firsts
),

-- How often it occurred, whoever was counted before included.
occurred as (
    select
        indicator_code,
        county_code,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        count(*) as occurrences
    from counted_events
    group by all
),

firsts_at_least as (
    select
        indicator_code as counted_for,
        county_code,
        counted_year,
        cast(date_trunc('month', min(occurred_on)) as date) as reporting_month,
        arg_min(category, occurred_on) as category,
        list(distinct sender_code) as senders,
        bool_or(is_comparable) as is_comparable
    from counted_events
    group by indicator_code, county_code, least_key, counted_year
),

counted_at_least as (
    {{ persons_at_least('firsts_at_least') | indent(4) }}
),

recorded as (
    select
        county_code,
        'referral' as source,
        reporting_month,
        is_made_up
    from {{ ref('fct_referral_events') }}
    union all
    select
        county_code,
        'hotline' as source,
        reporting_month,
        is_made_up
    from {{ ref('fct_hotline_contacts') }}
),

areas as (
    select
        source,
        reporting_month,
        is_made_up,
        unnest(list_distinct([county_code, 'AL'])) as county_code
    from recorded
),

spans as (
    select
        county_code,
        source,
        min(reporting_month) as first_month,
        max(reporting_month) as last_month,
        bool_or(is_made_up) as is_made_up
    from areas
    group by county_code, source
),

asked as (
    select distinct
        source,
        indicator_code,
        'total' as category
    from {{ ref('record_indicators') }}
    union
    select
        patterns.source,
        patterns.indicator_code,
        categories.category
    from {{ ref('record_indicators') }} as patterns
    inner join {{ ref('breakdown_categories') }} as categories
        on patterns.indicator_code = categories.indicator_code
    where patterns.has_categories
),

-- Between a county's first and last record a month without records counts zero; outside it the
-- records say nothing.
grid as (
    select
        spans.county_code,
        spans.source,
        asked.indicator_code,
        asked.category,
        months.month as reporting_month,
        spans.is_made_up
    from spans
    inner join asked on spans.source = asked.source
    inner join {{ ref('dim_months') }} as months
        on months.month between spans.first_month and spans.last_month
)

select
    grid.county_code,
    grid.reporting_month,
    grid.indicator_code,
    grid.category,
    grid.source,
    cast(count(counted.category) as integer) as value,
    cast(coalesce(any_value(at_least.persons), 0) as integer) as value_least,
    cast(count(counted.category) as integer) as value_most,
    cast(coalesce(any_value(occurred.occurrences), 0) as integer) as occurrences,
    grid.is_made_up
from grid
left join counted
    on
        grid.county_code = counted.county_code
        and grid.reporting_month = counted.reporting_month
        and grid.indicator_code = counted.indicator_code
        and grid.category = counted.category
left join counted_at_least as at_least
    on
        grid.county_code = at_least.county_code
        and grid.reporting_month = at_least.reporting_month
        and grid.indicator_code = at_least.counted_for
        and grid.category = at_least.category
left join occurred
    on
        grid.county_code = occurred.county_code
        and grid.reporting_month = occurred.reporting_month
        and grid.indicator_code = occurred.indicator_code
group by
    grid.county_code, grid.reporting_month, grid.indicator_code, grid.category, grid.source,
    grid.is_made_up
