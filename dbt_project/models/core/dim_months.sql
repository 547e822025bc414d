{% set names_sq = [
    'janar', 'shkurt', 'mars', 'prill', 'maj', 'qershor',
    'korrik', 'gusht', 'shtator', 'tetor', 'nëntor', 'dhjetor',
] %}
{% set names_en = [
    'January', 'February', 'March', 'April', 'May', 'June',
    'July', 'August', 'September', 'October', 'November', 'December',
] %}
select
    calendar.month,
    cast(extract(year from calendar.month) as integer) as year,
    cast(extract(month from calendar.month) as integer) as month_number,
    case extract(month from calendar.month)
        {% for name in names_sq -%}
            when {{ loop.index }} then '{{ name }}'
        {% endfor %}
    end as name_sq,
    case extract(month from calendar.month)
        {% for name in names_en -%}
            when {{ loop.index }} then '{{ name }}'
        {% endfor %}
    end as name_en,
    calendar.reporting_deadline,
    calendar.deadline_basis,
    calendar.final_on,
    calendar.final_basis,
    calendar.month <= context.as_of as has_begun,
    calendar.reporting_deadline < context.as_of as is_deadline_past,
    {{ plan_of('calendar.month') }} as plan_code
from {{ ref('reporting_calendar') }} as calendar
cross join {{ ref('stg_refresh_context') }} as context
