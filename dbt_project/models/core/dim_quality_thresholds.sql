select
    threshold,
    rule,
    value,
    reason,
    reason_date
from {{ ref('quality_thresholds') }}
