-- What the sender of a report is asked: what blocks or warns and can be mended there, as long as
-- nobody answered. A log is of who owes it; a file whose sender can't be told is its county's.
select
    findings.finding_id,
    findings.rule,
    rules.severity,
    findings.county_code,
    coalesce(findings.institution_code, deliveries.sender_code, findings.county_code)
        as asked_code,
    findings.reporting_month,
    coalesce(
        findings.indicator_code,
        case
            when coalesce(findings.institution_code, deliveries.sender_code) is null
                then findings.delivery_id
        end
    ) as about,
    deliveries.source_kind,
    findings.sheet,
    findings.cell,
    findings.row_number,
    findings.message_sq,
    findings.sent_at,
    findings.is_made_up
from {{ ref('fct_findings') }} as findings
left join {{ ref('dim_deliveries') }} as deliveries
    on findings.delivery_id = deliveries.delivery_id
inner join {{ ref('dim_quality_rules') }} as rules on findings.rule = rules.rule
where
    findings.county_code is not null
    and rules.severity <> 'informs'
    and rules.mended_by in ('institution', 'committee')
    and findings.state in ('open', 'sent')
