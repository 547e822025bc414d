-- What the records count, exact, in every shape that may go out once it is protected: a county by
-- year, one dimension at a time; the nation by quarter, and by year with sex and age together too.
-- Each thing is counted once, where it came first, so that quarters and counties add up.
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
)

select
    areas.county_code,
    periods.last_month as reporting_month,
    periods.period,
    asked.subject,
    asked.dimension,
    asked.category,
    cast(count(cells.subject) as integer) as value,
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
    areas.county_code, periods.last_month, periods.period, asked.subject, asked.dimension,
    asked.category
