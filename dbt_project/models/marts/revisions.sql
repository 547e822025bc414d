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
),

counties as (
    select
        plan_code,
        indicator_code,
        reporting_month,
        bool_and(is_month_whole) as is_month_whole,
        count(*) as counties_expected,
        count(actual_month) as counties_reporting,
        list(county_code) filter (where actual_month is not null) as counties
    from {{ ref('int_nation_counties') }}
    group by plan_code, indicator_code, reporting_month
),

covered as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        is_month_whole,
        cast(null as integer) as counties_reporting,
        cast(null as integer) as counties_expected,
        cast(null as varchar) as counties_missing
    from {{ ref('int_county_progress') }}
    union all by name
    select
        * exclude (counties),
        'AL' as county_code,
        {{ counties_missing('counties.counties') | indent(8) }} as counties_missing
    from counties
)

select
    measured.area_code as county_code,
    measured.reporting_month,
    measured.plan_code,
    measured.indicator_code,
    measured.first_value,
    measured.first_known_at,
    case when not measured.is_last_empty then measured.last_number end as latest_value,
    measured.latest_known_at,
    cast(measured.revisions as integer) as revisions,
    cast(measured.late_revisions as integer) as late_revisions,
    cast(measured.corrected_revisions as integer) as corrected_revisions,
    case when not measured.is_last_empty then measured.last_number - measured.first_value end
        as revision,
    case
        when not measured.is_last_empty and measured.first_value <> 0
            then round((measured.last_number - measured.first_value) / measured.first_value, 4)
    end as relative_revision,
    not coalesce(covered.is_month_whole, false) as is_lower_bound,
    cast(covered.counties_reporting as integer) as counties_reporting,
    cast(covered.counties_expected as integer) as counties_expected,
    covered.counties_missing,
    measured.is_made_up
from measured
left join covered
    on
        measured.area_code = covered.county_code
        and measured.plan_code = covered.plan_code
        and measured.indicator_code = covered.indicator_code
        and measured.reporting_month = covered.reporting_month
