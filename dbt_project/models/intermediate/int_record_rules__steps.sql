-- Steps of the referral mechanism that contradict themselves. Only the place in the file is given,
-- never a key: whoever sent the file finds the row in it.
with steps as (
    select
        *,
        event in ('initially_identified', 'formally_identified', 'not_a_victim') as is_decision,
        min(event_date) filter (where event = 'flagged') over person_in_case as flagged_on,
        min(event_date) filter (where event = 'initially_identified') over person_in_case
            as identified_on,
        max(event_date) filter (where event = 'closed') over before_it as closed_on,
        count(*) filter (where event = 'closed') over before_it
        > count(*) filter (where event = 'reopened') over before_it as is_closed,
        bool_or(event = 'formally_identified') over same_day as is_formal_that_day
    from {{ ref('fct_referral_events') }}
    window
        person_in_case as (partition by case_key, person_key),
        same_day as (partition by case_key, person_key, event_date),
        before_it as (
            partition by case_key, person_key
            order by
                event_date, case event when 'closed' then 1 when 'reopened' then 2 else 0 end,
                row_number, delivery_id
            rows between unbounded preceding and 1 preceding
        )
)

{% for rule, condition, days in [
    (
        'identified_before_flagged', 'is_decision and event_date < flagged_on',
        {'decided': 'event_date', 'flagged': 'flagged_on'},
    ),
    (
        'formal_before_initial', "event = 'formally_identified' and event_date < identified_on",
        {},
    ),
    ('status_contradicts_itself', "event = 'not_a_victim' and is_formal_that_day", {}),
    (
        'status_without_deciding_body',
        "is_decision and deciding_organisation_state = 'not_reported'", {},
    ),
    ('closed_twice', "event = 'closed' and is_closed", {}),
    (
        'event_after_closing',
        "event not in ('closed', 'reopened') and event_date > closed_on and is_closed",
        {'closed': 'closed_on'},
    ),
] -%}
    select
        {{ finding(
            rule, at='steps', is_mended='false', lacks=['indicator_code', 'sheet', 'cell'],
            days=days,
        ) }}
    from steps
    where {{ condition }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
