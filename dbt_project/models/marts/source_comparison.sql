-- Current values of two sources, one pair a row. Where several institutions owe an indicator, their
-- sum is the county's value, and each of them would give the same row.
with records as (
    select
        county_code,
        reporting_month,
        case source when 'hotline' then 'hotline_log' else 'referral_records' end as source,
        coverage,
        counties_reporting,
        counties_expected,
        counties_missing
    from {{ ref('int_record_months') }}
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
)

select
    pairs.county_code,
    pairs.reporting_month,
    pairs.plan_code,
    pairs.indicator_code,
    pairs.frequency,
    pairs.first_source,
    pairs.first_value,
    pairs.first_state,
    pairs.second_source,
    pairs.second_value,
    pairs.second_value_least,
    pairs.second_value_most,
    pairs.second_state,
    pairs.difference,
    pairs.is_part,
    pairs.is_contradiction,
    pairs.likely_reason,
    pairs.reason_sq,
    pairs.reason_en,
    pairs.official_source,
    pairs.is_lower_bound or coalesce(firsts.coverage = 'part', false) as is_lower_bound,
    -- A figure that is published, or asked of SIVET, for the nation is about every county.
    case
        when pairs.county_code = 'AL'
            then
                cast(
                    coalesce(
                        least(firsts.counties_reporting, seconds.counties_reporting),
                        expected.counties
                    ) as integer
                )
    end as counties_reporting,
    case when pairs.county_code = 'AL' then cast(expected.counties as integer) end
        as counties_expected,
    coalesce(firsts.counties_missing, seconds.counties_missing) as counties_missing,
    pairs.is_made_up
from {{ ref('fct_source_comparison') }} as pairs
cross join expected
left join records as firsts
    on
        pairs.first_source = firsts.source
        and pairs.county_code = firsts.county_code
        and pairs.reporting_month = firsts.reporting_month
left join records as seconds
    on
        pairs.second_source = seconds.source
        and pairs.county_code = seconds.county_code
        and pairs.reporting_month = seconds.reporting_month
where not pairs.is_superseded
qualify row_number() over (
    partition by
        pairs.county_code, pairs.reporting_month, pairs.plan_code, pairs.indicator_code,
        pairs.frequency, pairs.first_source, pairs.second_source
    order by pairs.first_value is null, pairs.institution_code, pairs.delivery_id, pairs.row_number
) = 1
