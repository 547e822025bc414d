-- Who reported how, with what is still asked. Also institutions that sent what they did not owe.
with due as (
    select distinct
        county_code,
        institution_code,
        reporting_month,
        reporting_deadline,
        is_deadline_past
    from {{ ref('fct_values_due') }}
),

reports as (
    select
        county_code,
        institution_code,
        reporting_month,
        min(first_received_at) as first_received_at,
        count(*) filter (where status = 'refused') as refused,
        bool_or(is_made_up) as is_made_up
    from {{ ref('fct_submissions') }}
    where frequency = 'month'
    group by county_code, institution_code, reporting_month
),

findings as (
    select
        findings.county_code,
        findings.institution_code,
        findings.reporting_month,
        count(*) filter (where not findings.is_settled and rules.severity <> 'informs')
            as open_findings,
        count(*) filter (where findings.state = 'waived') as waived_findings,
        bool_or(findings.is_made_up) as is_made_up
    from {{ ref('fct_findings') }} as findings
    inner join {{ ref('dim_quality_rules') }} as rules on findings.rule = rules.rule
    where
        findings.county_code is not null
        and findings.institution_code is not null
        and findings.reporting_month is not null
    group by findings.county_code, findings.institution_code, findings.reporting_month
),

places as (
    {% for table in ['due', 'reports', 'findings'] -%}
        select
            county_code,
            institution_code,
            reporting_month
        from {{ table }}
        {% if not loop.last %}union{% endif %}
    {% endfor %}
),

counted as (
    select
        places.county_code,
        places.institution_code,
        places.reporting_month,
        due.reporting_deadline,
        coalesce(due.is_deadline_past, false) as is_deadline_past,
        cast(due.institution_code is not null as integer) as expected,
        cast(reports.first_received_at is not null as integer) as received,
        cast(
            {{ is_on_time('cast(reports.first_received_at as date)', 'due.reporting_deadline') }}
            as integer
        ) as on_time,
        cast(
            {{ days_late('cast(reports.first_received_at as date)', 'due.reporting_deadline') }}
            as integer
        ) as days_late,
        cast(coalesce(reports.refused, 0) as integer) as refused,
        cast(coalesce(findings.open_findings, 0) as integer) as open_findings,
        cast(coalesce(findings.waived_findings, 0) as integer) as waived_findings,
        coalesce(reports.is_made_up, false) or coalesce(findings.is_made_up, false) as is_made_up
    from places
    {% for table in ['due', 'reports', 'findings'] -%}
        left join {{ table }}
            on
                places.county_code = {{ table }}.county_code
                and places.institution_code = {{ table }}.institution_code
                and places.reporting_month = {{ table }}.reporting_month
    {% endfor %}
),

-- A report of which the deadline is not past yet says nothing of a trend.
shares as (
    select
        county_code,
        institution_code,
        reporting_month,
        avg(on_time) over latest_three as share_on_time,
        avg(on_time) over three_before as share_on_time_before
    from counted
    where expected = 1 and is_deadline_past
    window
        latest_three as (
            partition by county_code, institution_code
            order by reporting_month
            rows between 2 preceding and current row
        ),
        three_before as (
            partition by county_code, institution_code
            order by reporting_month
            rows between 5 preceding and 3 preceding
        )
)

select
    counted.county_code,
    counted.institution_code,
    counted.reporting_month,
    counted.reporting_deadline,
    counted.expected,
    counted.received,
    counted.on_time,
    counted.days_late,
    counted.refused,
    counted.open_findings,
    counted.waived_findings,
    shares.share_on_time,
    shares.share_on_time_before,
    case
        when shares.share_on_time_before is null then 'too_early'
        when shares.share_on_time > shares.share_on_time_before then 'improving'
        when shares.share_on_time < shares.share_on_time_before then 'worsening'
        else 'steady'
    end as trend,
    counted.is_made_up
from counted
left join shares
    on
        counted.county_code = shares.county_code
        and counted.institution_code = shares.institution_code
        and counted.reporting_month = shares.reporting_month
