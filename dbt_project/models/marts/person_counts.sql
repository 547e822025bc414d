-- What the records count, exact, in every shape that may go out once it is protected: a county by
-- year, one dimension at a time; the nation by quarter, and by year with sex and age together too.
-- Each thing is counted once, where it came first, so that quarters and counties add up. Of a
-- period without any records nothing is known; where a month of it lacks some, a count is a lower
-- bound.
{% set categories = {
    'total': ['total'],
    'sex': ['female', 'male'],
    'age_group': ['0-17', '18+'],
    'sex_and_age_group': ['female 0-17', 'female 18+', 'male 0-17', 'male 18+'],
    'identification_channel': [
        'mobile_unit', 'hotline', 'app', 'police', 'border', 'self', 'labour_inspection',
        'child_protection_unit',
    ],
    'channel': ['phone_116006', 'app', 'web', 'sms', 'in_person'],
    'purpose': [
        'case_report', 'counselling', 'information', 'silent', 'prank', 'wrong_number', 'test',
    ],
} %}
{% set of_persons = ['total', 'sex', 'age_group', 'sex_and_age_group'] %}
{% set asked = {
    'flagged': ('referral', of_persons),
    'initially_identified': ('referral', of_persons + ['identification_channel']),
    'formally_identified': ('referral', of_persons),
    'not_a_victim': ('referral', of_persons),
    'referred': ('referral', of_persons),
    'referral_accepted': ('referral', of_persons),
    'assisted': ('referral', of_persons),
    'hotline_contacts': ('hotline', ['total', 'channel', 'purpose']),
    'hotline_cases': ('hotline', ['total']),
    'hotline_referrals': ('hotline', ['total']),
    'hotline_referrals_accepted': ('hotline', ['total']),
} %}
with subjects as (
    select
        subjects.* exclude (county_code),
        subjects.county_code as home_code,
        members.area_code as county_code
    from {{ ref('int_recorded_subjects') }} as subjects
    inner join {{ ref('bridge_area_members') }} as members
        on subjects.county_code = members.county_code
),

cells as (
    {% for dimension in categories -%}
        select
            county_code,
            subject,
            occurred_on,
            '{{ dimension }}' as dimension,
            {% if dimension == 'total' -%}
                'total'
            {%- elif dimension == 'sex_and_age_group' -%}
                sex || ' ' || age_group
            {%- else -%}
                {{ dimension }}
            {%- endif %} as category
        from subjects
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- A year has a row for every cell, counted or not: a row that is there only where somebody was
-- counted would tell that somebody was.
asked as (
    select
        col0 as source,
        col1 as subject,
        col2 as dimension,
        col3 as category
    from (
        values
        {% for subject, (source, dimensions) in asked.items() -%}
            {% set last_subject = loop.last -%}
            {% for dimension in dimensions -%}
                {% set last_dimension = loop.last -%}
                {% for category in categories[dimension] -%}
                    ('{{ source }}', '{{ subject }}', '{{ dimension }}', '{{ category }}')
                    {%- if not (last_subject and last_dimension and loop.last) %},{% endif %}
                {% endfor %}
            {%- endfor %}
        {%- endfor %}
    )
),

-- What a national body sends counts for the nation alone.
areas as (
    select
        source,
        county_code,
        county_code = 'AL' as is_nation,
        case
            when county_code = 'AL'
                then string_agg(distinct home_code, ' ' order by home_code)
        end as counties,
        bool_or(is_made_up) as is_made_up
    from subjects
    group by source, county_code
),

periods as (
    select
        cast(year as varchar) as period,
        min(month) as first_month,
        max(month) as last_month,
        true as is_year
    from {{ ref('dim_months') }}
    where has_begun
    group by year
    having count(*) = 12
    union all
    select
        year || '-Q' || ((month_number + 2) // 3) as period,
        min(month) as first_month,
        max(month) as last_month,
        false as is_year
    from {{ ref('dim_months') }}
    where has_begun
    group by year, (month_number + 2) // 3
    having count(*) = 3
),

-- What the records of a period lack, and which counties are in the nation's.
covered_periods as (
    select
        periods.period,
        areas.county_code,
        areas.source,
        bool_or(covered.coverage <> 'none') filter (where covered.county_code = areas.county_code)
            as is_any,
        count(*) filter (
            where covered.county_code = areas.county_code and covered.coverage = 'whole'
        ) as whole_months,
        list(distinct covered.county_code) filter (
            where
            covered.coverage <> 'none' and covered.county_code in ({{ counties_of_the_nation() }})
        ) as counties,
        bool_and(covered.counties_missing is null) filter (where covered.county_code = 'AL')
            as is_national
    from areas
    inner join {{ ref('int_record_months') }} as covered
        on
            areas.source = covered.source
            and (areas.is_nation or areas.county_code = covered.county_code)
    inner join periods
        on covered.reporting_month between periods.first_month and periods.last_month
    group by periods.period, areas.county_code, areas.source
),

counted as (
    select
        areas.county_code,
        areas.is_nation,
        areas.source,
        periods.last_month as reporting_month,
        periods.period,
        date_diff('month', periods.first_month, periods.last_month) + 1 as months,
        asked.subject,
        asked.dimension,
        asked.category,
        count(cells.subject) as value,
        any_value(areas.counties) as counties,
        any_value(areas.is_made_up) as is_made_up
    from areas
    inner join asked on areas.source = asked.source
    inner join periods
        on
            (periods.is_year and (areas.is_nation or asked.dimension <> 'sex_and_age_group'))
            or (not periods.is_year and areas.is_nation and asked.dimension = 'total')
    left join cells
        on
            areas.county_code = cells.county_code
            and asked.subject = cells.subject
            and asked.dimension = cells.dimension
            and asked.category = cells.category
            and date_trunc('month', cells.occurred_on)
            between periods.first_month and periods.last_month
    group by
        areas.county_code, areas.is_nation, areas.source, periods.first_month, periods.last_month,
        periods.period, asked.subject, asked.dimension, asked.category
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
)

select
    counted.county_code,
    counted.reporting_month,
    counted.period,
    counted.subject,
    counted.dimension,
    counted.category,
    case when covered.is_any then cast(counted.value as integer) end as value,
    coalesce(covered.whole_months, 0) < counted.months
    and (counted.is_nation or coalesce(covered.is_any, false)) as is_lower_bound,
    case
        when counted.is_nation
            then
                cast(
                    if(
                        covered.is_national, expected.counties, coalesce(len(covered.counties), 0)
                    ) as integer
                )
    end as counties_reporting,
    case when counted.is_nation then cast(expected.counties as integer) end as counties_expected,
    case
        when counted.is_nation and not coalesce(covered.is_national, false)
            then {{ counties_missing('covered.counties') | indent(12) }}
    end as counties_missing,
    counted.counties,
    counted.is_made_up
from counted
cross join expected
left join covered_periods as covered
    on
        counted.county_code = covered.county_code
        and counted.source = covered.source
        and counted.period = covered.period
