-- Records that contradict themselves. Only the place in the file is told, never a key: whoever sent
-- the file finds the row in it.
with contacts as (
    select
        contacts.*,
        deliveries.received_at
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('stg_deliveries') }} as deliveries
        on contacts.delivery_id = deliveries.delivery_id
),

steps as (
    select
        *,
        min(event_date) filter (where event = 'flagged') over person_in_case as flagged_on,
        min(event_date) filter (where event = 'initially_identified') over person_in_case
            as identified_on,
        max(event_date) filter (where event = 'closed') over before_it as closed_on,
        max(event_date) filter (where event = 'reopened') over before_it as reopened_on,
        count(*) filter (where event = 'closed') over before_it as closings_before,
        count(*) filter (where event = 'reopened') over before_it as reopenings_before,
        bool_or(event = 'formally_identified') over same_day as is_formal_that_day
    from {{ ref('fct_referral_events') }}
    window
        person_in_case as (partition by case_key, person_key),
        same_day as (partition by case_key, person_key, event_date),
        before_it as (
            partition by case_key, person_key
            order by
                event_date, case event when 'closed' then 1 when 'reopened' then 2 else 0 end,
                row_number
            rows between unbounded preceding and 1 preceding
        )
),

found as (
    select
        'linked_contact_not_found' as rule,
        delivery_id,
        row_number,
        county_code,
        null as institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Kontakti i referuar si i mëparshëm nuk gjendet në asnjë regjistër të linjës.'
            as message_sq,
        'The contact named as the earlier one is in no log of the hotline.' as message_en
    from contacts
    where link_state = 'dangling'
    union all
    select
        'duplicate_without_original' as rule,
        delivery_id,
        row_number,
        county_code,
        null as institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Rezultati thotë dyfishim, por nuk thuhet i cilit kontakt.' as message_sq,
        'The outcome says duplicate, but not of which contact.' as message_en
    from contacts
    where is_duplicate and link_state = 'none'
    union all
    select
        'contacts_linked_in_a_circle' as rule,
        delivery_id,
        row_number,
        county_code,
        null as institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Kontaktet i referohen njëri-tjetrit në rreth: nuk dihet cili është i pari.' as message_sq,
        'The contacts refer to each other in a circle: which is the first is not known.'
            as message_en
    from contacts
    where link_state = 'circular'
    union all
    select
        'repeat_in_another_case' as rule,
        repeats.delivery_id,
        repeats.row_number,
        repeats.county_code,
        null as institution_code,
        repeats.reporting_month,
        repeats.received_at,
        repeats.is_made_up,
        'Kontakti përsërit një kontakt të një rasti tjetër.' as message_sq,
        'The contact repeats a contact of another case.' as message_en
    from contacts as repeats
    inner join contacts as firsts
        on
            coalesce(repeats.duplicate_of_key, repeats.repeat_of_key) = firsts.contact_key
            and repeats.stated_case_key <> firsts.stated_case_key
    union all
    select
        'accepted_before_contact' as rule,
        delivery_id,
        row_number,
        county_code,
        null as institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Referimi u pranua para se të merrej kontakti.' as message_sq,
        'The referral was accepted before the contact was received.' as message_en
    from contacts
    where accepted_at < contacted_at
    union all
    select
        'municipality_in_another_county' as rule,
        contacts.delivery_id,
        contacts.row_number,
        contacts.county_code,
        null as institution_code,
        contacts.reporting_month,
        contacts.received_at,
        contacts.is_made_up,
        'Bashkia nuk është në qarkun e ngjarjes.' as message_sq,
        'The municipality is not in the county of the event.' as message_en
    from contacts
    inner join {{ ref('dim_municipalities') }} as municipalities
        on contacts.municipality_code = municipalities.municipality_code
    where contacts.event_county_code <> municipalities.county_code
    union all
    select
        'identified_before_flagged' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Statusi u vendos më ' || strftime(event_date, '%d.%m.%Y') || ', para sinjalizimit më '
        || strftime(flagged_on, '%d.%m.%Y') || '.' as message_sq,
        'The status was decided on ' || strftime(event_date, '%Y-%m-%d')
        || ', before the case was flagged on ' || strftime(flagged_on, '%Y-%m-%d') || '.'
            as message_en
    from steps
    where
        event in ('initially_identified', 'formally_identified', 'not_a_victim')
        and event_date < flagged_on
    union all
    select
        'formal_before_initial' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Identifikimi formal është para identifikimit fillestar.' as message_sq,
        'The formal identification comes before the initial one.' as message_en
    from steps
    where event = 'formally_identified' and event_date < identified_on
    union all
    select
        'status_contradicts_itself' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Po atë ditë personi u identifikua formalisht dhe u gjet se nuk është viktimë.'
            as message_sq,
        'On one day the person was formally identified and found to be no victim.' as message_en
    from steps
    where event = 'not_a_victim' and is_formal_that_day
    union all
    select
        'status_without_deciding_body' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Nuk thuhet cili organ e vendosi statusin.' as message_sq,
        'Which body decided on the status is not said.' as message_en
    from steps
    where
        event in ('initially_identified', 'formally_identified', 'not_a_victim')
        and deciding_organisation_state = 'not_reported'
    union all
    select
        'closed_twice' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Rasti u mbyll dy herë pa u rihapur.' as message_sq,
        'The case was closed twice without being reopened.' as message_en
    from steps
    where event = 'closed' and closings_before > reopenings_before
    union all
    select
        'event_after_closing' as rule,
        delivery_id,
        row_number,
        county_code,
        institution_code,
        reporting_month,
        received_at,
        is_made_up,
        'Ngjarja është pas mbylljes së rastit më ' || strftime(closed_on, '%d.%m.%Y') || '.'
            as message_sq,
        'The event comes after the case was closed on ' || strftime(closed_on, '%Y-%m-%d') || '.'
            as message_en
    from steps
    where
        event not in ('closed', 'reopened')
        and event_date > closed_on
        and closings_before > reopenings_before
)

select
    rule,
    delivery_id,
    cast(row_number as integer) as row_number,
    county_code,
    institution_code,
    reporting_month,
    message_sq,
    message_en,
    received_at as found_at,
    is_made_up
from found
