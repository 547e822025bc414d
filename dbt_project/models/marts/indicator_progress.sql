-- Actuals against targets, month by month within the national plan. In order: what each
-- institution reported, a county's sums, the nation's, the target, both readings, the status.
with plan_years as (
    select
        min(start_year) as first_year,
        max(end_year) as last_year
    from {{ ref('dim_measures') }}
    where plan_code = 'PKV-2021-2023'
),

months as (
    select
        months.month as reporting_month,
        months.year,
        months.month_number
    from {{ ref('dim_months') }} as months
    inner join plan_years
        on months.year between plan_years.first_year and plan_years.last_year
    where months.has_begun
),

indicators as (
    select
        indicators.indicator_code,
        indicators.target_basis,
        indicators.direction,
        indicators.is_person_sensitive,
        measures.start_year
    from {{ ref('dim_indicators') }} as indicators
    left join {{ ref('dim_measures') }} as measures
        on
            indicators.measure_code = measures.measure_code
            and measures.plan_code = 'PKV-2021-2023'
),

current_values as (
    select *
    from {{ ref('fct_actuals') }}
    where superseded_at is null
),

due as (
    select
        county_code,
        institution_code,
        indicator_code,
        reporting_month
    from {{ ref('fct_values_due') }}
),

county_due as (
    select distinct
        county_code,
        indicator_code,
        reporting_month
    from due
),

-- The total as reported or, without one, the sum of its parts where they are a partition.
-- A blank is no value at all: nothing here turns null into zero.
monthly_reports as (
    select
        county_code,
        institution_code,
        indicator_code,
        reporting_month,
        coalesce(
            sum(value) filter (where category = 'total' and value_state in ('number', 'zero')),
            sum(value) filter (
                where breakdown_kind = 'partition' and value_state in ('number', 'zero')
            )
        ) as value,
        bool_or(value_state in ('number', 'zero', 'not_applicable')) filter (
            where breakdown_kind in ('total', 'partition')
        ) as is_received,
        bool_or(is_made_up) as is_made_up
    from current_values
    where frequency = 'month'
    group by county_code, institution_code, indicator_code, reporting_month
),

-- Where the register says who owes a value, the same value from another institution is a finding
-- and not a second count of the same people.
monthly_values as (
    select
        reports.county_code,
        reports.institution_code,
        reports.indicator_code,
        reports.reporting_month,
        extract(year from reports.reporting_month) as year,
        reports.value,
        reports.is_made_up
    from monthly_reports as reports
    left join due
        on
            reports.county_code = due.county_code
            and reports.institution_code = due.institution_code
            and reports.indicator_code = due.indicator_code
            and reports.reporting_month = due.reporting_month
    left join county_due
        on
            reports.county_code = county_due.county_code
            and reports.indicator_code = county_due.indicator_code
            and reports.reporting_month = county_due.reporting_month
    cross join plan_years
    where
        reports.value is not null
        and extract(year from reports.reporting_month) >= plan_years.first_year
        and (due.institution_code is not null or county_due.indicator_code is null)
),

institution_progress as (
    select
        reported.county_code,
        reported.indicator_code,
        months.reporting_month,
        sum(reported.value) filter (where reported.reporting_month = months.reporting_month)
            as in_month,
        sum(reported.value) filter (where reported.year = months.year) as in_year,
        sum(reported.value) as since_start,
        arg_max(reported.value, reported.reporting_month) filter (
            where reported.year = months.year
        ) as latest_in_year,
        arg_max(reported.value, reported.reporting_month) as latest,
        bool_or(reported.is_made_up) as is_made_up
    from monthly_values as reported
    inner join months on reported.reporting_month <= months.reporting_month
    group by
        reported.county_code, reported.institution_code, reported.indicator_code,
        months.reporting_month
),

