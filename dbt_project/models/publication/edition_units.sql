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
        false as may_fall,
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
        -- Which number holds is for its committee to say: until then neither counts.
        and not exists (
            select 1
            from {{ ref('fct_corrections') }} as corrections
            where
                not corrections.is_withdrawn
                and not corrections.has_ground
                and corrections.county_code = progress.county_code
                and corrections.reporting_month = progress.reporting_month
                and corrections.indicator_code = progress.indicator_code
        )
),

settled as (
    {{ settled_counties() }}
),

expected as (
    select count(*) as counties
    from {{ ref('dim_counties') }}
    where not is_nation
),

covered as (
    select
        months.county_code,
        months.source,
        months.reporting_month,
        months.coverage <> 'whole' as is_lower_bound,
        -- A person counts where it came first: a file of another county or of an earlier month that
        -- is missing may take persons away.
        months.source = 'referral'
        and (
            months.last_gap is not null
            or len(list_distinct(list_append(settled.counties, months.county_code)))
            is distinct from expected.counties
        ) as may_fall,
        months.is_made_up
    from {{ ref('int_record_months') }} as months
    cross join expected
    left join settled on months.reporting_month = settled.reporting_month
    where months.county_code <> 'AL' and months.coverage <> 'none'
    union all
    -- What a national body keeps is about the nation alone.
    select
        files.county_code,
        files.source,
        months.month as reporting_month,
        false as is_lower_bound,
        false as may_fall,
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
        covered.may_fall,
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
    units.may_fall,
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
