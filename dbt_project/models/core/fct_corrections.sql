-- Each correction beside what its report says now, which is what it must have been made against.
with reported as (
    select
        *,
        max(version) over (partition by county_code, institution_code, reporting_month)
            as newest_version
    from {{ ref('fct_actuals') }}
    where frequency = 'month' and correction_id is null
),

current_lines as (
    select *
    from reported
    where version = newest_version
    qualify
        row_number() over (
            partition by county_code, institution_code, indicator_code, reporting_month, category
            order by row_number desc, received_at desc
        ) = 1
),

states as (
    select
        named.value_state,
        named.name_sq,
        named.name_en
    from (
        values
        ('not_reported', 'nuk u raportua', 'not reported'),
        ('not_applicable', 'nuk i takon institucionit', 'not applicable'),
        ('refused', 'nuk jepet', 'refused'),
        ('unknown', 'nuk dihet', 'not known')
    ) as named (value_state, name_sq, name_en)
)

select
    corrections.correction_id,
    corrections.county_code,
    corrections.institution_code,
    months.plan_code,
    corrections.indicator_code,
    corrections.reporting_month,
    corrections.category,
    corrections.expected_value,
    corrections.expected_state,
    corrections.corrected_value,
    corrections.corrected_state,
    corrections.reason,
    corrections.corrected_by,
    corrections.corrected_at,
    corrections.withdrawn_at,
    corrections.withdrawn_at is not null as is_withdrawn,
    lines.value as reported_value,
    lines.value_state as reported_state,
    coalesce(
        lines.value is not distinct from corrections.expected_value
        and lines.value_state = corrections.expected_state,
        false
    ) as has_ground,
    coalesce(cast(cast(corrections.expected_value as bigint) as varchar), expected.name_sq)
        as expected_sq,
    coalesce(cast(cast(corrections.expected_value as bigint) as varchar), expected.name_en)
        as expected_en,
    coalesce(cast(cast(lines.value as bigint) as varchar), found.name_sq, 'asgjë') as reported_sq,
    coalesce(cast(cast(lines.value as bigint) as varchar), found.name_en, 'nothing')
        as reported_en,
    lines.delivery_id,
    lines.sheet,
    lines.cell,
    lines.row_number,
    greatest(corrections.corrected_at, coalesce(lines.received_at, corrections.corrected_at))
        as found_at,
    coalesce(lines.is_made_up, false) as is_made_up
from {{ ref('int_corrections') }} as corrections
left join {{ ref('dim_months') }} as months on corrections.reporting_month = months.month
left join current_lines as lines
    on
        corrections.county_code = lines.county_code
        and corrections.institution_code = lines.institution_code
        and corrections.indicator_code = lines.indicator_code
        and corrections.reporting_month = lines.reporting_month
        and corrections.category = lines.category
left join states as expected on corrections.expected_state = expected.value_state
left join states as found on lines.value_state = found.value_state
