-- The cells of each plan's table of targets, with the indicator and measure in whose row they are.
select
    targets.plan_code,
    indicators.measure_code,
    targets.indicator_code,
    indicators.direction,
    targets.year,
    targets.target_kind,
    targets.value,
    targets.value_state,
    coalesce(targets.source_text, '') as source_text,
    targets.reading_note,
    targets.reading_certainty,
    targets.source_place,
    measures.start_year,
    measures.end_year,
    max(targets.value) filter (where targets.target_kind = 'baseline') over indicator as baseline,
    max(targets.year) filter (where targets.target_kind = 'baseline') over indicator
        as baseline_year,
    count(*) over (partition by targets.plan_code, indicators.measure_code, targets.year)
        as indicators_of_measure
from {{ ref('targets') }} as targets
inner join {{ ref('indicators') }} as indicators
    on
        targets.plan_code = indicators.plan_code
        and targets.indicator_code = indicators.indicator_code
inner join {{ ref('measures') }} as measures
    on
        indicators.plan_code = measures.plan_code
        and indicators.measure_code = measures.measure_code
window indicator as (partition by targets.plan_code, targets.indicator_code)
