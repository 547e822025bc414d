-- Two sources of which neither is a submission: the records beside SIVET, the hotline's log beside
-- the records, the plan's baseline beside what was published. What a pair lacks is null.

-- Cases that came to the referral mechanism by hotline or app are a part of those in its log.
with cases_by_hotline as (
    select
        county_code,
        cast(date_trunc('month', min(event_date)) as date) as reporting_month
    from {{ ref('fct_referral_events') }}
    where identification_channel in ('hotline', 'app')
    group by county_code, linked_case_key
),

referred_by_hotline as (
    select
        county_code,
        reporting_month,
        cast(count(*) as double) as value
    from cases_by_hotline
    group by county_code, reporting_month
)

select
    records.county_code,
    records.plan_code,
    records.indicator_code,
    records.reporting_month,
    'monthly' as frequency,
    records.source as first_source,
    records.value as first_value,
    'sivet' as second_source,
    sivet.value as second_value,
    -- The interval is that of the records: SIVET agrees anywhere within it.
    case
        when records.value is null then sivet.value
        else sivet.value + records.value - records.value_most
    end as second_value_least,
    case
        when records.value is null then sivet.value
        else sivet.value + records.value - records.value_least
    end as second_value_most,
    sivet.value_before,
    false as is_part,
    sivet.delivery_id,
    sivet.sheet,
    sivet.cell,
    sivet.row_number,
    sivet.received_at,
    false as is_superseded,
    records.is_made_up or sivet.is_made_up as is_made_up
from {{ ref('int_source_months') }} as records
inner join {{ ref('int_source_months') }} as sivet
    on
        records.county_code = sivet.county_code
        and records.plan_code = sivet.plan_code
        and records.indicator_code = sivet.indicator_code
        and records.reporting_month = sivet.reporting_month
        and sivet.source = 'sivet'
where records.source <> 'sivet'
union all by name
select
    logged.county_code,
    logged.plan_code,
    logged.indicator_code,
    logged.reporting_month,
    'monthly' as frequency,
    'hotline_log' as first_source,
    logged.value as first_value,
    'referral_records' as second_source,
    referred.value as second_value,
    -- A case of which a file is missing may have come before.
    if(covered.last_gap is null, referred.value, 0) as second_value_least,
    case when covered.coverage = 'whole' then referred.value end as second_value_most,
    true as is_part,
    false as is_superseded,
    logged.is_made_up
from {{ ref('int_source_months') }} as logged
inner join referred_by_hotline as referred
    on
        logged.county_code = referred.county_code
        and logged.reporting_month = referred.reporting_month
left join {{ ref('int_record_months') }} as covered
    on
        referred.county_code = covered.county_code
        and referred.reporting_month = covered.reporting_month
        and covered.source = 'referral'
where logged.source = 'hotline_log'
union all by name
select
    published.county_code,
    published.institution_code,
    published.plan_code,
    published.indicator_code,
    published.reporting_month,
    'yearly' as frequency,
    'plan' as first_source,
    targets.value as first_value,
    'published_figures' as second_source,
    published.value as second_value,
    published.value as second_value_least,
    published.value as second_value_most,
    false as is_part,
    published.delivery_id,
    published.sheet,
    published.cell,
    published.row_number,
    published.received_at,
    published.superseded_at is not null as is_superseded,
    published.is_made_up
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
    and targets.target_kind = 'baseline'
    and targets.value is not null
-- A file may give a figure from several publications: its last row counts (int_nation_figures).
qualify row_number() over (
    partition by
        published.delivery_id, published.plan_code, published.indicator_code,
        published.reporting_month
    order by published.superseded_at is null desc, published.row_number desc
) = 1
