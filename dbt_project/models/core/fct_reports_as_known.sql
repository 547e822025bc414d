-- What was known of a report on each day: whether it was due, by the register as it was then, and
-- what had come. A row begins on each day on which one of these changed.
with owed as (
    select distinct
        county_code,
        institution_code,
        reporting_month,
        reporting_deadline,
        -- Nothing is due before its month.
        greatest(recorded_from, reporting_month) as known_from,
        recorded_to as known_to
    from {{ ref('int_obligation_months') }}
    where recorded_to is null or recorded_to > greatest(recorded_from, reporting_month)
),

arrived as (
    select
        county_code,
        institution_code,
        reporting_month,
        cast(received_at as date) as received_on,
        status = 'refused' as is_refused
    from {{ ref('fct_submissions') }}
    where frequency = 'month' and received_at is not null
),

days as (
    select
        county_code,
        institution_code,
        reporting_month,
        known_from as changed_on
    from owed
    union
    select
        county_code,
        institution_code,
        reporting_month,
        known_to as changed_on
    from owed
    where known_to is not null
    union
    select
        county_code,
        institution_code,
        reporting_month,
        received_on as changed_on
    from arrived
),

spans as (
    select
        county_code,
        institution_code,
        reporting_month,
        changed_on as known_from,
        lead(changed_on) over (
            partition by county_code, institution_code, reporting_month
            order by changed_on
        ) as known_to
    from days
),

owed_then as (
    select distinct
        spans.county_code,
        spans.institution_code,
        spans.reporting_month,
        spans.known_from,
        owed.reporting_deadline
    from spans
    inner join owed
        on
            spans.county_code = owed.county_code
            and spans.institution_code = owed.institution_code
            and spans.reporting_month = owed.reporting_month
            and spans.known_from >= owed.known_from
            and coalesce(spans.known_from < owed.known_to, true)
),

arrived_then as (
    select
        spans.county_code,
        spans.institution_code,
        spans.reporting_month,
        spans.known_from,
        min(arrived.received_on) filter (where not arrived.is_refused) as received_on,
        count(*) filter (where arrived.is_refused) as refused
    from spans
    inner join arrived
        on
            spans.county_code = arrived.county_code
            and spans.institution_code = arrived.institution_code
            and spans.reporting_month = arrived.reporting_month
            and spans.known_from >= arrived.received_on
    group by
        spans.county_code, spans.institution_code, spans.reporting_month, spans.known_from
),

made_up as (
    select
        county_code,
        institution_code,
        reporting_month,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_submissions') }}
    where frequency = 'month'
    group by county_code, institution_code, reporting_month
)

select
    spans.county_code,
    spans.institution_code,
    spans.reporting_month,
    spans.known_from,
    spans.known_to,
    owed_then.reporting_deadline,
    cast(owed_then.known_from is not null as integer) as expected,
    cast(arrived_then.received_on is not null as integer) as received,
    cast(
        {{ is_on_time('arrived_then.received_on', 'owed_then.reporting_deadline') }} as integer
    ) as on_time,
    cast(
        {{ days_late('arrived_then.received_on', 'owed_then.reporting_deadline') }} as integer
    ) as days_late,
    cast(coalesce(arrived_then.refused, 0) as integer) as refused,
    coalesce(made_up.is_made_up, false) as is_made_up
from spans
{% for then in ['owed_then', 'arrived_then'] -%}
    left join {{ then }}
        on
            spans.county_code = {{ then }}.county_code
            and spans.institution_code = {{ then }}.institution_code
            and spans.reporting_month = {{ then }}.reporting_month
            and spans.known_from = {{ then }}.known_from
{% endfor -%}
left join made_up
    on
        spans.county_code = made_up.county_code
        and spans.institution_code = made_up.institution_code
        and spans.reporting_month = made_up.reporting_month
where owed_then.known_from is not null or arrived_then.known_from is not null
