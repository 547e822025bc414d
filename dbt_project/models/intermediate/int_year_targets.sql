-- The target of each indicator, area and year of its plan. A target is its area's own, so that no
-- county is measured against the nation's. Only a milestone's target goes on after its year.
with years as (
    select distinct
        plan_code,
        year
    from {{ ref('int_plan_months') }}
)

select
    targets.county_code,
    targets.plan_code,
    targets.indicator_code,
    years.year,
    arg_max(targets.value, targets.year) filter (
        where
        targets.year = years.year
        or (indicators.target_basis = 'milestone' and targets.year < years.year)
    ) as target_value,
    max(targets.value) filter (where targets.year = years.year - 1) as previous_target,
    bool_or(targets.year > years.year and targets.value > 0) as has_later_target
from {{ ref('fct_targets') }} as targets
inner join {{ ref('dim_indicators') }} as indicators
    on
        targets.plan_code = indicators.plan_code
        and targets.indicator_code = indicators.indicator_code
inner join years on targets.plan_code = years.plan_code
where targets.target_kind = 'target' and targets.value is not null
group by targets.county_code, targets.plan_code, targets.indicator_code, years.year
