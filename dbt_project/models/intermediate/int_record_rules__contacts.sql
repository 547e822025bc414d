-- Contacts of the hotline that contradict themselves or each other. Only the place in the file is
-- given, never a key: whoever sent the file finds the row in it.
{% set alone = var('contradictions')['hotline_contacts'] -%}

with thresholds as (
    {{ thresholds(['acceptance_long_after_days']) }}
),

judged as (
    select
        * replace (stated_case_key as case_key),
        {% for name in alone['terms'] -%}
            {{ alone['terms'][name] }} as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('fct_hotline_contacts') }}
),

contacts as materialized (
    select
        judged.*,
        deliveries.received_at,
        deliveries.sheet,
        deliveries.record_columns,
        firsts.contacted_at as first_contacted_at,
        firsts.case_key as first_case_key,
        firsts.repeat_of_key as first_repeat_of_key,
        firsts.is_idle as first_is_idle,
        municipalities.county_code as municipality_county_code,
        thresholds.acceptance_long_after_days as long_after,
        case when judged.duplicate_of_key is null then 'repeat_of_key' else 'duplicate_of_key' end
            as link_column
    from judged
    cross join thresholds
    inner join {{ ref('stg_deliveries') }} as deliveries
        on judged.delivery_id = deliveries.delivery_id
    left join judged as firsts
        on coalesce(judged.duplicate_of_key, judged.repeat_of_key) = firsts.contact_key
    left join {{ ref('dim_municipalities') }} as municipalities
        on judged.municipality_code = municipalities.municipality_code
)

{% for rule, column, condition in [
    ('linked_contact_not_found', 'contacts.link_column', "link_state = 'dangling'"),
    ('contacts_linked_in_a_circle', 'contacts.link_column', "link_state = 'circular'"),
    ('repeat_in_another_case', "'case_key'", 'case_key <> first_case_key'),
    (
        'repeat_before_first', "'received_at'",
        'duplicate_of_key is null and contacted_at < first_contacted_at',
    ),
    (
        'repeat_and_duplicate', "'repeat_of_key'",
        'duplicate_of_key is not null and repeat_of_key <> coalesce(first_repeat_of_key, contact_key)',
    ),
    ('duplicate_of_another_kind', "'purpose'", 'is_duplicate and is_idle <> first_is_idle'),
    (
        'acceptance_long_after', "'accepted_at'",
        'accepted_at > contacted_at + to_days(cast(long_after as integer))',
    ),
] -%}
    select
        {{ finding(
            rule, at='contacts', column=column, is_mended='false',
            lacks=['institution_code', 'indicator_code'],
        ) }}
    from contacts
    where {{ condition }}

    union all by name
{% endfor %}

{% for each in alone['rules'] -%}
    select
        {{ finding(
            each['rule'], at='contacts', column="'" ~ each['column'] ~ "'", is_mended='false',
            lacks=['institution_code', 'indicator_code'],
        ) }}
    from contacts
    where {{ each['where'] or 'true' }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
