-- A case is sent whole: its history is what the latest delivery that holds it says. A case that now
-- stands under its institution's own number replaces what the older form sent of it.
with latest as (
    select
        events.*,
        deliveries.received_at,
        deliveries.is_made_up
    from {{ ref('stg_referral_events') }} as events
    inner join {{ ref('stg_deliveries') }} as deliveries
        on events.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    qualify dense_rank() over (
        partition by events.case_key
        order by deliveries.received_at desc, events.delivery_id desc
    ) = 1
)

select
    latest.delivery_id,
    latest.row_number,
    latest.county_code,
    latest.institution_code,
    latest.case_key,
    latest.hotline_case_key,
    coalesce(latest.person_key, latest.case_key) as person_key,
    latest.event,
    latest.event_date,
    cast(date_trunc('month', latest.event_date) as date) as reporting_month,
    {% for column in [
        'sex', 'age_group', 'deciding_organisation', 'identification_channel', 'exploitation',
        'municipality_code', 'border_point', 'referring_organisation', 'referred_organisation',
        'support_type', 'detail', 'case_status', 'closing_reason',
    ] -%}
        latest.{{ column }},
        latest.{{ column }}_state,
    {% endfor -%}
    latest.received_at,
    latest.is_made_up
from latest
where not exists (
    select 1
    from latest as renumbered
    where
        renumbered.former_case_key = latest.case_key
        and renumbered.case_key <> latest.case_key
)
