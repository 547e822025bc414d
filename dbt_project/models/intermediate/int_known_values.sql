-- What was known of each county's and the nation's numbers at each moment at which a report came
-- or a line of one ceased to hold.
{{ config(materialized='table') }}

-- Where the register says who owes a value, only that institution's is counted.
with counted as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        category,
        breakdown_kind,
        value,
        value_state,
        received_at,
        superseded_at,
        correction_id is not null as is_correction,
        is_made_up,
        min(received_at) over (
            partition by
                county_code, institution_code, plan_code, indicator_code, reporting_month
        ) as first_received_at
    from {{ ref('fct_actuals') }} as facts
    where
        frequency = 'month'
        and coalesce(superseded_at > received_at, true)
        and {{ is_counted('facts') }}
),

-- The nation's number is the sum of its counties'.
areas as (
    select
        counted.*,
        members.area_code
    from counted
    inner join {{ ref('bridge_area_members') }} as members
        on counted.county_code = members.county_code
),

-- A line may end without another in its place: a later report may leave it out.
changes as (
    select
        area_code,
        plan_code,
        indicator_code,
        reporting_month,
        received_at as known_at,
        received_at = first_received_at as brings_first,
        received_at > first_received_at or is_correction as brings_correction
    from areas
    union all
    select
        area_code,
        plan_code,
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
        plan_code,
        indicator_code,
        reporting_month,
        known_at,
        bool_or(brings_first) as brings_first,
        bool_or(brings_correction) as brings_correction
    from changes
    group by area_code, plan_code, indicator_code, reporting_month, known_at
),

-- A correction replaces one line, the total or a part, and leaves the others: which of them count
-- is asked of all that hold at a moment.
reports_known as (
    select
        moments.area_code,
        moments.plan_code,
        moments.indicator_code,
        moments.reporting_month,
        moments.known_at,
        moments.brings_first,
        moments.brings_correction,
        {{ report_value() | indent(8) }} as value,
        bool_or(areas.is_made_up) as is_made_up
    from moments
    left join areas
        on
            moments.area_code = areas.area_code
            and moments.plan_code = areas.plan_code
            and moments.indicator_code = areas.indicator_code
            and moments.reporting_month = areas.reporting_month
            and moments.known_at >= areas.received_at
            and coalesce(moments.known_at < areas.superseded_at, true)
    group by
        moments.area_code, moments.plan_code, moments.indicator_code, moments.reporting_month,
        moments.known_at, moments.brings_first, moments.brings_correction, areas.county_code,
        areas.institution_code
)

select
    area_code,
    plan_code,
    indicator_code,
    reporting_month,
    known_at,
    brings_first,
    brings_correction,
    sum(value) as value,
    bool_or(is_made_up) as is_made_up
from reports_known
group by
    area_code, plan_code, indicator_code, reporting_month, known_at, brings_first, brings_correction
