select
    threshold,
    value,
    reason,
    reason_date
from {{ ref('status_thresholds') }}
