-- Parts of a total that exceed it, or do not add up to it.
with reported as (
    select *
    from {{ ref('fct_actuals') }}
    where is_replaced is not true
),

published as (
    select *
    from {{ ref('int_published_places') }}
    where value is not null and superseded_at is null
),

-- What a publication gives under a label, beside the label that contains it: the two may have come
-- in different files.
labelled as (
    select
        parts.*,
        labels.name_sq,
        labels.name_en,
        labels.breakdown_kind,
        wholes.value as whole_value,
        wholes.delivery_id as whole_delivery,
        wholes.row_number as whole_row,
        whole_labels.name_sq as whole_sq,
        whole_labels.name_en as whole_en
    from published as parts
    inner join {{ ref('figure_labels') }} as labels on parts.figure_label = labels.figure_label
    inner join {{ ref('figure_labels') }} as whole_labels
        on labels.whole_label = whole_labels.figure_label
    inner join published as wholes
        on
            labels.whole_label = wholes.figure_label
            and parts.publication = wholes.publication
            and parts.year = wholes.year
),

published_partitions as (
    select
        wholes.*,
        labels.name_sq,
        labels.name_en,
        sum(parts.value) as together,
        count(*) as parts,
        (
            select count(*)
            from {{ ref('figure_labels') }} as every_label
            where
                every_label.whole_label = wholes.figure_label
                and every_label.breakdown_kind = 'partition'
        ) as parts_in_all
    from labelled as parts
    inner join published as wholes
        on parts.whole_delivery = wholes.delivery_id and parts.whole_row = wholes.row_number
    inner join {{ ref('figure_labels') }} as labels on wholes.figure_label = labels.figure_label
    where parts.breakdown_kind = 'partition'
    group by all
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

union all by name

select
    {{ finding(
        'part_exceeds_whole', variant='published', at='labelled',
        texts={
            'part_sq': 'labelled.name_sq', 'part_en': 'labelled.name_en',
            'whole_sq': 'labelled.whole_sq', 'whole_en': 'labelled.whole_en',
        },
        counts={
            'year': 'labelled.year', 'part': 'labelled.value', 'total': 'labelled.whole_value',
        },
    ) }}
from labelled
where labelled.value > labelled.whole_value

union all by name

select
    {{ finding(
        'breakdown_does_not_add_up', variant='published', at='published_partitions',
        texts={
            'whole_sq': 'published_partitions.name_sq', 'whole_en': 'published_partitions.name_en',
        },
        counts={
            'year': 'published_partitions.year', 'together': 'published_partitions.together',
            'total': 'published_partitions.value',
        },
    ) }}
from published_partitions
where
    published_partitions.together > published_partitions.value
    or (
        published_partitions.parts = published_partitions.parts_in_all
        and published_partitions.together < published_partitions.value
    )
