-- Two sources' values for the same county, indicator and period, side by side: both stay, and the
-- likely reason of a difference is told. A quarterly or yearly value is compared with the sum of
-- its months, and only where the other source covers them all. Where records give an interval, a
-- value within it agrees.
with submitted as (
    select
        due.county_code,
        due.institution_code,
        due.indicator_code,
        due.reporting_month,
        due.frequency,
        case due.frequency when 'quarterly' then 3 when 'yearly' then 12 else 1 end
            as months_in_period,
        actuals.value,
        coalesce(actuals.value_state, 'not_reported') as value_state,
        actuals.delivery_id,
        actuals.sheet,
        actuals.cell,
        actuals.row_number,
        actuals.received_at,
        actuals.superseded_at,
        coalesce(actuals.is_made_up, false) as is_made_up
    from {{ ref('fct_values_due') }} as due
    left join {{ ref('fct_actuals') }} as actuals
        on
            due.county_code = actuals.county_code
            and due.institution_code = actuals.institution_code
            and due.indicator_code = actuals.indicator_code
            and due.reporting_month = actuals.reporting_month
            and actuals.frequency = 'month'
            and actuals.is_replaced is not true
            and actuals.category = 'total'
    where due.is_deadline_past or actuals.delivery_id is not null
),

-- Where several institutions owe an indicator, the county's value is what they say together.
together as (
    select
        county_code,
        indicator_code,
        reporting_month,
        frequency,
        count(distinct institution_code) as institutions,
        count(value) filter (where superseded_at is null) as reporting,
        sum(value) filter (where superseded_at is null) as value,
        max(value) filter (where superseded_at is null) as largest
    from submitted
    group by county_code, indicator_code, reporting_month, frequency
),

sivet_versions as (
    select
        figures.county_code,
        figures.indicator_code,
        figures.reporting_month,
        case when figures.value_state = 'zero' then 0 else figures.value end as value,
        figures.value_state,
        figures.delivery_id,
        figures.sheet,
        figures.cell,
        cast(figures.row_number as integer) as row_number,
        deliveries.received_at,
        deliveries.is_made_up,
        lag(figures.value) over figure_versions as value_before,
        lead(deliveries.received_at) over figure_versions as superseded_at
    from {{ ref('stg_submission_values') }} as figures
    inner join {{ ref('stg_deliveries') }} as deliveries
        on figures.delivery_id = deliveries.delivery_id
    where
        deliveries.source_kind = 'sivet'
        and deliveries.delivery_status = 'accepted'
        and figures.category = 'total'
        and figures.indicator_code is not null
    window figure_versions as (
        partition by figures.county_code, figures.indicator_code, figures.reporting_month
        order by deliveries.received_at, figures.delivery_id
    )
),

