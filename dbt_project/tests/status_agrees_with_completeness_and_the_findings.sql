{{ config(meta={'dagster': {'ref': {'name': 'reporting_status'}}}) }}
-- What two marts say of the same reports must be the same, and open findings those of the facts.
-- What only informs asks for nothing and is not counted as open.
with asking as (
    select rule
    from {{ ref('dim_quality_rules') }}
    where severity in ('blocks', 'warns')
),

found as (
    select
        findings.county_code,
        findings.reporting_month,
        count(*) as open_findings
    from {{ ref('fct_findings') }} as findings
    inner join asking on findings.rule = asking.rule
    where not findings.is_settled and findings.institution_code is not null
    group by all
),

completeness as (
    select
        county_code,
        reporting_month,
        sum(expected) as expected,
        sum(received) as received,
        sum(on_time) as on_time
    from {{ ref('reporting_completeness') }}
    group by all
),

status as (
    select
        county_code,
        reporting_month,
        sum(expected) as expected,
        sum(received) filter (where expected = 1) as received,
        sum(on_time) as on_time,
        sum(open_findings) as open_findings
    from {{ ref('reporting_status') }}
    group by all
)

select
    status.county_code,
    status.reporting_month
from status
left join completeness
    on
        status.county_code = completeness.county_code
        and status.reporting_month = completeness.reporting_month
left join found
    on
        status.county_code = found.county_code
        and status.reporting_month = found.reporting_month
where
    status.expected <> coalesce(completeness.expected, 0)
    or coalesce(status.received, 0) <> coalesce(completeness.received, 0)
    or status.on_time <> coalesce(completeness.on_time, 0)
    or status.open_findings <> coalesce(found.open_findings, 0)
