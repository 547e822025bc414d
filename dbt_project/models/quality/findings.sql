-- One row a finding. Each rule gives the same columns; the register of rules gives severity.
-- A finding about a report that a later one replaced is mended, and so is a report that came late.
with door as (
    select
        rule,
        county_code,
        institution_code,
        reporting_month,
        null as indicator_code,
        delivery_id,
        sheet,
        cell,
        row_number,
        message_sq,
        message_en,
        found_at,
        mended_at is not null as is_mended,
        is_made_up
    from {{ ref('fct_door_findings') }}
),

reports as (
    select * from {{ ref('fct_submissions') }}
),

actuals as (
    select *
    from {{ ref('fct_actuals') }}
    where frequency = 'month'
),

due as (
    select * from {{ ref('fct_values_due') }}
),

missing_report as (
    select
        'missing_report' as rule,
        county_code,
        institution_code,
        reporting_month,
        null as indicator_code,
        null as delivery_id,
        null as sheet,
        null as cell,
        null as row_number,
        'Raporti nuk ka mbërritur; afati ishte ' || strftime(reporting_deadline, '%d.%m.%Y') || '.'
            as message_sq,
        'The report has not arrived; it was due on ' || strftime(reporting_deadline, '%Y-%m-%d')
        || '.' as message_en,
        cast(reporting_deadline as timestamp) + interval 1 day as found_at,
        false as is_mended,
        is_made_up
    from reports
    where status = 'missing'
),

late_report as (
    select
        'late_report' as rule,
        county_code,
        institution_code,
        reporting_month,
        null as indicator_code,
        delivery_id,
        null as sheet,
        null as cell,
        null as row_number,
        'Raporti mbërriti '
        || date_diff('day', reporting_deadline, cast(first_received_at as date))
        || ' ditë pas afatit.' as message_sq,
        'The report arrived '
        || date_diff('day', reporting_deadline, cast(first_received_at as date))
        || ' days after its deadline.' as message_en,
        received_at as found_at,
        true as is_mended,
        is_made_up
    from reports
    where version = 1 and cast(first_received_at as date) > reporting_deadline
),

-- Only where a county's obligations are registered for the month can a value be one too many.
indicator_not_owed as (
    select
        'indicator_not_owed' as rule,
        actuals.county_code,
        actuals.institution_code,
        actuals.reporting_month,
        actuals.indicator_code,
        actuals.delivery_id,
        actuals.sheet,
        actuals.cell,
        actuals.row_number,
        'Institucioni nuk e ka për detyrë treguesin ' || actuals.indicator_code
        || ' për këtë muaj.' as message_sq,
        'The institution does not owe indicator ' || actuals.indicator_code
        || ' for this month.' as message_en,
        actuals.received_at as found_at,
        actuals.superseded_at is not null as is_mended,
        actuals.is_made_up
    from actuals
    where
        actuals.category = 'total'
        and actuals.value_state in ('number', 'zero')
        and exists (
            select 1
            from due
            where
                due.county_code = actuals.county_code
                and due.reporting_month = actuals.reporting_month
        )
        and not exists (
            select 1
            from {{ ref('core_reporting_obligations') }} as obligations
            where
                obligations.county_code = actuals.county_code
                and obligations.institution_code = actuals.institution_code
                and obligations.indicator_code = actuals.indicator_code
                and obligations.valid_from <= actuals.reporting_month
                and coalesce(obligations.valid_to, actuals.reporting_month)
                >= actuals.reporting_month
        )
),

-- An empty cell, a refusal and an unknown all leave the value owed; a 0 does not.
value_not_reported as (
    select
        'value_not_reported' as rule,
        reports.county_code,
        reports.institution_code,
        reports.reporting_month,
        due.indicator_code,
        reports.delivery_id,
        any_value(actuals.sheet) as sheet,
        min(actuals.cell) filter (where actuals.category = 'total') as cell,
        min(actuals.row_number) filter (where actuals.category = 'total') as row_number,
        'Mungon vlera e treguesit ' || due.indicator_code
        || ': bosh nuk do të thotë zero.' as message_sq,
        'The value of indicator ' || due.indicator_code
        || ' is missing: blank does not mean zero.' as message_en,
        reports.received_at as found_at,
        reports.superseded_at is not null as is_mended,
        reports.is_made_up
    from reports
    inner join due
        on
            reports.county_code = due.county_code
            and reports.institution_code = due.institution_code
            and reports.reporting_month = due.reporting_month
    left join actuals
        on
            reports.delivery_id = actuals.delivery_id
            and reports.institution_code = actuals.institution_code
            and reports.reporting_month = actuals.reporting_month
            and due.indicator_code = actuals.indicator_code
            and actuals.breakdown_kind in ('total', 'partition')
    where reports.version is not null and reports.frequency = 'month'
    group by all
    having not coalesce(
        bool_or(actuals.value_state in ('number', 'zero', 'not_applicable')), false
    )
),

