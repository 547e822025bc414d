-- What institutions owe, with every version of what they submitted. Where several owe an indicator,
-- the county's value is their sum: of a replaced version, with what the others report now. Where a
-- report gives parts alone, their sum is its value, as in every number of the county.
{{ config(materialized='table') }}

with lines as (
    select *
    from {{ ref('fct_actuals') }}
    where frequency = 'month' and category = 'total' and is_replaced is not true
),

-- What holds now has a row even where an earlier version said more than the last one.
versions as (
    {% for is_superseded in ['false', 'true'] -%}
        select
            due.*,
            lines.value,
            lines.value_state,
            lines.delivery_id,
            lines.sheet,
            lines.cell,
            lines.row_number,
            lines.received_at,
            lines.is_made_up,
            {{ is_superseded }} as is_superseded
        from {{ ref('fct_values_due') }} as due
        {{ 'inner' if is_superseded == 'true' else 'left' }} join lines
            on
                due.county_code = lines.county_code
                and due.institution_code = lines.institution_code
                and due.plan_code = lines.plan_code
                and due.indicator_code = lines.indicator_code
                and due.reporting_month = lines.reporting_month
                and (lines.superseded_at is not null) = {{ is_superseded }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

submitted as (
    select
        versions.county_code,
        versions.institution_code,
        versions.plan_code,
        versions.indicator_code,
        versions.reporting_month,
        versions.frequency,
        {{ months_in('versions.frequency') }} as months_in_period,
        case when versions.is_superseded then versions.value else reports.value end as value,
        case when not versions.is_superseded then reports.value end as current_value,
        not versions.is_superseded and coalesce(reports.is_received, false) as is_in_full,
        coalesce(versions.value_state, 'not_reported') as value_state,
        versions.delivery_id,
        versions.sheet,
        versions.cell,
        versions.row_number,
        versions.received_at,
        versions.is_superseded,
        coalesce(versions.is_made_up, reports.is_made_up, false) as is_made_up
    from versions
    left join {{ ref('int_monthly_reports') }} as reports
        on
            versions.county_code = reports.county_code
            and versions.institution_code = reports.institution_code
            and versions.plan_code = reports.plan_code
            and versions.indicator_code = reports.indicator_code
            and versions.reporting_month = reports.reporting_month
    where
        versions.is_deadline_past
        or versions.delivery_id is not null
        or reports.institution_code is not null
)

select
    *,
    value + sum(current_value) over of_county
    - coalesce(max(current_value) over of_institution, 0) as county_value,
    max(current_value) over of_county as largest,
    count(distinct institution_code) over of_county as institutions,
    count(*) filter (where is_in_full) over of_county as reporting
from submitted
window
    of_county as (
        partition by county_code, plan_code, indicator_code, reporting_month, frequency
    ),
    of_institution as (
        partition by
            county_code, plan_code, indicator_code, reporting_month, frequency, institution_code
    )
