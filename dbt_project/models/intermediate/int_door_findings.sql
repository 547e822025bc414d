-- What the door found in a file is mended once a later file of the same sender, source and month
-- was accepted. A log names no month: the next log of the county takes its place, but a refused one
-- is mended only when each contact, or case, in it has come. What lay refused in another county's
-- folder is mended by the report of its institution. Of a refused file sender or month may be
-- unknown, or be what was wrong: the mended file is then known by the folder and name that it has
-- in common with it, as is the one with a row that was left out before. The sentences are those
-- that the door wrote.
with findings as (
    select
        findings.*,
        deliveries.name_key,
        deliveries.source_kind,
        deliveries.delivery_status,
        deliveries.received_at,
        coalesce(deliveries.is_made_up, false) as is_made_up,
        bool_or(
            findings.institution_code is null
            or findings.rule in ('wrong_county', 'unknown_institution')
        ) over delivery as is_sender_in_doubt,
        bool_or(
            findings.reporting_month is null
            or findings.rule in ('month_not_begun', 'unknown_month', 'form_key_differs')
        ) over delivery as is_month_in_doubt,
        bool_or(findings.rule = 'wrong_county') over delivery as is_misplaced,
        deliveries.delivery_status = 'refused'
        and deliveries.source_kind in ('hotline', 'referral') as is_refused_record
    from {{ ref('stg_door_findings') }} as findings
    left join {{ ref('int_deliveries') }} as deliveries
        on findings.delivery_id = deliveries.delivery_id
    where deliveries.delivery_status is distinct from 'set_aside'
    window delivery as (partition by findings.delivery_id)
),

mendings as (
    select
        findings.delivery_id,
        findings.institution_code,
        findings.reporting_month,
        min(later.received_at) as mended_at
    from findings
    inner join {{ ref('int_deliveries') }} as later
        on
            later.delivery_status = 'accepted'
            and findings.received_at < later.received_at
            and (
                (
                    findings.source_kind = later.source_kind
                    and (not findings.is_refused_record or findings.is_misplaced)
                    and (
                        findings.county_code = later.county_code
                        or (
                            findings.delivery_status = 'refused'
                            and findings.institution_code is not null
                        )
                    )
                    and findings.institution_code is not distinct from later.institution_code
                    and (
                        findings.reporting_month = later.reporting_month
                        or findings.source_kind in ('hotline', 'referral')
                    )
                )
                or (
                    (
                        findings.delivery_status = 'refused'
                        or findings.rule in ('row_left_out', 'value_left_out')
                    )
                    and findings.name_key = later.name_key
                    and (
                        findings.is_sender_in_doubt
                        or findings.institution_code = later.institution_code
                    )
                    and (
                        findings.is_month_in_doubt
                        or findings.reporting_month = later.reporting_month
                    )
                )
            )
    group by findings.delivery_id, findings.institution_code, findings.reporting_month
)

select
    findings.rule,
    findings.county_code,
    findings.institution_code,
    findings.reporting_month,
    findings.delivery_id,
    findings.sheet,
    findings.cell,
    findings.row_number,
    findings.message_sq,
    findings.message_en,
    -- A file may drop two columns under one rule.
    findings.message_en as subject,
    findings.found_at,
    case
        when findings.rule = 'duplicate_delivery' then findings.found_at
        else least(mendings.mended_at, arrived_files.arrived_at)
    end as mended_at,
    findings.is_made_up
from findings
left join mendings
    on
        findings.delivery_id = mendings.delivery_id
        and findings.institution_code is not distinct from mendings.institution_code
        and findings.reporting_month is not distinct from mendings.reporting_month
left join {{ ref('int_arrived_files') }} as arrived_files
    on findings.delivery_id = arrived_files.delivery_id
