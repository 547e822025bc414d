-- Contacts of the hotline that contradict themselves or each other. Only the place in the file is
-- given, never a key: whoever sent the file finds the row in it.
-- A table, so that no two of these are in memory at once.
{{ config(materialized='table') }}

{% set contradictions = var('contradictions')['hotline_contacts'] -%}

with thresholds as (
    {{ thresholds(['acceptance_long_after_days']) }}
),

-- Asked twice: kept, a million would take a gigabyte.
judged as not materialized (
    select
        * replace (stated_case_key as case_key),
        {% for name in contradictions['terms'] -%}
            {{ contradictions['terms'][name] }} as {{ name }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('fct_hotline_contacts') }}
),

-- The log is sent again as it grows: what its file before the latest has of a contact.
last_files as (
    select
        records.contact_key,
        records.contacted_at,
        records.channel
    from {{ ref('stg_hotline_contacts') }} as records
    inner join {{ ref('int_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    qualify row_number() over (
        partition by records.contact_key
        order by deliveries.received_at desc, records.delivery_id desc, records.row_number desc
    ) = 2
),

traced as (
    select
        judged.*,
        deliveries.received_at,
        deliveries.sheet,
        json_merge_patch(
            deliveries.record_columns,
            json_object(
                'linked_key',
                deliveries.record_columns ->> if(
                    judged.duplicate_of_key is null, 'repeat_of_key', 'duplicate_of_key'
                )
            )
        ) as record_columns,
        last_files.contacted_at as last_file_contacted_at,
        last_files.channel as last_file_channel,
        firsts.contacted_at as first_contacted_at,
        firsts.case_key as first_case_key,
        firsts.repeat_of_key as first_repeat_of_key,
        firsts.is_idle as first_is_idle,
        firsts.is_suspected as first_is_suspected,
        firsts.suspicion_elements as first_suspicion_elements,
        firsts.referred_to as first_referred_to,
        municipalities.county_code as municipality_county_code,
        thresholds.acceptance_long_after_days as long_after
    from judged
    cross join thresholds
    inner join {{ ref('int_deliveries') }} as deliveries
        on judged.delivery_id = deliveries.delivery_id
    left join last_files on judged.contact_key = last_files.contact_key
    left join judged as firsts
        on coalesce(judged.duplicate_of_key, judged.repeat_of_key) = firsts.contact_key
    left join {{ ref('dim_municipalities') }} as municipalities
        on judged.municipality_code = municipalities.municipality_code
),

contacts as materialized (
    select *
    from traced
    where {{ any_holds(contradictions) }}
)

{% for each in contradictions['alone'] + contradictions['together'] -%}
    select
        {{ finding(
            each['rule'], at='contacts', column="'" ~ each['column'] ~ "'", is_mended='false',
            lacks=['institution_code', 'indicator_code'],
        ) }}
    from contacts
    where {{ each['where'] or 'true' }}
    {% if not loop.last %}union all by name{% endif %}
{% endfor %}
