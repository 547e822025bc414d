-- One row a finding, with its life. Each rule gives the same columns; a rule that finds several
-- things in one place tells them apart by `subject`, and one that knows when its finding was mended
-- says so in `mended_at`. A finding about a report that a later one replaced is mended, and so is a
-- report that came late. What was found once and is found no more is mended too: the ledger of
-- earlier refreshes keeps it.
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
        is_made_up,
        -- A file may drop two columns under one rule; its messages are kept as the door wrote them.
        message_en as subject,
        mended_at
    from {{ ref('fct_door_findings') }}
),

reports as (
    select * from {{ ref('fct_submissions') }}
),

actuals as (
    select *
    from {{ ref('fct_actuals') }}
    where frequency = 'month' and is_replaced is not true
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
        status <> 'missing' as is_mended,
        is_made_up,
        received_at as mended_at
    from reports
    where
        status = 'missing'
        or (version = 1 and cast(first_received_at as date) > reporting_deadline)
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
                and obligations.is_recorded
                and obligations.valid_from <= actuals.reporting_month
                and coalesce(obligations.valid_to, actuals.reporting_month)
                >= actuals.reporting_month
        )
),

-- An empty cell, a refusal and an unknown all leave the value owed; a 0 does not. Parts stand for a
-- total that has no line, not for one whose line says nothing.
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
        bool_or(actuals.value_state in ('number', 'zero', 'not_applicable')) filter (
            where actuals.category = 'total'
        ),
        bool_or(actuals.value_state in ('number', 'zero', 'not_applicable')),
        false
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
        compared.county_code,
        compared.institution_code,
        compared.reporting_month,
        compared.indicator_code,
        compared.delivery_id,
        compared.sheet,
        compared.cell,
        compared.row_number,
        'Treguesi ' || compared.indicator_code || ': ' || one.name_sq || ' jep '
        || cast(compared.first_value as integer) || ', ' || other.name_sq || ' jep '
        || cast(compared.second_value as integer)
        || case
            when compared.likely_reason <> 'unexplained'
                then '; ka gjasa që ' || compared.reason_sq
            else ''
        end
        || coalesce('. Burimi zyrtar: ' || official.name_sq, '') || '.' as message_sq,
        'Indicator ' || compared.indicator_code || ': ' || one.name_en || ': '
        || cast(compared.first_value as integer) || '; ' || other.name_en || ': '
        || cast(compared.second_value as integer)
        || case
            when compared.likely_reason <> 'unexplained' then '; likely ' || compared.reason_en
            else ''
        end
        || coalesce('. Official source: ' || official.name_en, '') || '.' as message_en,
        coalesce(compared.received_at, cast(compared.reporting_month as timestamp)) as found_at,
        compared.is_superseded as is_mended,
        compared.is_made_up,
        compared.second_source as subject
    from {{ ref('fct_source_comparison') }} as compared
    inner join {{ ref('figure_sources') }} as one on compared.first_source = one.source
    inner join {{ ref('figure_sources') }} as other on compared.second_source = other.source
    left join {{ ref('figure_sources') }} as official
        on compared.official_source = official.source
    where
        compared.is_contradiction
        and compared.first_source <> 'plan'
        -- What a submission is compared with need not be told again between the other two.
        and (
            compared.first_source = 'submission'
            or not exists (
                select 1
                from {{ ref('fct_source_comparison') }} as submitted
                where
                    submitted.first_source = 'submission'
                    and submitted.second_source = compared.second_source
                    and submitted.county_code = compared.county_code
                    and submitted.indicator_code = compared.indicator_code
                    and submitted.reporting_month = compared.reporting_month
                    and submitted.first_value is not null
            )
        )
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

-- A log or case that is sent again puts its own rows in the place of those found wanting.
records as (
    select
        *,
        null as indicator_code,
        null as sheet,
        null as cell,
        false as is_mended
    from {{ ref('fct_record_findings') }}
),

-- The guard of a correction: the report no longer says what the correction was made against.
corrections_without_ground as (
    select
        'correction_without_ground' as rule,
        county_code,
        institution_code,
        reporting_month,
        indicator_code,
        delivery_id,
        sheet,
        cell,
        row_number,
        'Korrigjimi ' || correction_id || ' pret që raporti të thotë ' || expected_sq
        || ', por ai thotë ' || reported_sq || ': tërhiqeni korrigjimin ose bëjeni sërish.'
            as message_sq,
        'Correction ' || correction_id || ' expects the report to say ' || expected_en
        || ', but it says ' || reported_en || ': withdraw the correction or make it anew.'
            as message_en,
        found_at,
        false as is_mended,
        is_made_up,
        correction_id as subject
    from {{ ref('fct_corrections') }}
    where not is_withdrawn and not has_ground
),

