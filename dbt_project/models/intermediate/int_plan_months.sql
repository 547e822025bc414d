-- The months of each national plan that have begun.
select
    plans.plan_code,
    months.month as reporting_month,
    months.year,
    months.month_number
from {{ ref('dim_plans') }} as plans
inner join {{ ref('dim_months') }} as months
    on months.month between plans.valid_from and plans.valid_to
where plans.level = 'national' and months.has_begun
