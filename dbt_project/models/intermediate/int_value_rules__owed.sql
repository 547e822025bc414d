-- Values that are owed and missing, or reported and not owed.
with reported as (
    select *
    from {{ ref('fct_actuals') }}
    where frequency = 'month' and is_replaced is not true
),

-- An empty cell, a refusal and an unknown all leave the value owed; a 0 does not. Parts answer for
-- a total where all of them do.
answered as (
    select
        lines.delivery_id,
        lines.institution_code,
        lines.reporting_month,
        lines.indicator_code
    from reported as lines
    inner join {{ ref('dim_indicators') }} as indicators
        on
            lines.plan_code = indicators.plan_code
            and lines.indicator_code = indicators.indicator_code
    group by
        lines.delivery_id, lines.institution_code, lines.reporting_month, lines.indicator_code
    having {{ is_reported_in_full() | indent(4) }}
),

answers as (
    select
        reports.county_code,
        reports.institution_code,
        reports.reporting_month,
        due.indicator_code,
        reports.delivery_id,
        min(reported.sheet) as sheet,
        min(reported.cell) filter (where reported.category = 'total') as cell,
        min(reported.row_number) filter (where reported.category = 'total') as row_number,
        min(reported.value_state) filter (where reported.category = 'total') as value_state,
        reports.received_at,
        reports.superseded_at,
        reports.is_made_up
    from {{ ref('fct_submissions') }} as reports
    inner join {{ ref('fct_values_due') }} as due
        on
            reports.county_code = due.county_code
            and reports.institution_code = due.institution_code
            and reports.reporting_month = due.reporting_month
    left join reported
        on
            reports.delivery_id = reported.delivery_id
            and reports.institution_code = reported.institution_code
            and reports.reporting_month = reported.reporting_month
            and due.indicator_code = reported.indicator_code
            and reported.breakdown_kind in ('total', 'partition')
    where reports.version is not null and reports.frequency = 'month'
    group by all
)

-- What the institution said in place of the number is quoted.
{% for variant, condition in [
    ('said_unknown', "= 'unknown'"), ('said_refused', "= 'refused'"),
    ('', "not in ('unknown', 'refused')"),
] -%}
    select
        {{ finding(
            'value_not_reported', variant=variant, at='answers',
            texts={'indicator': 'answers.indicator_code'},
        ) }}
    from answers
    anti join answered
        on
            answers.delivery_id = answered.delivery_id
            and answers.institution_code = answered.institution_code
            and answers.reporting_month = answered.reporting_month
            and answers.indicator_code = answered.indicator_code
    -- Of a value that the door left out its own finding asks.
    anti join {{ ref('stg_door_findings') }} as door
        on
            answers.delivery_id = door.delivery_id
            and answers.cell = door.cell
            and door.rule = 'value_left_out'
    where coalesce(answers.value_state, 'not_reported') {{ condition }}

    union all by name

{% endfor -%}
-- Only where a county's obligations are registered for the month can a value be one too many.
select
    {{ finding(
        'indicator_not_owed', at='totals', texts={'indicator': 'totals.indicator_code'}
    ) }}
from {{ ref('int_monthly_totals') }} as totals
where
    exists (
        select 1
        from {{ ref('fct_values_due') }} as due
        where
            due.county_code = totals.county_code
            and due.reporting_month = totals.reporting_month
    )
    and not exists (
        select 1
        from {{ ref('core_reporting_obligations') }} as obligations
        where
            obligations.county_code = totals.county_code
            and obligations.institution_code = totals.institution_code
            and obligations.plan_code = totals.plan_code
            and obligations.indicator_code = totals.indicator_code
            and obligations.is_recorded
            and obligations.valid_from <= totals.reporting_month
            and coalesce(obligations.valid_to, totals.reporting_month) >= totals.reporting_month
    )
