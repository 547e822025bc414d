with versions as (
    select *
    from {{ ref('fct_submissions') }}
    where version is not null
),

kinds as (
    select
        indicator_code,
        category,
        breakdown_kind
    from {{ ref('breakdown_categories') }}
)

-- A later report replaces the whole of an earlier one. A line written twice in one report is
-- replaced by its later line at the moment the report came.
select
    reported.county_code,
    reported.institution_code,
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
from {{ ref('stg_submission_values') }} as reported
inner join versions
    on
        reported.delivery_id = versions.delivery_id
        and reported.county_code = versions.county_code
        and reported.institution_code = versions.institution_code
        and reported.reporting_month = versions.reporting_month
        and reported.frequency = versions.frequency
left join kinds
    on
        reported.indicator_code = kinds.indicator_code
        and reported.category = kinds.category
where reported.indicator_code is not null