found as (
    {% for rule in [
        'door', 'missing_report', 'late_report', 'indicator_not_owed', 'value_not_reported',
        'breakdown_does_not_add_up', 'sources_disagree', 'plan_and_publication_differ',
        'doubts', 'records', 'corrections_without_ground',
    ] -%}
        select * from {{ rule }}
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

-- What identifies a finding is the rule and the place, never the words.
identified as (
    select
        concat_ws(
            '|', rule, coalesce(county_code, ''), coalesce(institution_code, ''),
            coalesce(cast(reporting_month as varchar), ''), coalesce(indicator_code, ''),
            coalesce(delivery_id, ''), coalesce(sheet, ''), coalesce(cell, ''),
            coalesce(cast(row_number as varchar), ''), coalesce(subject, '')
        ) as place,
        found.*
    from found
),

numbered as (
    select
        *,
        row_number() over (partition by place order by message_en, found_at) as number_at_place
    from identified
),

found_now as (
    select
        md5(place || case when number_at_place > 1 then '|' || number_at_place else '' end)
            as finding_id,
        rule,
        county_code,
        institution_code,
        reporting_month,
        indicator_code,
        delivery_id,
        sheet,
        cell,
        cast(row_number as integer) as row_number,
        message_sq,
        message_en,
        found_at,
        is_mended,
        mended_at,
        is_made_up
    from numbered
),

found_before as (
    select
        earlier.finding_id,
        earlier.rule,
        earlier.county_code,
        earlier.institution_code,
        earlier.reporting_month,
        earlier.indicator_code,
        earlier.delivery_id,
        earlier.sheet,
        earlier.cell,
        earlier.row_number,
        earlier.message_sq,
        earlier.message_en,
        earlier.found_at,
        true as is_mended,
        coalesce(earlier.mended_at, cast(context.as_of as timestamp)) as mended_at,
        earlier.is_made_up
    from {{ ref('stg_earlier_findings') }} as earlier
    cross join {{ ref('stg_refresh_context') }} as context
    where
        not exists (
            select 1
            from found_now
            where found_now.finding_id = earlier.finding_id
        )
),

known as (
    select * from found_now
    union all
    select * from found_before
),

decisions as (
    select
        finding_id,
        max(decided_at) filter (where decision = 'sent') as sent_at,
        max(decided_at) filter (where decision = 'answered') as answered_at,
        arg_max(reason, entry_number) filter (where decision = 'answered') as answer,
        arg_max(decision, entry_number) filter (where decision in ('waived', 'waiver_withdrawn'))
            as last_of_waiver,
        arg_max(decided_at, entry_number) filter (where decision = 'waived') as waived_at,
        arg_max(decided_by, entry_number) filter (where decision = 'waived') as waived_by,
        arg_max(reason, entry_number) filter (where decision = 'waived') as waiver_reason,
        arg_max(holds_until, entry_number) filter (where decision = 'waived') as waived_until
    from {{ ref('stg_finding_decisions') }}
    group by finding_id
),

lives as (
    select
        known.* exclude (mended_at),
        case
            when known.is_mended
                then coalesce(known.mended_at, reports.superseded_at, known.found_at)
        end as mended_at,
        decisions.sent_at,
        decisions.answered_at,
        decisions.answer,
        decisions.waived_at,
        decisions.waived_by,
        decisions.waiver_reason,
        decisions.waived_until,
        coalesce(
            decisions.last_of_waiver = 'waived' and decisions.waived_until >= context.as_of, false
        ) as is_waived
    from known
    cross join {{ ref('stg_refresh_context') }} as context
    left join decisions on known.finding_id = decisions.finding_id
    left join reports
        on
            known.delivery_id = reports.delivery_id
            and known.institution_code = reports.institution_code
            and known.reporting_month = reports.reporting_month
            and reports.version is not null
)

-- A waiver that lapsed or was withdrawn leaves no trace here; the journal keeps it.
select
    finding_id,
    rule,
    county_code,
    institution_code,
    reporting_month,
    indicator_code,
    delivery_id,
    sheet,
    cell,
    row_number,
    message_sq,
    message_en,
    case
        when is_mended then 'mended'
        when is_waived then 'waived'
        when answered_at is not null then 'answered'
        when sent_at is not null then 'sent'
        else 'open'
    end as state,
    is_mended or is_waived as is_settled,
    found_at,
    sent_at,
    answered_at,
    answer,
    case when is_waived then waived_at end as waived_at,
    case when is_waived then waived_by end as waived_by,
    case when is_waived then waiver_reason end as waiver_reason,
    case when is_waived then waived_until end as waived_until,
    mended_at,
    is_made_up
from lives
