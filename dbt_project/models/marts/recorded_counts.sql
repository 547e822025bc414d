-- What the records count, exact, in every shape that may go out once it is protected: a county by
-- year, one dimension at a time; the nation by quarter, and by year with sex and age together too.
-- Each thing is counted once, where it came first, so that quarters and counties add up. Of a
-- period without any records nothing is known; where a month of it lacks some, a count is a lower
-- bound. A person counts where it came first, so a file of another county or of an earlier period
-- that is missing may take persons away from a count.
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

counted as (
    select
        areas.county_code,
        areas.is_nation,
        areas.source,
        periods.last_month as reporting_month,
        periods.period,
        asked.subject,
        asked.dimension,
        asked.category,
        count(cells.subject) as value,
        any_value(areas.counties) as counties,
        any_value(areas.is_made_up) as is_made_up
    from areas
    inner join asked on areas.source = asked.source
    inner join {{ ref('int_periods') }} as periods
        on
            (
                periods.kind = 'year'
                and (areas.is_nation or asked.dimension <> 'sex_and_age_group')
            )
            or (periods.kind = 'quarter' and areas.is_nation and asked.dimension = 'total')
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
),

settled as (
    {{ settled_counties() }}
)

select
    counted.county_code,
    counted.reporting_month,
    counted.period,
    counted.subject,
    counted.dimension,
    counted.category,
    case when covered.coverage <> 'none' then cast(counted.value as integer) end as value,
    case
        when counted.is_nation then coalesce(covered.coverage <> 'whole', true)
        else coalesce(covered.coverage = 'part', false)
    end as is_lower_bound,
    counted.source = 'referral'
    and coalesce(covered.coverage <> 'none', false)
    and (
        covered.last_gap is not null
        or (covered.coverage = 'part' and counted.dimension <> 'total')
        or (
            not counted.is_nation
            and len(list_distinct(list_append(settled.counties, counted.county_code)))
            is distinct from expected.counties
        )
    ) as may_fall,
    case when counted.is_nation then coalesce(covered.counties_reporting, 0) end
        as counties_reporting,
    case when counted.is_nation then cast(expected.counties as integer) end as counties_expected,
    case
        when counted.is_nation and covered.county_code is null
            then {{ counties_missing('cast([] as varchar[])') | indent(12) }}
        else covered.counties_missing
    end as counties_missing,
    counted.counties,
    counted.is_made_up
from counted
cross join expected
left join {{ ref('int_covered_periods') }} as covered
    on
        counted.county_code = covered.county_code
        and counted.source = covered.source
        and counted.period = covered.period
left join settled on counted.reporting_month = settled.reporting_month
