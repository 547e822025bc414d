-- Parts of a total that exceed it, or do not add up to it.
with reported as (
    select *
    from {{ ref('fct_actuals') }}
    where is_replaced is not true
),

-- Only a partition must add up.
partitions as (
    select
        county_code,
        institution_code,
        reporting_month,
        frequency,
        plan_code,
        indicator_code,
        delivery_id,
        min(sheet) as sheet,
        min(cell) filter (where category = 'total') as cell,
        min(row_number) filter (where category = 'total') as row_number,
        sum(value) filter (where category = 'total') as total,
        sum(value) filter (where category <> 'total') as together,
        count(distinct category) filter (where category <> 'total') as parts,
        min(received_at) as received_at,
        max(superseded_at) as superseded_at,
        bool_or(is_made_up) as is_made_up
    from reported
    where breakdown_kind in ('total', 'partition') and value_state in ('number', 'zero')
    group by
        county_code, institution_code, reporting_month, frequency, plan_code, indicator_code,
        delivery_id
)

select
    {{ finding(
        'part_exceeds_whole', at='parts',
        texts={
            'category_sq': 'categories.name_sq', 'category_en': 'categories.name_en',
            'indicator': 'parts.indicator_code',
        },
        counts={'part': 'parts.value', 'total': 'totals.value'},
    ) }}
from reported as parts
inner join {{ ref('int_stated_totals') }} as totals
    on
        parts.delivery_id = totals.delivery_id
        and parts.institution_code = totals.institution_code
        and parts.reporting_month = totals.reporting_month
        and parts.frequency = totals.frequency
        and parts.indicator_code = totals.indicator_code
inner join {{ ref('dim_breakdown_categories') }} as categories
    on
        parts.plan_code = categories.plan_code
        and parts.indicator_code = categories.indicator_code
        and parts.category = categories.category
where parts.value_state = 'number' and parts.value > totals.value

union all by name

-- Exactly when all parts are there, and to no more than the total when some are not.
select
    {{ finding(
        'breakdown_does_not_add_up', at='partitions',
        texts={'indicator': 'partitions.indicator_code'},
        counts={'together': 'partitions.together', 'total': 'partitions.total'},
    ) }}
from partitions
inner join {{ ref('dim_indicators') }} as indicators
    on
        partitions.plan_code = indicators.plan_code
        and partitions.indicator_code = indicators.indicator_code
where
    partitions.together > partitions.total
    or (
        partitions.parts = indicators.partition_categories
        and partitions.together < partitions.total
    )
