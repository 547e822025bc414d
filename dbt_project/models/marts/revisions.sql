-- How numbers moved after their deadline. The first value is what was known when the reports were
-- due or, where nothing was, the first that came; what changed before is no revision.
with placed as (
    select
        known.*,
        coalesce(cast(known.known_at as date) <= months.reporting_deadline, false)
            as is_by_deadline,
        row_number() over (
            partition by
                known.area_code, known.plan_code, known.indicator_code, known.reporting_month
            order by known.known_at
        ) as place,
        lag(known.value) over (
            partition by
                known.area_code, known.plan_code, known.indicator_code, known.reporting_month
            order by known.known_at
        ) as value_before
    from {{ ref('int_known_values') }} as known
    left join {{ ref('dim_months') }} as months on known.reporting_month = months.month
),

starts as (
    select
        area_code,
        plan_code,
        indicator_code,
        reporting_month,
        greatest(coalesce(max(place) filter (where is_by_deadline), 1), 1) as first_place
    from placed
    group by area_code, plan_code, indicator_code, reporting_month
),

measured as (
    select
        placed.area_code,
        placed.plan_code,
        placed.indicator_code,
        placed.reporting_month,
        max(placed.value) filter (where placed.place = starts.first_place) as first_value,
        max(placed.known_at) filter (where placed.place = starts.first_place) as first_known_at,
        arg_max(placed.value, placed.place) as last_number,
        max_by(placed.value is null, placed.place) as is_last_empty,
        max(placed.known_at) as latest_known_at,
        count(*) filter (
            where
            placed.place > starts.first_place
            and placed.value is distinct from placed.value_before
        ) as revisions,
        count(*) filter (
            where
            placed.place > starts.first_place
            and placed.value is distinct from placed.value_before
            and placed.brings_first
        ) as late_revisions,
        count(*) filter (
            where
            placed.place > starts.first_place
            and placed.value is distinct from placed.value_before
            and placed.brings_correction
        ) as corrected_revisions,
        bool_or(placed.is_made_up) as is_made_up
    from placed
    inner join starts
        on
            placed.area_code = starts.area_code
            and placed.plan_code = starts.plan_code
            and placed.indicator_code = starts.indicator_code
            and placed.reporting_month = starts.reporting_month
    group by placed.area_code, placed.plan_code, placed.indicator_code, placed.reporting_month
)

select
    area_code as county_code,
    reporting_month,
    plan_code,
    indicator_code,
    first_value,
    first_known_at,
    case when not is_last_empty then last_number end as latest_value,
    latest_known_at,
    cast(revisions as integer) as revisions,
    cast(late_revisions as integer) as late_revisions,
    cast(corrected_revisions as integer) as corrected_revisions,
    case when not is_last_empty then last_number - first_value end as revision,
    case
        when not is_last_empty and first_value <> 0
            then round((last_number - first_value) / first_value, 4)
    end as relative_revision,
    is_made_up
from measured
