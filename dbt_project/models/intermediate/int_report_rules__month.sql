-- Reports that may be another month's.
with reports as (
    select *
    from {{ ref('int_reports') }}
),

current_reports as (
    select *
    from reports
    where superseded_at is null
),

thresholds as (
    {{ thresholds(['other_month_chance', 'other_month_window']) }}
),

-- A quarterly value in a report of May: the form is that of another month.
due_in_other_months as (
    select
        totals.*,
        obligations.frequency as due_frequency
    from {{ ref('int_monthly_totals') }} as totals
    inner join {{ ref('core_reporting_obligations') }} as obligations
        on
            totals.institution_code = obligations.institution_code
            and totals.plan_code = obligations.plan_code
            and totals.indicator_code = obligations.indicator_code
            and obligations.is_recorded
            and totals.reporting_month >= obligations.valid_from
            and totals.reporting_month <= coalesce(obligations.valid_to, totals.reporting_month)
    anti join {{ ref('fct_values_due') }} as due
        on
            totals.institution_code = due.institution_code
            and totals.indicator_code = due.indicator_code
            and totals.reporting_month = due.reporting_month
),

first_due_in_other_months as (
    select
        delivery_id,
        institution_code,
        min({
            'row_number': row_number, 'indicator_code': indicator_code, 'sheet': sheet,
            'cell': cell
        }) as first_value,
        min({
            'indicator_code': indicator_code, 'frequency': due_frequency
        }) as first_due
    from due_in_other_months
    group by delivery_id, institution_code
)

{% for variant, condition in [
    ('due_at_end_of_quarter', "= 'quarterly'"), ('due_at_end_of_year', "<> 'quarterly'"),
] -%}
    select
        {{ finding(
            'wrong_month', variant=variant, at='reports', place='doubtful.first_value',
            texts={'indicator': 'doubtful.first_due.indicator_code'},
        ) }}
    from reports
    inner join first_due_in_other_months as doubtful
        on
            reports.delivery_id = doubtful.delivery_id
            and reports.institution_code = doubtful.institution_code
    where doubtful.first_due.frequency {{ condition }}

    union all by name
{% endfor %}

-- A second file for May comes when June's is awaited, and June's does not come.
select
    {{ finding(
        'wrong_month', variant='second_for_another_month', at='reports',
        place='reports.first_value',
    ) }}
from reports
inner join {{ ref('fct_submissions') }} as versions
    on
        reports.delivery_id = versions.delivery_id
        and reports.institution_code = versions.institution_code
        and versions.frequency = 'month'
where
    versions.version > 1
    and reports.superseded_at is null
    and reports.received_at >= reports.reporting_month + interval 2 month
    and exists (
        select 1
        from {{ ref('fct_values_due') }} as due
        where
            due.institution_code = reports.institution_code
            and due.reporting_month = reports.reporting_month + interval 1 month
    )
    and not exists (
        select 1
        from {{ ref('fct_submissions') }} as following
        where
            following.version is not null
            and following.frequency = 'month'
            and following.county_code = reports.county_code
            and following.institution_code = reports.institution_code
            and following.reporting_month = reports.reporting_month + interval 1 month
    )

union all by name

-- Whichever came later is the one to ask about.
select
    {{ finding(
        'wrong_month', variant='other_months_values', at='reports', place='reports.first_value',
        months={'month': 'max(others.reporting_month)'},
    ) }}
from reports
inner join current_reports as others
    on
        reports.county_code = others.county_code
        and reports.institution_code = others.institution_code
        and reports.values_above_zero = others.values_above_zero
        and reports.received_at > others.received_at
        and reports.reporting_month <> others.reporting_month
        and reports.reporting_month <> others.reporting_month + interval 1 month
cross join thresholds
where
    reports.chance_of_repeat <= thresholds.other_month_chance
    and abs(date_diff('month', others.reporting_month, reports.reporting_month))
    <= thresholds.other_month_window
group by all