-- Counts add up over months; a level or a milestone is what was said last. A milestone once
-- reached stays reached in later years.
institution_actuals as (
    select
        progress.county_code,
        progress.indicator_code,
        progress.reporting_month,
        progress.in_month,
        case indicators.target_basis
            when 'level' then progress.latest_in_year
            when 'milestone' then progress.latest
            else progress.in_year
        end as year_to_date,
        case
            when indicators.target_basis in ('level', 'milestone') then progress.latest
            else progress.since_start
        end as cumulative,
        coalesce(indicators.is_person_sensitive, false) as is_person_sensitive,
        progress.is_made_up
    from institution_progress as progress
    inner join indicators on progress.indicator_code = indicators.indicator_code
),

-- Two institutions that send bare numbers of persons may have counted the same ones: together they
-- are at least as many as the one with most has, and at most the sum.
county_actuals as (
    select
        county_code,
        indicator_code,
        reporting_month,
        sum(in_month) as actual_month,
        sum(year_to_date) as actual_year_to_date,
        sum(cumulative) as actual_cumulative,
        case
            when bool_or(is_person_sensitive) then max(year_to_date) else sum(year_to_date)
        end as actual_year_to_date_least,
        case
            when bool_or(is_person_sensitive) then max(cumulative) else sum(cumulative)
        end as actual_cumulative_least,
        bool_or(is_made_up) as is_made_up
    from institution_actuals
    group by county_code, indicator_code, reporting_month
),

-- Completeness: of the values due this year so far, how many came.
county_completeness as (
    select
        due.county_code,
        due.indicator_code,
        months.reporting_month,
        avg(case when reports.is_received then 1.0 else 0.0 end) as completeness,
        bool_or(reports.is_made_up) as is_made_up
    from due
    inner join months
        on
            due.reporting_month <= months.reporting_month
            and extract(year from due.reporting_month) = months.year
    left join monthly_reports as reports
        on
            due.county_code = reports.county_code
            and due.institution_code = reports.institution_code
            and due.indicator_code = reports.indicator_code
            and due.reporting_month = reports.reporting_month
    group by due.county_code, due.indicator_code, months.reporting_month
),

counties as (
    select county_code
    from {{ ref('dim_counties') }}
    where not is_nation
),

county_rows as (
    select
        counties.county_code,
        months.reporting_month,
        months.year,
        months.month_number,
        indicators.indicator_code,
        coalesce(indicators.is_person_sensitive, false) as is_person_sensitive,
        actuals.actual_month,
        actuals.actual_year_to_date,
        actuals.actual_cumulative,
        actuals.actual_year_to_date_least,
        actuals.actual_cumulative_least,
        completeness.completeness,
        coalesce(actuals.is_made_up, false) or coalesce(completeness.is_made_up, false)
            as is_made_up
    from counties
    cross join months
    cross join indicators
    left join county_actuals as actuals
        on
            counties.county_code = actuals.county_code
            and months.reporting_month = actuals.reporting_month
            and indicators.indicator_code = actuals.indicator_code
    left join county_completeness as completeness
        on
            counties.county_code = completeness.county_code
            and months.reporting_month = completeness.reporting_month
            and indicators.indicator_code = completeness.indicator_code
),

-- A figure published for the whole year is known at its December and replaces the counties' sum.
national_figures as (
    select
        indicator_code,
        reporting_month,
        arg_max(value, received_at) as value,
        bool_or(is_made_up) as is_made_up
    from current_values
    where
        county_code = 'AL'
        and frequency = 'year'
        and category = 'total'
        and value_state in ('number', 'zero')
    group by indicator_code, reporting_month
),

