with identified_cases as (
    select
        county_code,
        case_key,
        min(reporting_month) as reporting_month,
        arg_min(identification_channel, event_date) as identification_channel
    from {{ ref('fct_referral_events') }}
    where event = 'initially_identified'
    group by county_code, case_key
),

identified_persons as (
    select
        county_code,
        case_key,
        person_key,
        min(reporting_month) as reporting_month,
        arg_min(identification_channel, event_date) as identification_channel,
        arg_min(age_group, event_date) as age_group
    from {{ ref('fct_referral_events') }}
    where event = 'initially_identified'
    group by county_code, case_key, person_key
),

hotline_cases as (
    select
        county_code,
        case_key,
        min(reporting_month) as reporting_month
    from {{ ref('fct_hotline_contacts') }}
    where purpose = 'case_report' and case_key is not null
    group by county_code, case_key
),

counted as (
    select
        county_code,
        reporting_month,
        '2.1.9.1' as indicator_code,
        count(*) as value
    from identified_cases
    group by county_code, reporting_month
    union all
    select
        county_code,
        reporting_month,
        '2.1.18.1' as indicator_code,
        count(*) as value
    from identified_cases
    where identification_channel = 'mobile_unit'
    group by county_code, reporting_month
    union all
    select
        county_code,
        reporting_month,
        '2.1.6.1' as indicator_code,
        count(distinct person_key) as value
    from identified_persons
    where identification_channel = 'border' and age_group = '0-17'
    group by county_code, reporting_month
    union all
    select
        county_code,
        reporting_month,
        '3.1.2.1' as indicator_code,
        count(*) as value
    from hotline_cases
    group by county_code, reporting_month
),

-- Between a county's first and last record a month without records counts zero; outside it the
-- records say nothing.
spans as (
    select
        county_code,
        'referral' as source,
        ['2.1.9.1', '2.1.18.1', '2.1.6.1'] as indicator_codes,
        min(reporting_month) as first_month,
        max(reporting_month) as last_month,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_referral_events') }}
    group by county_code
    union all
    select
        county_code,
        'hotline' as source,
        ['3.1.2.1'] as indicator_codes,
        min(reporting_month) as first_month,
        max(reporting_month) as last_month,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_hotline_contacts') }}
    group by county_code
),

grid as (
    select
        spans.county_code,
        spans.source,
        unnest(spans.indicator_codes) as indicator_code,
        months.month as reporting_month,
        spans.is_made_up
    from spans
    inner join {{ ref('dim_months') }} as months
        on months.month between spans.first_month and spans.last_month
)

select
    grid.county_code,
    grid.reporting_month,
    grid.indicator_code,
    grid.source,
    cast(coalesce(counted.value, 0) as integer) as value,
    grid.is_made_up
from grid
left join counted
    on
        grid.county_code = counted.county_code
        and grid.reporting_month = counted.reporting_month
        and grid.indicator_code = counted.indicator_code