-- A record that came with a later file than the first one that spoke of its month.
record_files as (
    select
        records.county_code,
        'referral_records' as source,
        cast(date_trunc('month', records.event_date) as date) as reporting_month,
        md5(concat_ws('|', records.case_key, records.person_key, records.event, records.event_date))
            as record,
        deliveries.received_at
    from {{ ref('stg_referral_events') }} as records
    inner join {{ ref('stg_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
    union all
    select
        records.county_code,
        'hotline_log' as source,
        cast(date_trunc('month', records.contacted_at) as date) as reporting_month,
        records.contact_key as record,
        deliveries.received_at
    from {{ ref('stg_hotline_contacts') }} as records
    inner join {{ ref('stg_deliveries') }} as deliveries
        on records.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status = 'accepted'
),

first_files as (
    select
        *,
        min(received_at) over (partition by county_code, source, reporting_month)
            as month_first_received_at
    from record_files
),

added_records as (
    select
        county_code,
        source,
        reporting_month,
        record
    from first_files
    group by county_code, source, reporting_month, record
    having min(received_at) > any_value(month_first_received_at)
),

added_later as (
    select
        county_code,
        source,
        reporting_month,
        count(*) as records
    from added_records
    group by county_code, source, reporting_month
),

-- What is not submitted, a month: records and log as counted, SIVET as it stands.
monthly as (
    select
        counts.county_code,
        counts.indicator_code,
        counts.reporting_month,
        case counts.source when 'hotline' then 'hotline_log' else 'referral_records' end as source,
        cast(counts.value as double) as value,
        cast(counts.value_least as double) as value_least,
        cast(counts.value_most as double) as value_most,
        counts.occurrences,
        coalesce(added_later.records, 0) as added_later,
        null as value_before,
        counts.is_made_up,
        null as place
    from {{ ref('fct_record_counts') }} as counts
    left join added_later
        on
            counts.county_code = added_later.county_code
            and counts.reporting_month = added_later.reporting_month
            and added_later.source
            = case counts.source when 'hotline' then 'hotline_log' else 'referral_records' end
    where counts.category = 'total'
    union all
    select
        county_code,
        indicator_code,
        reporting_month,
        'sivet' as source,
        value,
        value as value_least,
        value as value_most,
        null as occurrences,
        0 as added_later,
        value_before,
        is_made_up,
        {
            'delivery_id': delivery_id, 'sheet': sheet, 'cell': cell, 'row_number': row_number,
            'received_at': received_at
        } as place
    from sivet_versions
    where superseded_at is null
),

periods as (
    select distinct
        county_code,
        indicator_code,
        reporting_month,
        frequency,
        months_in_period
    from submitted
),

by_period as (
    select
        periods.county_code,
        periods.indicator_code,
        periods.reporting_month,
        periods.frequency,
        monthly.source,
        case when count(monthly.value) = count(*) then sum(monthly.value) end as value,
        sum(monthly.value_least) as value_least,
        sum(monthly.value_most) as value_most,
        sum(monthly.occurrences) as occurrences,
        sum(monthly.added_later) as added_later,
        sum(coalesce(monthly.value_before, monthly.value)) as value_before,
        bool_or(monthly.is_made_up) as is_made_up
    from periods
    inner join monthly
        on
            periods.county_code = monthly.county_code
            and periods.indicator_code = monthly.indicator_code
            and periods.reporting_month >= monthly.reporting_month
            and date_diff('month', monthly.reporting_month, periods.reporting_month)
            < periods.months_in_period
    group by
        periods.county_code, periods.indicator_code, periods.reporting_month, periods.frequency,
        periods.months_in_period, monthly.source
    having count(*) = periods.months_in_period
),

-- Cases that came to the referral mechanism by hotline or app are a part of those in its log.
cases_by_hotline as (
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
),

pairs as (
    select
        submitted.county_code,
        submitted.institution_code,
        submitted.indicator_code,
        submitted.reporting_month,
        submitted.frequency,
        'submission' as first_source,
        submitted.value + together.value - coalesce(
            case when submitted.superseded_at is null then submitted.value end,
            current_value.value, 0
        ) as first_value,
        submitted.value_state as first_state,
        by_period.source as second_source,
        by_period.value as second_value,
        by_period.value_least as second_value_least,
        by_period.value_most as second_value_most,
        by_period.occurrences,
        by_period.added_later,
        by_period.value_before,
        together.reporting = together.institutions as is_whole,
        together.institutions,
        together.largest,
        false as is_part,
        submitted.delivery_id,
        submitted.sheet,
        submitted.cell,
        submitted.row_number,
        submitted.received_at,
        submitted.superseded_at is not null as is_superseded,
        submitted.is_made_up or by_period.is_made_up as is_made_up
    from submitted
    inner join together
        on
            submitted.county_code = together.county_code
            and submitted.indicator_code = together.indicator_code
            and submitted.reporting_month = together.reporting_month
            and submitted.frequency = together.frequency
    left join submitted as current_value
        on
            submitted.superseded_at is not null
            and current_value.superseded_at is null
            and submitted.institution_code = current_value.institution_code
            and submitted.indicator_code = current_value.indicator_code
            and submitted.reporting_month = current_value.reporting_month
    inner join by_period
        on
            submitted.county_code = by_period.county_code
            and submitted.indicator_code = by_period.indicator_code
            and submitted.reporting_month = by_period.reporting_month
            and submitted.frequency = by_period.frequency
    union all
    select
        records.county_code,
        null as institution_code,
        records.indicator_code,
        records.reporting_month,
        'monthly' as frequency,
        records.source as first_source,
        records.value as first_value,
        case when records.value = 0 then 'zero' else 'number' end as first_state,
        'sivet' as second_source,
        sivet.value as second_value,
        -- The interval is that of the records: SIVET agrees anywhere within it.
        sivet.value + records.value - records.value_most as second_value_least,
        sivet.value + records.value - records.value_least as second_value_most,
        null as occurrences,
        0 as added_later,
        sivet.value_before,
        true as is_whole,
        1 as institutions,
        records.value as largest,
        false as is_part,
        sivet.place.delivery_id,
        sivet.place.sheet,
        sivet.place.cell,
        sivet.place.row_number,
        sivet.place.received_at,
        false as is_superseded,
        records.is_made_up or sivet.is_made_up as is_made_up
    from monthly as records
    inner join monthly as sivet
        on
            records.county_code = sivet.county_code
            and records.indicator_code = sivet.indicator_code
            and records.reporting_month = sivet.reporting_month
            and sivet.source = 'sivet'
    where records.source <> 'sivet'
    union all
    select
        logged.county_code,
        null as institution_code,
        logged.indicator_code,
        logged.reporting_month,
        'monthly' as frequency,
        'hotline_log' as first_source,
        logged.value as first_value,
        case when logged.value = 0 then 'zero' else 'number' end as first_state,
        'referral_records' as second_source,
        referred.value as second_value,
        referred.value as second_value_least,
        referred.value as second_value_most,
        null as occurrences,
        0 as added_later,
        null as value_before,
        true as is_whole,
        1 as institutions,
        logged.value as largest,
        true as is_part,
        null as delivery_id,
        null as sheet,
        null as cell,
        null as row_number,
        null as received_at,
        false as is_superseded,
        logged.is_made_up
    from monthly as logged
    inner join referred_by_hotline as referred
        on
            logged.county_code = referred.county_code
            and logged.reporting_month = referred.reporting_month
    where logged.source = 'hotline_log'
    union all
    select
        published.county_code,
        published.institution_code,
        published.indicator_code,
        published.reporting_month,
        'yearly' as frequency,
        'plan' as first_source,
        targets.value as first_value,
        case when targets.value = 0 then 'zero' else 'number' end as first_state,
        'published_figures' as second_source,
        published.value as second_value,
        published.value as second_value_least,
        published.value as second_value_most,
        null as occurrences,
        0 as added_later,
        null as value_before,
        true as is_whole,
        1 as institutions,
        targets.value as largest,
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
            published.indicator_code = targets.indicator_code
            and published.county_code = targets.county_code
            and year(published.reporting_month) = targets.year
    where
        published.frequency = 'year'
        and published.category = 'total'
        and targets.target_kind = 'baseline'
        and targets.value is not null
),

differences as (
    select
        *,
        case
            when second_value is not null
                then
                    first_value
                    - least(greatest(first_value, second_value_least), second_value_most)
        end as difference
    from pairs
),

-- Neighbours of a superseded version are the periods that hold now.
neighbours as (
    select
        county_code,
        coalesce(institution_code, '') as institution_code,
        indicator_code,
        frequency,
        first_source,
        second_source,
        reporting_month,
        lag(difference) over periods_in_order as difference_before,
        lead(difference) over periods_in_order as difference_after,
        lag(second_value) over periods_in_order as second_before,
        lead(second_value) over periods_in_order as second_after
    from differences
    where not is_superseded
    window periods_in_order as (
        partition by
            county_code, coalesce(institution_code, ''), indicator_code, frequency, first_source,
            second_source
        order by reporting_month
    )
),

thresholds as (
    select max(value) filter (where threshold = 'period_shift_least') as period_shift_least
    from {{ ref('dim_quality_thresholds') }}
),

explained as (
    select
        differences.*,
        case
            when differences.difference = 0 then null
            when differences.difference is null or not differences.is_whole
                then 'incomplete_source'
            when
                -differences.difference
                in (neighbours.difference_before, neighbours.difference_after)
                then 'period_shift'
            when
                differences.difference > 0
                and (
                    differences.first_value <= differences.occurrences
                    or (
                        differences.institutions > 1
                        and differences.largest = differences.second_value
                    )
                )
                then 'double_counting'
            when
                differences.first_value = differences.value_before
                or (
                    differences.difference < 0
                    and -differences.difference <= differences.added_later
                )
                then 'late_record'
            when
                differences.first_value >= thresholds.period_shift_least
                and differences.first_value in (neighbours.second_before, neighbours.second_after)
                then 'period_shift'
            when differences.is_part and differences.difference > 0 then 'definition_differs'
            when differences.is_part then 'incomplete_source'
            else 'unexplained'
        end as likely_reason
    from differences
    left join neighbours
        on
            differences.county_code = neighbours.county_code
            and coalesce(differences.institution_code, '') = neighbours.institution_code
            and differences.indicator_code = neighbours.indicator_code
            and differences.frequency = neighbours.frequency
            and differences.first_source = neighbours.first_source
            and differences.second_source = neighbours.second_source
            and differences.reporting_month = neighbours.reporting_month
    cross join thresholds
)

select
    explained.county_code,
    explained.institution_code,
    explained.reporting_month,
    explained.indicator_code,
    explained.frequency,
    explained.first_source,
    explained.first_value,
    case
        when explained.first_value is null then explained.first_state
        when explained.first_value = 0 then 'zero'
        else 'number'
    end as first_state,
    explained.second_source,
    explained.second_value,
    case when explained.second_value is not null then explained.second_value_least end
        as second_value_least,
    case
        when explained.second_value is null then 'not_reported'
        when explained.second_value = 0 then 'zero'
        else 'number'
    end as second_state,
    explained.difference,
    explained.is_part,
    explained.difference <> 0 and not (explained.is_part and explained.difference > 0)
        as is_contradiction,
    explained.likely_reason,
    reasons.name_sq as reason_sq,
    reasons.name_en as reason_en,
    officials.source as official_source,
    explained.delivery_id,
    explained.sheet,
    explained.cell,
    explained.row_number,
    explained.received_at,
    explained.is_superseded,
    explained.is_made_up
from explained
left join {{ ref('difference_reasons') }} as reasons on explained.likely_reason = reasons.reason
left join {{ ref('official_sources') }} as officials
    on explained.indicator_code = officials.indicator_code
