select
    county_code,
    institution_code,
    plan_code,
    indicator_code,
    category,
    reporting_month,
    lead(reporting_month) over (
        partition by county_code, institution_code, plan_code, indicator_code, category
        order by reporting_month
    ) as next_month,
    value,
    is_made_up
from {{ ref('fct_actuals') }}
where
    superseded_at is null
    and frequency = 'month'
    and value_state in ('number', 'zero')
