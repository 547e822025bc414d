-- One row a finding, with its life. A rule that finds several things in one place distinguishes
-- them by `subject`, and one that knows when its finding was mended gives `mended_at`. A finding
-- about a report that a later one replaced is mended, and so is a report that came late. What was
-- found once and is found no more is mended too: the ledger of earlier refreshes keeps it. What was
-- found, or decided, of made-up data is no word on the real ones that came since.
with found as (
    select * from {{ ref('int_rendered_findings') }}
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
        row_number() over (
            partition by place
            order by variant, cast(parameters as varchar), found_at, is_mended, mended_at
        ) as number_at_place
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
    left join {{ ref('int_area_origins') }} as origins
        on earlier.county_code = origins.area_code
    where
        (not earlier.is_made_up or coalesce(origins.is_made_up, true))
        and not exists (
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

decided as (
    select decided.*
    from {{ ref('stg_finding_decisions') }} as decided
    inner join known on decided.finding_id = known.finding_id
    left join {{ ref('int_area_origins') }} as origins
        on known.county_code = origins.area_code
    where {{ was_real('origins', 'decided.decided_at') }}
),

decisions as (
    select
        finding_id,
        arg_max(decision, entry_number) filter (where decision in ('waived', 'waiver_withdrawn'))
            as last_of_waiver,
        arg_max(decided_at, entry_number) filter (where decision = 'waived') as waived_at,
        arg_max(decided_by, entry_number) filter (where decision = 'waived') as waived_by,
        arg_max(reason, entry_number) filter (where decision = 'waived') as waiver_reason,
        arg_max(holds_until, entry_number) filter (where decision = 'waived') as waived_until
    from decided
    group by finding_id
),

-- A new file of the report makes a new finding of the same question, in the same words: what was
-- asked and answered about the file before holds for it, so that nobody is asked twice. Words that
-- are about an indicator name it, wherever in the file it is; others are about their place.
questions as (
    select
        finding_id,
        row(
            rule, county_code, institution_code, reporting_month, message_sq,
            if(indicator_code is null, row(sheet, cell, row_number), null)
        ) as question
    from known
),

requests as (
    select
        questions.finding_id,
        max(decided.decided_at) filter (where decided.decision = 'sent') as sent_at,
        max(decided.decided_at) filter (where decided.decision = 'answered') as answered_at,
        arg_max(decided.reason, decided.entry_number) filter (where decided.decision = 'answered')
            as answer
    from questions
    inner join questions as same on questions.question is not distinct from same.question
    inner join decided on same.finding_id = decided.finding_id
    where decided.decision in ('sent', 'answered')
    group by questions.finding_id
),

-- A later file of the same sender and month answers what was asked about one before it.
answered_by_file as (
    select distinct known.finding_id
    from known
    left join {{ ref('int_deliveries') }} as files on known.delivery_id = files.delivery_id
    inner join {{ ref('int_deliveries') }} as later
        on
            known.county_code = later.county_code
            and later.delivery_status = 'accepted'
            and (
                known.mended_at = later.received_at
                or (
                    files.received_at < later.received_at
                    and files.source_kind = later.source_kind
                    and files.institution_code is not distinct from later.institution_code
                    and files.reporting_month is not distinct from later.reporting_month
                )
            )
    where known.is_mended
),

answered_by_correction as (
    select distinct known.finding_id
    from known
    inner join {{ ref('stg_corrections') }} as corrections
        on
            known.institution_code = corrections.institution_code
            and known.reporting_month = corrections.reporting_month
            and known.indicator_code = corrections.indicator_code
    where known.is_mended and corrections.withdrawn_at is null
),

lives as (
    select
        known.* exclude (mended_at),
        case
            when by_file.finding_id is not null then 'file'
            when by_correction.finding_id is not null then 'correction'
            else 'found_no_more'
        end as mended_how,
        case
            when known.is_mended
                then coalesce(known.mended_at, reports.superseded_at, known.found_at)
        end as mended_at,
        requests.sent_at,
        requests.answered_at,
        requests.answer,
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
    left join requests on known.finding_id = requests.finding_id
    left join answered_by_file as by_file on known.finding_id = by_file.finding_id
    left join answered_by_correction as by_correction
        on known.finding_id = by_correction.finding_id
    left join {{ ref('fct_submissions') }} as reports
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
    case
        when indicator_code is not null and reporting_month is not null
            then {{ plan_of('reporting_month') | indent(12) }}
    end as plan_code,
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
    case when is_mended then mended_how end as mended_how,
    is_made_up
from lives
