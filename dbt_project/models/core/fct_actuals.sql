with versions as (
    select *
    from {{ ref('fct_submissions') }}
    where version is not null
),

kinds as (
    select
        plan_code,
        indicator_code,
        category,
        breakdown_kind
    from {{ ref('breakdown_categories') }}
),

-- Publications give years that the calendar of reports lacks.
planned as (
    select
        stated.*,
        coalesce(months.plan_code, {{ plan_of('stated.reporting_month') }}) as plan_code
    from {{ ref('stg_submission_values') }} as stated
    left join {{ ref('dim_months') }} as months on stated.reporting_month = months.month
    where stated.indicator_code is not null
),

-- A later report replaces the whole of an earlier one, a published figure the same figure alone. A
-- line written twice in one report is replaced by its later line at the moment the report came.
reported as (
    select
        reported.county_code,
        reported.institution_code,
        reported.plan_code,
        reported.indicator_code,
        reported.reporting_month,
        reported.frequency,
        reported.category,
        case when reported.category = 'total' then 'total' else kinds.breakdown_kind end
            as breakdown_kind,
        case when reported.value_state = 'zero' then 0 else reported.value end as value,
        reported.value_state,
        reported.unit,
        reported.reading_note,
        reported.delivery_id,
        reported.sheet,
        reported.cell,
        cast(reported.row_number as integer) as row_number,
        versions.version,
        versions.received_at,
        case
            when reported.frequency = 'year' then figures.superseded_at
            when
                lead(reported.row_number) over (
                    partition by
                        reported.delivery_id, reported.county_code, reported.institution_code,
                        reported.reporting_month, reported.frequency, reported.indicator_code,
                        reported.category
                    order by reported.row_number
                ) is not null
                then versions.received_at
            else versions.superseded_at
        end as superseded_at,
        versions.is_made_up
    from planned as reported
    inner join versions
        on
            reported.delivery_id = versions.delivery_id
            and reported.county_code = versions.county_code
            and reported.institution_code = versions.institution_code
            and reported.reporting_month = versions.reporting_month
            and reported.frequency = versions.frequency
    left join {{ ref('int_figure_versions') }} as figures
        on
            reported.delivery_id = figures.delivery_id
            and reported.row_number = figures.row_number
    left join kinds
        on
            reported.plan_code = kinds.plan_code
            and reported.indicator_code = kinds.indicator_code
            and reported.category = kinds.category
),

-- For how long each correction held for a line. A line that says something else than the correction
-- was made against is left as it is.
spans as (
    select
        reported.*,
        corrections.correction_id,
        corrections.corrected_value,
        corrections.corrected_state,
        corrections.withdrawn_at,
        greatest(reported.received_at, corrections.corrected_at) as starts_at
    from reported
    inner join {{ ref('int_corrections') }} as corrections
        on
            reported.county_code = corrections.county_code
            and reported.institution_code = corrections.institution_code
            and reported.indicator_code = corrections.indicator_code
            and reported.reporting_month = corrections.reporting_month
            and reported.category = corrections.category
            and reported.value is not distinct from corrections.expected_value
            and reported.value_state = corrections.expected_state
    where
        reported.frequency = 'month'
        and greatest(reported.received_at, corrections.corrected_at)
        < least(
            coalesce(reported.superseded_at, timestamp 'infinity'),
            coalesce(corrections.withdrawn_at, timestamp 'infinity')
        )
),

ordered_spans as (
    select
        *,
        lead(starts_at) over (
            partition by delivery_id, institution_code, reporting_month, row_number
            order by starts_at
        ) as next_starts_at,
        coalesce(withdrawn_at < coalesce(superseded_at, timestamp 'infinity'), false)
            as ends_by_withdrawal
    from spans
),

first_spans as (
    select
        delivery_id,
        institution_code,
        reporting_month,
        row_number,
        min(starts_at) as starts_at
    from spans
    group by delivery_id, institution_code, reporting_month, row_number
),

as_reported as (
    select
        reported.* exclude (superseded_at),
        coalesce(first_spans.starts_at, reported.superseded_at) as superseded_at,
        null as correction_id,
        first_spans.starts_at is not null as is_replaced
    from reported
    left join first_spans
        on
            reported.delivery_id = first_spans.delivery_id
            and reported.institution_code = first_spans.institution_code
            and reported.reporting_month = first_spans.reporting_month
            and reported.row_number = first_spans.row_number
),

as_corrected as (
    select
        * exclude (
            value, value_state, received_at, superseded_at, corrected_value, corrected_state,
            withdrawn_at, starts_at, next_starts_at, ends_by_withdrawal
        ),
        corrected_value as value,
        corrected_state as value_state,
        starts_at as received_at,
        case when ends_by_withdrawal then withdrawn_at else superseded_at end as superseded_at,
        ends_by_withdrawal as is_replaced
    from ordered_spans
),

-- Where a correction was withdrawn, what was reported holds again.
as_restored as (
    select
        * exclude (
            correction_id, received_at, superseded_at, corrected_value, corrected_state,
            withdrawn_at, starts_at, next_starts_at, ends_by_withdrawal
        ),
        null as correction_id,
        withdrawn_at as received_at,
        coalesce(next_starts_at, superseded_at) as superseded_at,
        next_starts_at is not null as is_replaced
    from ordered_spans
    where ends_by_withdrawal
),

every_version as (
    select * from as_reported
    union all by name
    select * from as_corrected
    union all by name
    select * from as_restored
)

select
    county_code,
    institution_code,
    plan_code,
    indicator_code,
    reporting_month,
    frequency,
    category,
    breakdown_kind,
    value,
    value_state,
    unit,
    reading_note,
    delivery_id,
    sheet,
    cell,
    row_number,
    version,
    correction_id,
    is_replaced,
    received_at,
    superseded_at,
    cast(received_at as date) as known_from,
    cast(superseded_at as date) as known_to,
    is_made_up
from every_version
