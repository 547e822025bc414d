select
    county_code,
    institution_code,
    reporting_month,
    expected,
    received,
    on_time,
    days_late,
    values_expected,
    values_received,
    is_made_up
from {{ ref('int_report_completeness') }}
