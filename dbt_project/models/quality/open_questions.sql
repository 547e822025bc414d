-- What the sender of a report is asked: what blocks or warns and can be mended there, as long as
-- nobody answered. A file whose sender can't be told is its county's.
select
    findings.finding_id,
    findings.rule,
    rules.severity,
    findings.county_code,
    coalesce(findings.institution_code, findings.county_code) as asked_code,
    findings.reporting_month,
    coalesce(
        findings.indicator_code,
        case when findings.institution_code is null then findings.delivery_id end
    ) as about,
    findings.sheet,
    findings.cell,
    findings.row_number,
    findings.message_sq,
    findings.is_made_up
from {{ ref('fct_findings') }} as findings
inner join {{ ref('dim_quality_rules') }} as rules on findings.rule = rules.rule
where
    findings.county_code is not null
    and rules.severity <> 'informs'
    and rules.mended_by in ('institution', 'committee')
    and findings.state in ('open', 'sent')
