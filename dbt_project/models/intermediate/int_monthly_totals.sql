-- The totals of all reports of a month, every version of a report.
select * exclude (frequency, stated_in)
from {{ ref('int_stated_totals') }}
where stated_in = 'report' and frequency = 'month'
