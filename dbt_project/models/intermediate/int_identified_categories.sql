-- The category in which each identified person is, in each breakdown. Of assistance a person may
-- have several kinds; of all else one, or the kind of nothing that is known.
{% set categories = {
    'total': "'total'",
    'sex_and_age_group': "sex || ' ' || age_group",
    'exploitation': 'exploitation',
    'citizenship': 'citizenship',
    'citizenship_group': 'coalesce(citizenship_group, citizenship)',
    'trafficking_scope': 'trafficking_scope',
    'identification_county': 'identification_county',
    'residence_county': 'residence_county',
    'registering_organisation': 'registering_organisation',
    'assistance': "unnest(['any'] || assistance)",
} %}
with persons as (
    select
        persons.*,
        citizenships.category as citizenship_group
    from {{ ref('int_identified_persons') }} as persons
    left join {{ ref('dim_collection_codes') }} as citizenships
        on
            citizenships.collection = 'eurostat'
            and citizenships.breakdown = 'citizenship'
            and citizenships.category <> 'unknown'
            and persons.citizenship = citizenships.code
)

{% for breakdown, category in categories.items() -%}
    select
        county_code,
        step,
        period,
        kind,
        reporting_month,
        linked_person_key,
        least_person_key,
        is_comparable,
        senders,
        '{{ breakdown }}' as breakdown,
        {{ category }} as category
    from persons
    {% if breakdown == 'identification_county' -%}
        where county_code = 'AL'
    {% elif breakdown == 'assistance' -%}
        where assistance is not null
    {% endif -%}
    {% if not loop.last %}union all{% endif %}
{% endfor %}
