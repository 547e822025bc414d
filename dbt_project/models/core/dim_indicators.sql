with partitions as (
    select
        plan_code,
        indicator_code,
        count(*) as partition_categories
    from {{ ref('breakdown_categories') }}
    where breakdown_kind = 'partition'
    group by plan_code, indicator_code
)

select
    indicators.plan_code,
    indicators.indicator_code,
    indicators.measure_code,
    indicators.indicator_position,
    indicators.name_sq,
    indicators.name_en,
    coalesce(short_names.short_name_sq, indicators.name_sq) as short_name_sq,
    coalesce(short_names.short_name_en, indicators.name_en) as short_name_en,
    indicators.unit,
    indicators.target_basis,
    indicators.basis_evidence,
    indicators.direction,
    indicators.population_id,
    indicators.is_person_sensitive,
    -- An indicator that shares a population with one about persons counts the same persons again.
    -- Any other count of persons is public in full only where the data officer signed for it.
    indicators.is_person_sensitive
    or (
        indicators.population_id is not null
        and bool_or(indicators.is_person_sensitive) over (
            partition by indicators.plan_code, indicators.population_id
        )
    )
    or (indicators.unit = 'persons' and signed.indicator_code is null) as is_protected,
    -- Who counts persons may count whom another counts: in a county the institutions, in the nation
    -- the counties.
    indicators.is_person_sensitive or indicators.unit = 'persons' as may_overlap,
    indicators.breakdown_text,
    indicators.source_place,
    indicators.note,
    cast(coalesce(partitions.partition_categories, 0) as integer) as partition_categories,
    series.series_code,
    series.comparable_code,
    series.succession_kind,
    series.earlier_indicators,
    series.break_reason_sq,
    series.break_reason_en
from {{ ref('indicators') }} as indicators
inner join {{ ref('int_indicator_series') }} as series
    on
        indicators.plan_code = series.plan_code
        and indicators.indicator_code = series.indicator_code
left join partitions
    on
        indicators.plan_code = partitions.plan_code
        and indicators.indicator_code = partitions.indicator_code
left join {{ ref('indicator_short_names') }} as short_names
    on
        indicators.plan_code = short_names.plan_code
        and indicators.indicator_code = short_names.indicator_code
left join {{ ref('public_counts') }} as signed
    on
        indicators.plan_code = signed.plan_code
        and indicators.indicator_code = signed.indicator_code
