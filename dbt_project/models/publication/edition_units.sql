-- What editions of counts of persons add up: a subject's count of a county and month, where
-- anything of it came. A level is one number a year, at its December. A category has a row only
-- where somebody was counted.
with reported as (
    select
        progress.county_code,
        progress.reporting_month,
        progress.indicator_code as subject,
        'total' as dimension,
        'total' as category,
        case
            when indicators.target_basis in ('level', 'milestone') then progress.actual_year_to_date
            else progress.actual_month
        end as value,
        not progress.is_month_whole as is_lower_bound,
        indicators.target_basis in ('level', 'milestone') as is_level,
        progress.is_made_up
    from {{ ref('int_county_progress') }} as progress
    inner join {{ ref('dim_indicators') }} as indicators
        on
            progress.plan_code = indicators.plan_code
            and progress.indicator_code = indicators.indicator_code
    where
        indicators.is_protected
        and (
            indicators.target_basis not in ('level', 'milestone')
            or month(progress.reporting_month) = 12
        )
),

covered as (
    select
        county_code,
        source,
        reporting_month,
        coverage <> 'whole' as is_lower_bound,
        is_made_up
    from {{ ref('int_record_months') }}
    where county_code <> 'AL' and coverage <> 'none'
    union all
    -- What a national body keeps is about the nation alone.
    select
        files.county_code,
        files.source,
        months.month as reporting_month,
        false as is_lower_bound,
        bool_or(files.is_made_up) as is_made_up
    from {{ ref('int_record_files') }} as files
    inner join {{ ref('dim_months') }} as months
        on months.month between files.first_month and files.last_month
    where files.county_code = 'AL'
    group by files.county_code, files.source, months.month
),

subjects (source, subject) as (
    values
    ('referral', 'flagged'),
    ('referral', 'initially_identified'),
    ('referral', 'formally_identified'),
    ('referral', 'not_a_victim'),
    ('referral', 'referred'),
    ('referral', 'referral_accepted'),
    ('referral', 'assisted'),
    ('hotline', 'hotline_contacts'),
    ('hotline', 'hotline_cases'),
    ('hotline', 'hotline_referrals'),
    ('hotline', 'hotline_referrals_accepted')
),

cells as (
    {% for dimension in [
        'sex', 'age_group', 'sex_and_age_group', 'exploitation', 'citizenship',
        'identification_channel', 'channel', 'purpose',
    ] -%}
        select
            county_code,
            cast(date_trunc('month', occurred_on) as date) as reporting_month,
            subject,
            '{{ dimension }}' as dimension,
            {% if dimension == 'sex_and_age_group' -%}
                sex || ' ' || age_group
            {%- else -%}
                {{ dimension }}
            {%- endif %} as category
        from {{ ref('int_recorded_subjects') }}
        union all
    {% endfor %}
    select
        county_code,
        cast(date_trunc('month', occurred_on) as date) as reporting_month,
        subject,
        'total' as dimension,
        'total' as category
    from {{ ref('int_recorded_subjects') }}
),

counted as (
    select
        county_code,
        reporting_month,
        subject,
        dimension,
        category,
        count(*) as value
    from cells
    where category is not null
    group by all
),

recorded as (
    select
        covered.county_code,
        covered.reporting_month,
        subjects.subject,
        coalesce(counted.dimension, 'total') as dimension,
        coalesce(counted.category, 'total') as category,
        coalesce(counted.value, 0) as value,
        covered.is_lower_bound,
        false as is_level,
        covered.is_made_up
    from covered
    inner join subjects on covered.source = subjects.source
    left join counted
        on
            covered.county_code = counted.county_code
            and covered.reporting_month = counted.reporting_month
            and subjects.subject = counted.subject
)

select
    units.county_code,
    units.reporting_month,
    units.subject,
    units.dimension,
    units.category,
    cast(round(units.value) as bigint) as value,
    units.is_lower_bound,
    units.is_level,
    members.county_code is not null as is_in_nation,
    units.is_made_up
from (
    select * from reported
    union all by name
    select * from recorded
) as units
left join {{ ref('bridge_area_members') }} as members
    on members.area_code = 'AL' and units.county_code = members.county_code
where units.value is not null
