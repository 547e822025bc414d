-- Reports that are all zeros, or repeat the values of the month before.
with thresholds as (
    {{ thresholds([
        'repeated_values_least', 'repeated_values_chance', 'zeros_least',
        'zeros_least_before',
    ]) }}
),

reports as (
    select *
    from {{ ref('int_reports') }}
),

current_reports as (
    select *
    from reports
    where superseded_at is null
),

months_in_a_row as (
    select
        reports.*,
        earlier.reporting_month as month_before,
        earlier.indicator_codes as codes_before,
        earlier.values_above_zero as all_values_before
    from reports
    inner join current_reports as earlier
        on
            reports.county_code = earlier.county_code
            and reports.institution_code = earlier.institution_code
            and reports.reporting_month = earlier.reporting_month + interval 1 month
            and reports.received_at >= earlier.received_at
),

-- Months ask for different indicators, quarters for more: what both reports hold is compared.
repeated as (
    select
        *,
        list_filter(
            values_above_zero, lambda pair: list_contains(codes_before, split_part(pair, '=', 1))
        ) as values_in_both,
        list_filter(
            all_values_before, lambda pair: list_contains(indicator_codes, split_part(pair, '=', 1))
        ) as values_before
    from months_in_a_row
)

select {{ finding('all_zeros', at='reports', place='reports.first_value') }}
from reports
cross join thresholds
where
    reports.totals_above_zero = 0
    and reports.totals_reported >= thresholds.zeros_least
    and exists (
        select 1
        from current_reports as earlier
        where
            earlier.county_code = reports.county_code
            and earlier.institution_code = reports.institution_code
            and earlier.reporting_month < reports.reporting_month
            and (
                earlier.totals_above_zero >= thresholds.zeros_least
                or earlier.totals_together >= thresholds.zeros_least_before
            )
    )

union all by name

select
    {{ finding(
        'same_as_last_month', at='repeated', place='repeated.first_value',
        months={'month': 'repeated.month_before'},
    ) }}
from repeated
cross join thresholds
where
    repeated.values_in_both = repeated.values_before
    and (
        len(repeated.values_in_both) >= thresholds.repeated_values_least
        or (
            repeated.values_in_both = repeated.values_above_zero
            and repeated.chance_of_repeat <= thresholds.repeated_values_chance
        )
    )
