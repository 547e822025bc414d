select
    calendar.month,
    cast(extract(year from calendar.month) as integer) as year,
    cast(extract(month from calendar.month) as integer) as month_number,
    context.month_names_sq[extract(month from calendar.month)] as name_sq,
    context.month_names_en[extract(month from calendar.month)] as name_en,
    calendar.reporting_deadline,
    calendar.deadline_basis,
    calendar.final_on,
    calendar.final_basis,
    calendar.month <= context.as_of as has_begun,
    calendar.reporting_deadline < context.as_of as is_deadline_past,
    {{ plan_of('calendar.month') }} as plan_code
from {{ ref('reporting_calendar') }} as calendar
cross join {{ ref('stg_refresh_context') }} as context
