-- How numbers moved after their deadline. The first value is what was known when the reports were
-- due or, where nothing was, the first that came; what changed before is no revision.
with lines as (
    select
        county_code,
        institution_code,
        indicator_code,
        reporting_month,
        category,
        breakdown_kind,
        value,
        received_at,
        superseded_at,
        correction_id is not null as is_correction,
        is_made_up,
        min(received_at) over (
            partition by county_code, institution_code, indicator_code, reporting_month
        ) as first_received_at
    from {{ ref('fct_actuals') }}
    where
        frequency = 'month'
        and coalesce(superseded_at > received_at, true)
),

due as (
    select distinct
        county_code,
        institution_code,
        indicator_code,
        reporting_month
    from {{ ref('fct_values_due') }}
),

county_due as (
    select distinct
        county_code,
        indicator_code,
        reporting_month
    from due
),

-- Where the register says who owes a value, only that institution's is counted.
counted as (
    select lines.*
    from lines
    left join due
        on
            lines.county_code = due.county_code
            and lines.institution_code = due.institution_code
            and lines.indicator_code = due.indicator_code
            and lines.reporting_month = due.reporting_month
    left join county_due
        on
            lines.county_code = county_due.county_code
            and lines.indicator_code = county_due.indicator_code
            and lines.reporting_month = county_due.reporting_month
    where due.institution_code is not null or county_due.indicator_code is null
),

-- The nation's number is the sum of its counties'.
areas as (
    select
        *,
        county_code as area_code
    from counted
    union all
    select
        *,
        'AL' as area_code
    from counted
    where county_code <> 'AL'
),

-- A line may end without another in its place: a later report may leave it out.
changes as (
    select
        area_code,
        indicator_code,
        reporting_month,
        received_at as known_at,
        received_at = first_received_at as brings_first,
        received_at > first_received_at or is_correction as brings_correction
    from areas
    union all
    select
        area_code,
        indicator_code,
        reporting_month,
        superseded_at as known_at,
        false as brings_first,
        true as brings_correction
    from areas
    where superseded_at is not null
),

moments as (
    select
        area_code,
        indicator_code,
        reporting_month,
        known_at,
        bool_or(brings_first) as brings_first,
        bool_or(brings_correction) as brings_correction
    from changes
    group by area_code, indicator_code, reporting_month, known_at
),

-- A correction replaces one line, the total or a part, and leaves the others: which of them count
-- is asked of all that hold at a moment.
reports_known as (
    select
        moments.area_code,
        moments.indicator_code,
        moments.reporting_month,
        moments.known_at,
        moments.brings_first,
        moments.brings_correction,
        coalesce(
            sum(areas.value) filter (where areas.category = 'total'),
            sum(areas.value) filter (where areas.breakdown_kind = 'partition')
        ) as value,
        bool_or(areas.is_made_up) as is_made_up
    from moments
    left join areas
        on
            moments.area_code = areas.area_code
            and moments.indicator_code = areas.indicator_code
            and moments.reporting_month = areas.reporting_month
            and moments.known_at >= areas.received_at
            and coalesce(moments.known_at < areas.superseded_at, true)
    group by
        moments.area_code, moments.indicator_code, moments.reporting_month, moments.known_at,
        moments.brings_first, moments.brings_correction, areas.county_code, areas.institution_code
),

known as (
    select
        area_code,
        indicator_code,
        reporting_month,
        known_at,
        brings_first,
        brings_correction,
        sum(value) as value,
        bool_or(is_made_up) as is_made_up
    from reports_known
    group by
        area_code, indicator_code, reporting_month, known_at, brings_first, brings_correction
),

placed as (
    select
        known.*,
        coalesce(cast(known.known_at as date) <= months.reporting_deadline, false)
            as is_by_deadline,
        row_number() over (
            partition by known.area_code, known.indicator_code, known.reporting_month
            order by known.known_at
        ) as place,
        lag(known.value) over (
            partition by known.area_code, known.indicator_code, known.reporting_month
            order by known.known_at
        ) as value_before
    from known
    left join {{ ref('dim_months') }} as months on known.reporting_month = months.month
),

starts as (
    select
        area_code,
        indicator_code,
        reporting_month,
        greatest(coalesce(max(place) filter (where is_by_deadline), 1), 1) as first_place
    from placed
    group by area_code, indicator_code, reporting_month
),

measured as (
    select
        placed.area_code,
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
            and placed.indicator_code = starts.indicator_code
            and placed.reporting_month = starts.reporting_month
    group by placed.area_code, placed.indicator_code, placed.reporting_month
)

select
    area_code as county_code,
    reporting_month,
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
