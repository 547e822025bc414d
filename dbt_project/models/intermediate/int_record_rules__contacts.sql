-- Contacts of the hotline that contradict themselves. Only the place in the file is given, never a
-- key: whoever sent the file finds the row in it.
with contacts as (
    select
        contacts.*,
        deliveries.received_at,
        firsts.stated_case_key as first_case_key,
        municipalities.county_code as municipality_county_code
    from {{ ref('fct_hotline_contacts') }} as contacts
    inner join {{ ref('int_deliveries') }} as deliveries
        on contacts.delivery_id = deliveries.delivery_id
    left join {{ ref('fct_hotline_contacts') }} as firsts
        on coalesce(contacts.duplicate_of_key, contacts.repeat_of_key) = firsts.contact_key
    left join {{ ref('dim_municipalities') }} as municipalities
        on contacts.municipality_code = municipalities.municipality_code
)

{% for rule, condition in [
    ('linked_contact_not_found', "link_state = 'dangling'"),
    ('duplicate_without_original', "is_duplicate and link_state = 'none'"),
    ('contacts_linked_in_a_circle', "link_state = 'circular'"),
    ('repeat_in_another_case', 'stated_case_key <> first_case_key'),
    ('accepted_before_contact', 'accepted_at < contacted_at'),
    ('municipality_in_another_county', 'event_county_code <> municipality_county_code'),
] -%}
    select
        {{ finding(
            rule, at='contacts', is_mended='false',
            lacks=['institution_code', 'indicator_code', 'sheet', 'cell'],
        ) }}
    from contacts
    where {{ condition }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