nation_years as (
    select
        county_rows.indicator_code,
        county_rows.reporting_month,
        county_rows.year,
        county_rows.month_number,
        sum(county_rows.actual_month) as actual_month,
        coalesce(any_value(figures.value), sum(county_rows.actual_year_to_date))
            as actual_year_to_date,
        -- So may two counties: who is identified in one is often sheltered in another.
        coalesce(
            any_value(figures.value),
            case
                when bool_or(county_rows.is_person_sensitive)
                    then max(county_rows.actual_year_to_date_least)
                else sum(county_rows.actual_year_to_date_least)
            end
        ) as actual_year_to_date_least,
        case
            when any_value(figures.value) is not null then 1.0
            else avg(coalesce(county_rows.completeness, 0))
        end as completeness,
        coalesce(any_value(figures.is_made_up), bool_or(county_rows.is_made_up)) as is_made_up
    from county_rows
    left join national_figures as figures
        on
            county_rows.indicator_code = figures.indicator_code
            and county_rows.reporting_month = figures.reporting_month
    group by
        county_rows.indicator_code, county_rows.reporting_month, county_rows.year,
        county_rows.month_number
),

nation_rows as (
    select
        nation.indicator_code,
        nation.reporting_month,
        any_value(nation.year) as year,
        any_value(nation.month_number) as month_number,
        any_value(nation.actual_month) as actual_month,
        case any_value(indicators.target_basis)
            when 'milestone'
                then arg_max(until_then.actual_year_to_date, until_then.reporting_month)
            else any_value(nation.actual_year_to_date)
        end as actual_year_to_date,
        case
            when any_value(indicators.target_basis) in ('level', 'milestone')
                then arg_max(until_then.actual_year_to_date, until_then.reporting_month)
            else sum(until_then.actual_year_to_date)
        end as actual_cumulative,
        case any_value(indicators.target_basis)
            when 'milestone'
                then arg_max(until_then.actual_year_to_date_least, until_then.reporting_month)
            else any_value(nation.actual_year_to_date_least)
        end as actual_year_to_date_least,
        case
            when any_value(indicators.target_basis) in ('level', 'milestone')
                then arg_max(until_then.actual_year_to_date_least, until_then.reporting_month)
            else sum(until_then.actual_year_to_date_least)
        end as actual_cumulative_least,
        any_value(nation.completeness) as completeness,
        bool_or(until_then.is_made_up) as is_made_up
    from nation_years as nation
    inner join indicators on nation.indicator_code = indicators.indicator_code
    inner join nation_years as until_then
        on
            nation.indicator_code = until_then.indicator_code
            and (
                nation.reporting_month = until_then.reporting_month
                or (nation.year > until_then.year and until_then.month_number = 12)
            )
    group by nation.indicator_code, nation.reporting_month
),

areas as (
    select
        county_code,
        reporting_month,
        year,
        month_number,
        indicator_code,
        actual_month,
        actual_year_to_date,
        actual_cumulative,
        actual_year_to_date_least,
        actual_cumulative_least,
        completeness,
        is_made_up
    from county_rows
    union all
    select
        'AL' as county_code,
        reporting_month,
        year,
        month_number,
        indicator_code,
        actual_month,
        actual_year_to_date,
        actual_cumulative,
        actual_year_to_date_least,
        actual_cumulative_least,
        completeness,
        is_made_up
    from nation_rows
),

years as (
    select distinct year
    from months
),

number_targets as (
    select
        indicator_code,
        county_code,
        year,
        value
    from {{ ref('fct_targets') }}
    where target_kind = 'target' and value is not null
),

-- A target is its area's own, so that no county is measured against the nation's. Only a
-- milestone's target goes on after its year.
targets as (
    select
        number_targets.county_code,
        number_targets.indicator_code,
        years.year,
        arg_max(number_targets.value, number_targets.year) filter (
            where
            number_targets.year = years.year
            or (indicators.target_basis = 'milestone' and number_targets.year < years.year)
        ) as target_value,
        max(number_targets.value) filter (where number_targets.year = years.year - 1)
            as previous_target,
        bool_or(number_targets.year > years.year and number_targets.value > 0)
            as has_later_target
    from number_targets
    inner join indicators on number_targets.indicator_code = indicators.indicator_code
    cross join years
    group by number_targets.county_code, number_targets.indicator_code, years.year
),

