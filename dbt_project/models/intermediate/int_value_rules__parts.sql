-- Indicators that are more than the indicator that contains them, in a county's reports and in
-- SIVET; in the nation's year: int_nation_rules. Where each period holds, so does the year so far.
with pairs as (
    select
        plan_code,
        part_indicator_code as part,
        whole_indicator_code as whole
    from {{ ref('indicator_parts') }}
),

-- What counts of a county's reports. Of what nobody owes it is what was reported.
counted as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        {{ months_in('frequency') }} as months_in_period,
        value
    from {{ ref('int_due_values') }}
    union all by name
    select
        reports.county_code,
        reports.plan_code,
        reports.indicator_code,
        reports.reporting_month,
        1 as months_in_period,
        reports.value
    from {{ ref('int_monthly_reports') }} as reports
    where
        reports.is_counted
        and reports.value is not null
        and not exists (
            select 1
            from {{ ref('int_due_values') }} as due
            where
                due.county_code = reports.county_code
                and due.plan_code = reports.plan_code
                and due.indicator_code = reports.indicator_code
                and due.reporting_month = reports.reporting_month
        )
),

-- A part and its whole come from different institutions, which may owe them at different times:
-- they are compared over the longest period of a value in the year, when it ends.
longest as (
    select
        counted.county_code,
        pairs.part,
        pairs.whole,
        counted.plan_code,
        year(counted.reporting_month) as year,
        max(counted.months_in_period) as months_in_period
    from counted
    inner join pairs
        on
            counted.plan_code = pairs.plan_code
            and counted.indicator_code in (pairs.part, pairs.whole)
    group by all
),

county_periods as (
    select
        longest.county_code,
        longest.plan_code,
        longest.part,
        longest.whole,
        sum(counted.value) filter (where counted.indicator_code = longest.part) as part_value,
        sum(counted.value) filter (where counted.indicator_code = longest.whole) as whole_value,
        count(*) filter (where counted.indicator_code = longest.whole and counted.value is null)
        = 0 as is_whole,
        max(counted.reporting_month) filter (
            where counted.indicator_code = longest.part and counted.value > 0
        ) as reporting_month
    from longest
    inner join counted
        on
            longest.county_code = counted.county_code
            and longest.plan_code = counted.plan_code
            and longest.year = year(counted.reporting_month)
            and counted.indicator_code in (longest.part, longest.whole)
    group by
        longest.county_code, longest.plan_code, longest.part, longest.whole, longest.year,
        ceil(month(counted.reporting_month) / longest.months_in_period)
),

sivet_months as (
    select
        parts.*,
        pairs.part,
        pairs.whole,
        parts.value as part_value,
        wholes.value as whole_value
    from pairs
    inner join {{ ref('int_stated_totals') }} as parts
        on pairs.plan_code = parts.plan_code and pairs.part = parts.indicator_code
    inner join {{ ref('int_stated_totals') }} as wholes
        on
            pairs.plan_code = wholes.plan_code
            and pairs.whole = wholes.indicator_code
            and parts.county_code = wholes.county_code
            and parts.reporting_month = wholes.reporting_month
    where parts.stated_in = 'sivet' and wholes.stated_in = 'sivet'
)

{% set parameters = {
    'texts': {'part': 'periods.part', 'whole': 'periods.whole'},
    'counts': {'part_value': 'periods.part_value', 'whole_value': 'periods.whole_value'},
} -%}
select
    {{ finding(
        'part_exceeds_other_indicator', at='places', is_mended='false',
        texts=parameters.texts, counts=parameters.counts,
    ) }}
from county_periods as periods
inner join {{ ref('int_area_places') }} as places
    on
        periods.county_code = places.county_code
        and periods.part = places.indicator_code
        and periods.reporting_month = places.reporting_month
where periods.is_whole and periods.part_value > periods.whole_value

union all by name

select
    {{ finding(
        'part_exceeds_other_indicator', variant='sivet', at='periods', is_mended='false',
        texts=parameters.texts, counts=parameters.counts,
    ) }}
from sivet_months as periods
where periods.part_value > periods.whole_value
