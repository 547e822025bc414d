-- Records that contradict themselves. Only the place in the file is told, never a key: whoever sent
-- the file finds the row in it. A rule is a condition on a row and what is said of it.
{% set rules_of_contacts = [
    {
        'rule': 'linked_contact_not_found',
        'where': "link_state = 'dangling'",
        'sq': "'Kontakti i referuar si i mëparshëm nuk gjendet në asnjë regjistër të linjës.'",
        'en': "'The contact named as the earlier one is in no log of the hotline.'",
    },
    {
        'rule': 'duplicate_without_original',
        'where': "is_duplicate and link_state = 'none'",
        'sq': "'Rezultati thotë dyfishim, por nuk thuhet i cilit kontakt.'",
        'en': "'The outcome says duplicate, but not of which contact.'",
    },
    {
        'rule': 'contacts_linked_in_a_circle',
        'where': "link_state = 'circular'",
        'sq': "'Kontaktet i referohen njëri-tjetrit në rreth: nuk dihet cili është i pari.'",
        'en': "'The contacts refer to each other in a circle: which is the first is not known.'",
    },
    {
        'rule': 'repeat_in_another_case',
        'where': "stated_case_key <> first_case_key",
        'sq': "'Kontakti përsërit një kontakt të një rasti tjetër.'",
        'en': "'The contact repeats a contact of another case.'",
    },
    {
        'rule': 'accepted_before_contact',
        'where': "accepted_at < contacted_at",
        'sq': "'Referimi u pranua para se të merrej kontakti.'",
        'en': "'The referral was accepted before the contact was received.'",
    },
    {
        'rule': 'municipality_in_another_county',
        'where': "event_county_code <> municipality_county_code",
        'sq': "'Bashkia nuk është në qarkun e ngjarjes.'",
        'en': "'The municipality is not in the county of the event.'",
    },
] -%}
{% set status = "event in ('initially_identified', 'formally_identified', 'not_a_victim')" -%}
{% set rules_of_steps = [
    {
        'rule': 'identified_before_flagged',
        'where': status ~ " and event_date < flagged_on",
        'sq': "'Statusi u vendos më ' || strftime(event_date, '%d.%m.%Y')"
            ~ " || ', para sinjalizimit më ' || strftime(flagged_on, '%d.%m.%Y') || '.'",
        'en': "'The status was decided on ' || strftime(event_date, '%Y-%m-%d')"
            ~ " || ', before the case was flagged on ' || strftime(flagged_on, '%Y-%m-%d') || '.'",
    },
    {
        'rule': 'formal_before_initial',
        'where': "event = 'formally_identified' and event_date < identified_on",
        'sq': "'Identifikimi formal është para identifikimit fillestar.'",
        'en': "'The formal identification comes before the initial one.'",
    },
    {
        'rule': 'status_contradicts_itself',
        'where': "event = 'not_a_victim' and is_formal_that_day",
        'sq': "'Po atë ditë personi u identifikua formalisht dhe u gjet se nuk është viktimë.'",
        'en': "'On one day the person was formally identified and found to be no victim.'",
    },
    {
        'rule': 'status_without_deciding_body',
        'where': status ~ " and deciding_organisation_state = 'not_reported'",
        'sq': "'Nuk thuhet cili organ e vendosi statusin.'",
        'en': "'Which body decided on the status is not said.'",
    },
    {
        'rule': 'closed_twice',
        'where': "event = 'closed' and closings_before > reopenings_before",
        'sq': "'Rasti u mbyll dy herë pa u rihapur.'",
        'en': "'The case was closed twice without being reopened.'",
    },
    {
        'rule': 'event_after_closing',
        'where': "event not in ('closed', 'reopened') and event_date > closed_on"
            ~ " and closings_before > reopenings_before",
        'sq': "'Ngjarja është pas mbylljes së rastit më ' || strftime(closed_on, '%d.%m.%Y') || '.'",
        'en': "'The event comes after the case was closed on ' || strftime(closed_on, '%Y-%m-%d') || '.'",
    },
] -%}
with contacts as (
    select
        contacts.*,
        deliveries.received_at,
        cast(null as varchar) as institution_code,
        firsts.stated_case_key as first_case_key,
        municipalities.county_code as municipality_county_code
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('stg_deliveries') }} as deliveries
        on contacts.delivery_id = deliveries.delivery_id
    left join {{ ref('fct_hotline_contacts') }} as firsts
        on coalesce(contacts.duplicate_of_key, contacts.repeat_of_key) = firsts.contact_key
    left join {{ ref('dim_municipalities') }} as municipalities
        on contacts.municipality_code = municipalities.municipality_code
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
    {% for records, rules in [('contacts', rules_of_contacts), ('steps', rules_of_steps)] -%}
        {% set last = loop.last -%}
        {% for rule in rules -%}
            select
                '{{ rule.rule }}' as rule,
                delivery_id,
                row_number,
                county_code,
                institution_code,
                reporting_month,
                received_at,
                is_made_up,
                {{ rule.sq }} as message_sq,
                {{ rule.en }} as message_en
            from {{ records }}
            where {{ rule.where }}
            {% if not (last and loop.last) -%}
                union all
            {% endif %}
        {%- endfor %}
    {%- endfor %}
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
