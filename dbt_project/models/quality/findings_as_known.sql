-- Findings that a county's institution was told of, by the days on which each was known and not
-- mended. Waivers are not looked at: whether one held on a day is in the journal of decisions.
select
    findings.finding_id,
    findings.county_code,
    findings.institution_code,
    findings.reporting_month,
    rules.severity <> 'informs' as asks_for_answer,
    cast(findings.found_at as date) as known_from,
    cast(findings.mended_at as date) as known_to,
    findings.is_made_up
from {{ ref('fct_findings') }} as findings
inner join {{ ref('dim_quality_rules') }} as rules on findings.rule = rules.rule
where
    findings.county_code is not null
    and findings.institution_code is not null
    and findings.reporting_month is not null
    and coalesce(cast(findings.mended_at as date) > cast(findings.found_at as date), true)
