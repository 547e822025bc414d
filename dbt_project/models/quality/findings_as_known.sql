-- Findings about the report of a county's institution, by the days on which each was known and not
-- mended. Nothing is known of a report that had not come and, by the register of that day, was not
-- due. Waivers are not looked at: whether one held on a day is in the journal of decisions.
with reports as (
    select
        county_code,
        institution_code,
        reporting_month,
        min(known_from) as known_from
    from {{ ref('fct_reports_as_known') }}
    group by county_code, institution_code, reporting_month
),

known as (
    select
        findings.finding_id,
        findings.county_code,
        findings.institution_code,
        findings.reporting_month,
        rules.severity <> 'informs' as asks_for_answer,
        greatest(cast(findings.found_at as date), reports.known_from) as known_from,
        cast(findings.mended_at as date) as known_to,
        findings.is_made_up
    from {{ ref('fct_findings') }} as findings
    inner join {{ ref('dim_quality_rules') }} as rules on findings.rule = rules.rule
    left join reports
        on
            findings.county_code = reports.county_code
            and findings.institution_code = reports.institution_code
            and findings.reporting_month = reports.reporting_month
    where
        findings.county_code is not null
        and findings.institution_code is not null
        and findings.reporting_month is not null
)

select
    finding_id,
    county_code,
    institution_code,
    reporting_month,
    asks_for_answer,
    known_from,
    known_to,
    is_made_up
from known
where coalesce(known_to > known_from, true)
