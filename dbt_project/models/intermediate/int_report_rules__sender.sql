-- Reports that may be another sender's, by what is owed or by their values.
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
    {{ thresholds(['other_sender_chance']) }}
),

reported_months as (
    select distinct
        plan_code,
        reporting_month
    from reports
),

owed as (
    select
        obligations.county_code,
        obligations.institution_code,
        months.reporting_month,
        list(distinct obligations.indicator_code) as indicator_codes
    from {{ ref('core_reporting_obligations') }} as obligations
    inner join reported_months as months
        on
            obligations.plan_code = months.plan_code
            and obligations.valid_from <= months.reporting_month
            and coalesce(obligations.valid_to, months.reporting_month) >= months.reporting_month
    where obligations.is_recorded
    group by all
)

select
    {{ finding(
        'wrong_sender', variant='other_senders_indicators', at='reports',
        place='reports.first_value',
        texts={
            'others_sq':
                "string_agg(" ~ named('senders', 'sq') ~ ", ', ' order by senders.institution_code)",
            'others_en':
                "string_agg(" ~ named('senders', 'en') ~ ", ', ' order by senders.institution_code)",
        },
    ) }}
from reports
inner join owed as owners
    on
        reports.county_code = owners.county_code
        and reports.reporting_month = owners.reporting_month
        and reports.institution_code <> owners.institution_code
        and list_has_all(owners.indicator_codes, reports.indicator_codes)
inner join {{ ref('institutions') }} as senders
    on owners.institution_code = senders.institution_code
where
    not exists (
        select 1
        from owed as own
        where
            own.institution_code = reports.institution_code
            and own.reporting_month = reports.reporting_month
            and list_has_any(own.indicator_codes, reports.indicator_codes)
    )
group by all

union all by name

select
    {{ finding(
        'wrong_sender', variant='other_senders_values', at='reports', place='reports.first_value',
        texts={
            'other_sq': 'min_by(' ~ named('senders', 'sq') ~ ', senders.institution_code)',
            'other_en': 'min_by(' ~ named('senders', 'en') ~ ', senders.institution_code)',
        },
    ) }}
from reports
inner join current_reports as others
    on
        reports.county_code = others.county_code
        and reports.reporting_month = others.reporting_month
        and reports.institution_code <> others.institution_code
        and reports.values_above_zero = others.values_above_zero
        and (reports.received_at, reports.institution_code)
        > (others.received_at, others.institution_code)
inner join {{ ref('institutions') }} as senders
    on others.institution_code = senders.institution_code
cross join thresholds
where
    reports.chance_of_repeat <= thresholds.other_sender_chance
    and len(reports.values_above_zero) > 1
group by all
