select
    county_code,
    institution_code,
    plan_code,
    indicator_code,
    reporting_month,
    frequency,
    reporting_deadline,
    is_deadline_past
from {{ ref('int_obligation_months') }}
where has_begun and is_recorded
