select
    county_code,
    reporting_month,
    indicator_code,
    kind,
    remark_id,
    institution_code,
    about_month,
    rule,
    category,
    reported,
    corrected,
    decided_by,
    reason,
    decided_at,
    holds_until,
    is_made_up
from {{ ref('fct_remarks') }}
