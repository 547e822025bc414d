-- Each decision on a person's status holds until the next one. Of decisions of one day the one that
-- goes further comes last; found to be no victim goes furthest.
with decisions as (
    select
        *,
        case event
            when 'flagged' then 1
            when 'initially_identified' then 2
            when 'formally_identified' then 3
            when 'not_a_victim' then 4
        end as reach
    from {{ ref('fct_referral_events') }}
    where event in ('flagged', 'initially_identified', 'formally_identified', 'not_a_victim')
)

select
    county_code,
    case_key,
    person_key,
    event as status,
    deciding_organisation as decided_by,
    deciding_organisation_state as decided_by_state,
    event_date as valid_from,
    lead(event_date) over history as valid_to,
    lead(event_date) over history is null as is_current,
    is_made_up
from decisions
window history as (
    partition by county_code, case_key, person_key order by event_date, reach, row_number
)
