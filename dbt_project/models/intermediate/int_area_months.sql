-- An indicator's sum in a county or the nation at a month, and in those of its members that can be
-- compared with the last time that a value was due of them. A county's members are its
-- institutions, the nation's are the counties.
with county_sums as (
    select
        county_code,
        plan_code,
        indicator_code,
        reporting_month,
        sum(value) as value
    from {{ ref('int_monthly_totals') }}
    where
        superseded_at is null
        and is_additive
        and county_code in ({{ counties_of_the_nation() }})
    group by county_code, plan_code, indicator_code, reporting_month
),

reported_months as (
    select distinct
        plan_code,
        indicator_code,
        reporting_month
    from county_sums
),

reporting_counties as (
    select distinct
        plan_code,
        indicator_code,
        county_code
    from county_sums
),

members as (
    select
        county_code as area_code,
        institution_code as member_code,
        plan_code,
        indicator_code,
        reporting_month,
        month_before,
        value,
        value_before
    from {{ ref('int_due_values') }}
    where is_additive
    union all
    select
        'AL' as area_code,
        counties.county_code as member_code,
        months.plan_code,
        months.indicator_code,
        months.reporting_month,
        lag(months.reporting_month) over county_values as month_before,
        county_sums.value,
        lag(county_sums.value) over county_values as value_before
    from reported_months as months
    inner join reporting_counties as counties
        on
            months.plan_code = counties.plan_code
            and months.indicator_code = counties.indicator_code
    left join county_sums
        on
            months.plan_code = county_sums.plan_code
            and months.indicator_code = county_sums.indicator_code
            and months.reporting_month = county_sums.reporting_month
            and counties.county_code = county_sums.county_code
    window county_values as (
        partition by counties.county_code, months.plan_code, months.indicator_code
        order by months.reporting_month
    )
),

names as (
    select
        institution_code,
        name_sq,
        name_en
    from {{ ref('dim_institutions') }}
    union all
    select
        county_code as institution_code,
        name_sq,
        name_en
    from {{ ref('dim_counties') }}
),

sums as (
    select
        members.area_code,
        members.plan_code,
        members.indicator_code,
        members.reporting_month,
        sum(members.value) as value,
        count(members.value) as reporting,
        sum(members.value) filter (where members.month_before is not null) as comparable,
        sum(members.value_before) as comparable_before,
        sum(members.value) filter (where members.value_before is not null) as of_the_same,
        sum(members.value_before) filter (where members.value is not null) as of_the_same_before,
        {% for language in ['sq', 'en'] -%}
            string_agg({{ named('names', language) }}, ', ' order by members.member_code) filter (
                where
                members.value is not null
                and members.value_before is null
                and members.month_before is not null
            ) as newcomers_{{ language }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from members
    left join names on members.member_code = names.institution_code
    group by
        members.area_code, members.plan_code, members.indicator_code, members.reporting_month
)

select
    *,
    max(value) over earlier as most_before,
    max(reporting) over earlier as most_reporting_before,
    count(value) over earlier as months_before
from sums
window earlier as (
    partition by area_code, plan_code, indicator_code
    order by reporting_month
    rows between unbounded preceding and 1 preceding
)
