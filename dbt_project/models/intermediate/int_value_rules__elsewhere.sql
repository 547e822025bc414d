-- Values that the plan, a publication or another institution's report contradicts.
with figures_now as (
    select *
    from {{ ref('int_published_places') }}
    where superseded_at is null
)

select
    {{ finding(
        'outside_measure_years', at='totals',
        texts={'indicator': 'totals.indicator_code'},
        counts={
            'year': 'year(totals.reporting_month)',
            'start_year': 'measures.start_year', 'end_year': 'measures.end_year',
        },
    ) }}
from {{ ref('int_monthly_totals') }} as totals
inner join {{ ref('dim_measures') }} as measures
    on
        totals.plan_code = measures.plan_code
        and totals.measure_code = measures.measure_code
where
    totals.value > 0
    and year(totals.reporting_month) not between measures.start_year and measures.end_year

union all by name

select
    {{ finding(
        'plan_and_publication_differ', at='published',
        texts={'indicator': 'published.indicator_code'},
        counts={
            'year': 'targets.year', 'planned': 'targets.value', 'published': 'published.value',
        },
    ) }}
from {{ ref('fct_actuals') }} as published
inner join {{ ref('fct_targets') }} as targets
    on
        published.plan_code = targets.plan_code
        and published.indicator_code = targets.indicator_code
        and published.county_code = targets.county_code
        and year(published.reporting_month) = targets.year
where
    published.frequency = 'year'
    and published.category = 'total'
    and published.value_state in ('number', 'zero')
    and targets.target_kind = 'baseline'
    and published.value <> targets.value

union all by name

-- Two publications that give a year's figure differently: the later row is the actual, both stay.
select
    {{ finding(
        'publications_differ', at='figures', is_mended='false',
        texts={
            'label_sq': 'labels.name_sq', 'label_en': 'labels.name_en',
            'other': 'others.publication',
        },
        counts={
            'year': 'figures.year', 'value': 'figures.value', 'other_value': 'others.value',
        },
    ) }}
from figures_now as figures
inner join figures_now as others
    on
        figures.figure_label = others.figure_label
        and figures.year = others.year
        and figures.publication <> others.publication
        and figures.value <> others.value
        and (figures.received_at, figures.delivery_id, figures.row_number)
        > (others.received_at, others.delivery_id, others.row_number)
inner join {{ ref('figure_labels') }} as labels on figures.figure_label = labels.figure_label

union all by name

-- A campaign that two of its organisers report is counted twice.
select
    {{ finding(
        'shared_activity', at='totals',
        texts={
            'indicator': 'others.indicator_code', 'other_sq': named('senders', 'sq'),
            'other_en': named('senders', 'en'),
        },
        counts={'value': 'others.value'},
    ) }}
from {{ ref('int_monthly_totals') }} as totals
inner join {{ ref('int_monthly_totals') }} as others
    on
        totals.county_code = others.county_code
        and totals.reporting_month = others.reporting_month
        and totals.indicator_code = others.indicator_code
        and totals.value = others.value
        and totals.institution_code > others.institution_code
inner join {{ ref('institutions') }} as senders
    on others.institution_code = senders.institution_code
where
    totals.superseded_at is null
    and others.superseded_at is null
    and totals.value >= (
        select thresholds.value
        from {{ ref('dim_quality_thresholds') }} as thresholds
        where thresholds.threshold = 'shared_activity_least'
    )
