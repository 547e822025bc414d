-- What the records of a period rest on, an area and source of records: months of which all there is
-- to say came, the last month before it of which a file is missing, and the counties that are in
-- the nation's.
{{ config(materialized='table') }}

with own as (
    select
        covered.county_code,
        covered.source,
        periods.*,
        bool_or(covered.coverage <> 'none') as is_any,
        arg_min_null(covered.last_gap, covered.reporting_month) as last_gap,
        count(*) filter (where covered.coverage = 'whole') as whole_months,
        bool_and(covered.counties_missing is null) filter (where covered.county_code = 'AL')
            as is_national,
        bool_or(covered.is_made_up) as is_made_up
    from {{ ref('int_record_months') }} as covered
    inner join {{ ref('int_periods') }} as periods
        on covered.reporting_month between periods.first_month and periods.last_month
    group by all
),

nation as (
    select
        covered.source,
        periods.period,
        list(distinct covered.county_code) as counties
    from {{ ref('int_record_months') }} as covered
    inner join {{ ref('int_periods') }} as periods
        on covered.reporting_month between periods.first_month and periods.last_month
    where covered.coverage <> 'none' and covered.county_code in ({{ counties_of_the_nation() }})
    group by covered.source, periods.period
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
)

select
    own.county_code,
    own.source,
    own.kind,
    own.period,
    own.first_month,
    own.last_month,
    case
        when own.is_any and own.whole_months = own.months then 'whole'
        when own.is_any then 'part'
        else 'none'
    end as coverage,
    own.last_gap,
    case
        when own.county_code = 'AL'
            then
                cast(
                    if(own.is_national, expected.counties, coalesce(len(nation.counties), 0))
                    as integer
                )
    end as counties_reporting,
    case when own.county_code = 'AL' then cast(expected.counties as integer) end
        as counties_expected,
    case
        when own.county_code = 'AL' and not own.is_national
            then {{ counties_missing('nation.counties') | indent(12) }}
    end as counties_missing,
    own.is_made_up
from own
cross join expected
left join nation
    on
        own.county_code = 'AL'
        and own.source = nation.source
        and own.period = nation.period
