-- Sources that disagree, and corrections whose source was changed.
with compared as (
    select
        compared.*,
        one.name_sq as first_name_sq,
        one.name_en as first_name_en,
        other.name_sq as second_name_sq,
        other.name_en as second_name_en,
        official.name_sq as official_sq,
        official.name_en as official_en,
        coalesce(compared.likely_reason, '') <> 'unexplained' as is_explained,
        official.source is not null as has_official
    from {{ ref('fct_source_comparison') }} as compared
    inner join {{ ref('figure_sources') }} as one on compared.first_source = one.source
    inner join {{ ref('figure_sources') }} as other on compared.second_source = other.source
    left join {{ ref('figure_sources') }} as official
        on compared.official_source = official.source
    where
        compared.is_contradiction
        and compared.first_source <> 'plan'
        -- What a submission is compared with need not be repeated between the other two.
        and (
            compared.first_source = 'submission'
            or not exists (
                select 1
                from {{ ref('fct_source_comparison') }} as submitted
                where
                    submitted.first_source = 'submission'
                    and submitted.second_source = compared.second_source
                    and submitted.county_code = compared.county_code
                    and submitted.indicator_code = compared.indicator_code
                    and submitted.reporting_month = compared.reporting_month
                    and submitted.first_value is not null
            )
        )
)

-- Both numbers stay: which source is right is for the committee to find out.
{% set sources = {
    'indicator': 'compared.indicator_code',
    'first_sq': 'compared.first_name_sq', 'first_en': 'compared.first_name_en',
    'second_sq': 'compared.second_name_sq', 'second_en': 'compared.second_name_en',
} -%}
{% set reason = {'reason_sq': 'compared.reason_sq', 'reason_en': 'compared.reason_en'} -%}
{% set official = {'official_sq': 'compared.official_sq', 'official_en': 'compared.official_en'} -%}
{% for variant, condition, texts in [
    ('unexplained', 'not is_explained and not has_official', {}),
    ('explained', 'is_explained and not has_official', reason),
    ('unexplained_with_official', 'not is_explained and has_official', official),
    ('explained_with_official', 'is_explained and has_official', dict(reason, **official)),
] -%}
    select
        {{ finding(
            'sources_disagree', variant=variant, at='compared',
            found_at='coalesce(received_at, cast(reporting_month as timestamp))',
            is_mended='is_superseded',
            texts=dict(sources, **texts),
            counts={'first_value': 'compared.first_value', 'second_value': 'compared.second_value'},
        ) }},
        compared.second_source as subject
    from compared
    where {{ condition }}

    union all by name
{% endfor %}

-- The guard of a correction: the report no longer holds what the correction was made against.
select
    {{ finding(
        'correction_without_ground', at='corrections',
        found_at='corrections.found_at', is_mended='false',
        texts={
            'correction': 'corrections.correction_id',
            'expected_sq': 'corrections.expected_sq', 'expected_en': 'corrections.expected_en',
            'reported_sq': 'corrections.reported_sq', 'reported_en': 'corrections.reported_en',
        },
    ) }},
    corrections.correction_id as subject
from {{ ref('fct_corrections') }} as corrections
where not corrections.is_withdrawn and not corrections.has_ground
