-- What must stand beside a number: waived findings and corrections of the values in it. A value is
-- in the numbers of its month and of all later ones of its plan, the county's and the nation's.
with remarks as (
    select
        'waiver' as kind,
        finding_id as remark_id,
        county_code,
        institution_code,
        reporting_month as about_month,
        indicator_code,
        rule,
        null as category,
        null as reported,
        null as corrected,
        waived_by as decided_by,
        waiver_reason as reason,
        waived_at as decided_at,
        waived_until as holds_until,
        is_made_up
    from {{ ref('fct_findings') }}
    where state = 'waived'
    union all
    select
        'correction' as kind,
        correction_id as remark_id,
        county_code,
        institution_code,
        reporting_month as about_month,
        indicator_code,
        null as rule,
        category,
        reported_en as reported,
        coalesce(cast(cast(corrected_value as bigint) as varchar), corrected_state) as corrected,
        corrected_by as decided_by,
        reason,
        corrected_at as decided_at,
        null as holds_until,
        is_made_up
    from {{ ref('fct_corrections') }}
    where has_ground and not is_withdrawn
),

-- What is waived of a whole report touches every indicator that was due in it.
touched as (
    select
        remarks.* exclude (indicator_code),
        about.plan_code,
        coalesce(remarks.indicator_code, due.indicator_code) as indicator_code
    from remarks
    inner join {{ ref('dim_months') }} as about on remarks.about_month = about.month
    left join {{ ref('fct_values_due') }} as due
        on
            remarks.indicator_code is null
            and remarks.county_code = due.county_code
            and remarks.institution_code = due.institution_code
            and remarks.about_month = due.reporting_month
    where coalesce(remarks.indicator_code, due.indicator_code) is not null
),

areas as (
    select
        touched.*,
        members.area_code
    from touched
    inner join {{ ref('bridge_area_members') }} as members
        on touched.county_code = members.county_code
)

select
    areas.area_code as county_code,
    months.month as reporting_month,
    areas.plan_code,
    areas.indicator_code,
    areas.kind,
    areas.remark_id,
    areas.institution_code,
    areas.about_month,
    areas.rule,
    areas.category,
    areas.reported,
    areas.corrected,
    areas.decided_by,
    areas.reason,
    areas.decided_at,
    areas.holds_until,
    areas.is_made_up
from areas
inner join {{ ref('dim_months') }} as months
    on areas.about_month <= months.month and areas.plan_code = months.plan_code
where months.has_begun