thresholds as (
    select
        max(value) filter (where threshold = 'at_risk_floor') as at_risk_floor,
        max(value) filter (where threshold = 'minimum_completeness') as minimum_completeness
    from {{ ref('dim_status_thresholds') }}
),

measured as (
    select
        areas.*,
        indicators.target_basis,
        indicators.direction,
        indicators.start_year,
        targets.target_value,
        coalesce(targets.has_later_target, false) as has_later_target,
        thresholds.at_risk_floor,
        thresholds.minimum_completeness,
        areas.month_number = 12 as is_december,
        targets.target_value * areas.month_number / 12 as expected_annual,
        coalesce(targets.previous_target, 0)
        + (targets.target_value - coalesce(targets.previous_target, 0)) * areas.month_number / 12
            as expected_cumulative
    from areas
    inner join indicators on areas.indicator_code = indicators.indicator_code
    left join targets
        on
            areas.county_code = targets.county_code
            and areas.indicator_code = targets.indicator_code
            and areas.year = targets.year
    cross join thresholds
),

readings as (
    select
        *,
        {% for end in ['', '_least'] -%}
            case
                when target_basis <> 'cumulative'
                    then {{ reading_status('actual_year_to_date' ~ end, 'expected_annual') }}
            end as annual_status{{ end }},
            case
                when target_basis in ('cumulative', 'unstated')
                    then {{ reading_status('actual_cumulative' ~ end, 'expected_cumulative') }}
            end as cumulative_status{{ end }},
        {% endfor %}
        coalesce(completeness < 1, false)
        and coalesce(actual_year_to_date, actual_cumulative) is not null as is_lower_bound
    from measured
),

remarks as (
    select
        county_code,
        reporting_month,
        indicator_code,
        count(*) filter (where kind = 'waiver') as waivers,
        count(*) filter (where kind = 'correction') as corrections
    from {{ ref('fct_remarks') }}
    group by county_code, reporting_month, indicator_code
),

noted as (
    select
        readings.*,
        cast(coalesce(remarks.waivers, 0) as integer) as waivers,
        cast(coalesce(remarks.corrections, 0) as integer) as corrections
    from readings
    left join remarks
        on
            readings.county_code = remarks.county_code
            and readings.reporting_month = remarks.reporting_month
            and readings.indicator_code = remarks.indicator_code
)

select
    county_code,
    reporting_month,
    indicator_code,
    actual_month,
    actual_year_to_date,
    actual_cumulative,
    actual_year_to_date_least,
    case when not is_lower_bound then actual_year_to_date end as actual_year_to_date_most,
    actual_cumulative_least,
    case when not is_lower_bound then actual_cumulative end as actual_cumulative_most,
    target_value,
    case
        when target_value is null then 'none'
        when county_code = 'AL' then 'nation'
        else 'county'
    end as target_scope,
    case
        when target_basis <> 'cumulative' and direction = 'increase' and target_value > 0
            then round(100 * actual_year_to_date_least / target_value, 1)
    end as progress_annual,
    case
        when
            target_basis in ('cumulative', 'unstated')
            and direction = 'increase'
            and target_value > 0
            then round(100 * actual_cumulative_least / target_value, 1)
    end as progress_cumulative,
    case
        when year < start_year then 'not_due'
        when target_basis = 'milestone' and coalesce(target_value, 0) = 0 and has_later_target
            then 'not_due'
        when target_value is null then 'no_target'
        when
            least(annual_status, annual_status_least, cumulative_status, cumulative_status_least)
            <> greatest(
                annual_status, annual_status_least, cumulative_status, cumulative_status_least
            )
            then 'ambiguous'
        else coalesce(annual_status, cumulative_status)
    end as status,
    completeness,
    is_lower_bound,
    waivers,
    corrections,
    is_made_up
from noted