-- Only a partition must add up: exactly when all its parts are there, and to no more than the
-- total when some are not.
breakdown_does_not_add_up as (
    select
        'breakdown_does_not_add_up' as rule,
        actuals.county_code,
        actuals.institution_code,
        actuals.reporting_month,
        actuals.indicator_code,
        actuals.delivery_id,
        any_value(actuals.sheet) as sheet,
        min(actuals.cell) filter (where actuals.category = 'total') as cell,
        min(actuals.row_number) filter (where actuals.category = 'total') as row_number,
        'Ndarja e treguesit ' || actuals.indicator_code || ' jep '
        || cast(sum(actuals.value) filter (where actuals.category <> 'total') as integer)
        || ', totali është '
        || cast(sum(actuals.value) filter (where actuals.category = 'total') as integer) || '.'
            as message_sq,
        'The breakdown of indicator ' || actuals.indicator_code || ' adds up to '
        || cast(sum(actuals.value) filter (where actuals.category <> 'total') as integer)
        || ', the total is '
        || cast(sum(actuals.value) filter (where actuals.category = 'total') as integer) || '.'
            as message_en,
        any_value(actuals.received_at) as found_at,
        bool_or(actuals.superseded_at is not null) as is_mended,
        bool_or(actuals.is_made_up) as is_made_up
    from actuals
    inner join {{ ref('dim_indicators') }} as indicators
        on actuals.indicator_code = indicators.indicator_code
    where
        actuals.breakdown_kind in ('total', 'partition')
        and actuals.value_state in ('number', 'zero')
    group by
        actuals.county_code, actuals.institution_code, actuals.reporting_month,
        actuals.indicator_code, actuals.delivery_id
    having
        sum(actuals.value) filter (where actuals.category <> 'total')
        > sum(actuals.value) filter (where actuals.category = 'total')
        or (
            count(distinct actuals.category) filter (where actuals.category <> 'total')
            = any_value(indicators.partition_categories)
            and sum(actuals.value) filter (where actuals.category <> 'total')
            < sum(actuals.value) filter (where actuals.category = 'total')
        )
),

-- Both numbers stay: which source is right is for the committee to find out.
sources_disagree as (
    select
        'sources_disagree' as rule,
        county_code,
        institution_code,
        reporting_month,
        indicator_code,
        delivery_id,
        sheet,
        cell,
        row_number,
        'Treguesi ' || indicator_code || ': institucioni raporton '
        || cast(submitted_value as integer) || ', '
        || case source when 'hotline' then 'regjistri i linjës' else 'regjistri i referimeve' end
        || ' jep ' || cast(recorded_value as integer) || '.' as message_sq,
        'Indicator ' || indicator_code || ': the institution reports '
        || cast(submitted_value as integer) || ', the '
        || case source when 'hotline' then 'hotline log gives ' else 'referral records give ' end
        || cast(recorded_value as integer) || '.' as message_en,
        received_at as found_at,
        is_superseded as is_mended,
        is_made_up
    from {{ ref('fct_source_comparison') }}
    where difference <> 0
),

plan_and_publication_differ as (
    select
        'plan_and_publication_differ' as rule,
        published.county_code,
        published.institution_code,
        published.reporting_month,
        published.indicator_code,
        published.delivery_id,
        published.sheet,
        published.cell,
        published.row_number,
        'Treguesi ' || published.indicator_code || ', viti ' || targets.year || ': plani jep '
        || cast(targets.value as integer) || ', botimi jep ' || cast(published.value as integer)
        || '.' as message_sq,
        'Indicator ' || published.indicator_code || ', year ' || targets.year
        || ': the plan gives ' || cast(targets.value as integer) || ', the publication gives '
        || cast(published.value as integer) || '.' as message_en,
        published.received_at as found_at,
        published.superseded_at is not null as is_mended,
        published.is_made_up
    from {{ ref('fct_actuals') }} as published
    inner join {{ ref('fct_targets') }} as targets
        on
            published.indicator_code = targets.indicator_code
            and published.county_code = targets.county_code
            and extract(year from published.reporting_month) = targets.year
    where
        published.frequency = 'year'
        and published.category = 'total'
        and published.value_state in ('number', 'zero')
        and targets.target_kind = 'baseline'
        and published.value <> targets.value
),

doubts as (
    select * from {{ ref('fct_value_findings') }}
    union all
    select * from {{ ref('fct_report_findings') }}
    union all
    select * from {{ ref('fct_area_findings') }}
),

found as (
    {% for rule in [
        'door', 'missing_report', 'late_report', 'indicator_not_owed', 'value_not_reported',
        'breakdown_does_not_add_up', 'sources_disagree', 'plan_and_publication_differ',
        'doubts',
    ] -%}
        select * from {{ rule }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

-- The message is part of the key: a file may drop two columns under one rule.
select
    md5(concat_ws(
        '|', found.rule, coalesce(found.county_code, ''), coalesce(found.institution_code, ''),
        coalesce(cast(found.reporting_month as varchar), ''), coalesce(found.indicator_code, ''),
        coalesce(found.delivery_id, ''), coalesce(found.sheet, ''), coalesce(found.cell, ''),
        coalesce(cast(found.row_number as varchar), ''), found.message_en
    )) as finding_id,
    found.rule,
    rules.severity,
    rules.stage,
    rules.mended_by,
    found.county_code,
    found.institution_code,
    found.reporting_month,
    found.indicator_code,
    found.delivery_id,
    found.sheet,
    found.cell,
    cast(found.row_number as integer) as row_number,
    found.message_sq,
    found.message_en,
    case when found.is_mended then 'mended' else 'open' end as state,
    found.found_at,
    found.is_made_up
from found
left join {{ ref('dim_quality_rules') }} as rules on found.rule = rules.rule
qualify row_number() over (partition by finding_id order by found.found_at) = 1
