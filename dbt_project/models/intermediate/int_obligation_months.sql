-- An obligation holds in the months of its plan. A quarterly value is due with the report of the
-- quarter's last month, a yearly one with December's.
select
    obligations.county_code,
    obligations.institution_code,
    obligations.plan_code,
    obligations.indicator_code,
    months.month as reporting_month,
    obligations.frequency,
    obligations.recorded_from,
    obligations.recorded_to,
    obligations.is_recorded,
    months.reporting_deadline,
    months.has_begun,
    months.is_deadline_past
from {{ ref('core_reporting_obligations') }} as obligations
inner join {{ ref('dim_months') }} as months
    on
        obligations.plan_code = months.plan_code
        and obligations.valid_from <= months.month
        and coalesce(obligations.valid_to, months.month) >= months.month
        and (
            obligations.frequency = 'monthly'
            or (obligations.frequency = 'quarterly' and months.month_number in (3, 6, 9, 12))
            or (obligations.frequency = 'yearly' and months.month_number = 12)
        )
