-- What the figures of an indicator are made of, and what is missing from them: each value that an
-- institution owes or reported for a month, with the place that it was read from, and the yearly
-- figures that were published for the nation.
with lines as (
    select
        *,
        coalesce(cell, cast(row_number as varchar)) as place,
        value_state in ('number', 'zero') as is_number,
        coalesce(
            bool_or(category = 'total' and value_state in ('number', 'zero')) over (
                partition by
                    county_code, institution_code, plan_code, indicator_code, reporting_month
            ),
            false
        ) as has_total
    from {{ ref('fct_actuals') }}
    where superseded_at is null and frequency = 'month'
),

-- The total where it has a number, else the parts that have one, else what holds no number.
read_lines as (
    select *
    from lines
    where category = 'total' or (not has_total and is_number and breakdown_kind is not null)
),

places as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        coalesce(
            max(value_state) filter (where category = 'total'), max(value_state), 'not_reported'
        ) as state_without_number,
        max(delivery_id) as delivery_id,
        max(version) as version,
        max(sheet) as sheet,
        coalesce(
            string_agg(distinct place, ', ' order by place) filter (where is_number),
            string_agg(distinct place, ', ' order by place)
        ) as cells,
        bool_or(correction_id is not null) as is_corrected,
        max(received_at) as received_at
    from read_lines
    group by county_code, institution_code, plan_code, indicator_code, reporting_month
),

due as (
    select distinct
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        reporting_deadline,
        is_deadline_past
    from {{ ref('fct_values_due') }}
),

monthly as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        'month' as frequency,
        due.reporting_month is not null as is_due,
        due.reporting_deadline,
        coalesce(due.is_deadline_past, false) as is_deadline_past,
        reports.value,
        case
            when reports.value = 0 then 'zero'
            when reports.value is not null then 'number'
            else coalesce(places.state_without_number, 'not_reported')
        end as value_state,
        coalesce(reports.is_received, false) as is_received,
        coalesce(reports.is_counted and reports.value is not null, false) as is_counted,
        places.delivery_id,
        places.version,
        places.sheet,
        places.cells,
        coalesce(places.is_corrected, false) as is_corrected,
        places.received_at,
        coalesce(reports.is_made_up, false) as is_made_up
    from due
    full outer join {{ ref('int_monthly_reports') }} as reports
        using (county_code, institution_code, plan_code, indicator_code, reporting_month)
    left join places
        using (county_code, institution_code, plan_code, indicator_code, reporting_month)
),

-- Of two publications of one year's figure the nation takes the one that came last.
yearly as (
    select
        county_code,
        institution_code,
        plan_code,
        indicator_code,
        reporting_month,
        'year' as frequency,
        false as is_due,
        cast(null as date) as reporting_deadline,
        false as is_deadline_past,
        value,
        value_state,
        value is not null as is_received,
        row_number() over (
            partition by plan_code, indicator_code, reporting_month
            order by value is null, received_at desc, delivery_id desc, row_number desc
        ) = 1 and value is not null as is_counted,
        delivery_id,
        version,
        sheet,
        coalesce(cell, cast(row_number as varchar)) as cells,
        false as is_corrected,
        received_at,
        is_made_up
    from {{ ref('fct_actuals') }}
    where
        superseded_at is null and county_code = 'AL' and frequency = 'year' and category = 'total'
)

select * from monthly
union all by name
select * from yearly
