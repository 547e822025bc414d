-- Reports that did not come, came late, or came a second time; made-up files that don't count.
with reports as (
    select
        *,
        date_diff('day', reporting_deadline, cast(first_received_at as date)) as days_late
    from {{ ref('fct_submissions') }}
),

owed_records as (
    select
        *,
        last_month as reporting_month
    from {{ ref('int_record_periods') }}
    where
        is_registered
        and (
            (received_at is null and is_deadline_past)
            or cast(received_at as date) > reporting_deadline
        )
),

replacements as (
    select *
    from {{ ref('int_report_replacements') }}
),

-- Figures of a publication and year of which a later file gives others: they stay as they are.
figures_left_out as (
    select
        files.*,
        bool_and(figures.superseded_at is not null) as is_restated,
        string_agg(distinct labels.name_sq, ', ' order by labels.name_sq) as labels_sq,
        string_agg(distinct labels.name_en, ', ' order by labels.name_en) as labels_en
    from {{ ref('fct_submissions') }} as files
    inner join {{ ref('int_figure_versions') }} as figures
        on
            files.institution_code = figures.institution_code
            and files.reporting_month = figures.reporting_month
            and files.received_at > figures.received_at
            and coalesce(files.received_at < figures.superseded_at, true)
    inner join {{ ref('figure_labels') }} as labels on figures.figure_label = labels.figure_label
    where
        files.version is not null
        and files.frequency = 'year'
        and figures.value is not null
        and exists (
            select 1
            from {{ ref('int_figure_versions') }} as given
            where
                files.delivery_id = given.delivery_id
                and figures.reporting_month = given.reporting_month
                and figures.publication = given.publication
        )
    group by all
),

-- The finding is about real data, whatever the files are.
set_aside as (
    select
        deliveries.county_code,
        deliveries.reporting_month,
        count(*) as files,
        greatest(min(deliveries.received_at), any_value(origins.real_from)) as received_at,
        false as is_made_up
    from {{ ref('int_deliveries') }} as deliveries
    inner join {{ ref('int_area_origins') }} as origins
        on deliveries.county_code = origins.area_code
    where deliveries.delivery_status = 'set_aside'
    group by deliveries.county_code, deliveries.reporting_month
)

select
    {{ finding(
        'missing_report', at='reports',
        lacks=['delivery_id', 'indicator_code', 'sheet', 'cell', 'row_number'],
        found_at='cast(reports.reporting_deadline as timestamp) + interval 1 day',
        is_mended="reports.status <> 'missing'",
        days={'deadline': 'reports.reporting_deadline'},
    ) }},
    reports.received_at as mended_at
from reports
where reports.status = 'missing' or (reports.version = 1 and reports.days_late > 0)

union all by name

{% for source, months in {
    'hotline': {'month': 'owed_records.last_month'},
    'referral': {'first': 'owed_records.first_month', 'last': 'owed_records.last_month'},
}.items() -%}
    select
        {{ finding(
            'missing_records', variant=source, at='owed_records',
            lacks=['delivery_id', 'indicator_code', 'sheet', 'cell', 'row_number'],
            found_at='cast(owed_records.reporting_deadline as timestamp) + interval 1 day',
            is_mended='owed_records.received_at is not null',
            days={'deadline': 'owed_records.reporting_deadline'},
            months=months,
        ) }},
        owed_records.received_at as mended_at
    from owed_records
    where owed_records.source = '{{ source }}'

    union all by name

{% endfor -%}
select
    {{ finding(
        'late_report', at='reports', lacks=['indicator_code', 'sheet', 'cell', 'row_number'],
        is_mended='true', counts={'days': 'reports.days_late'},
    ) }}
from reports
where reports.version = 1 and reports.days_late > 0

union all by name

select {{ finding('duplicate_report', at='replacements', place='replacements.first_value') }}
from replacements
where replacements.different = 0

union all by name

select
    {{ finding(
        'report_changed', at='replacements', place='replacements.first_different',
        texts={'indicators': 'replacements.different_codes'},
    ) }}
from replacements
where replacements.different > 0

union all by name

select
    {{ finding(
        'correction_drops_values', at='replacements', place='replacements.first_dropped',
        texts={'indicators': 'replacements.dropped_codes'},
    ) }}
from replacements
where replacements.dropped > 0

union all by name

select
    {{ finding(
        'correction_drops_values', variant='published', at='figures_left_out',
        lacks=['indicator_code', 'sheet', 'cell', 'row_number'],
        is_mended='figures_left_out.is_restated',
        texts={
            'labels_sq': 'figures_left_out.labels_sq', 'labels_en': 'figures_left_out.labels_en',
        },
        counts={'year': 'year(figures_left_out.reporting_month)'},
    ) }}
from figures_left_out

union all by name

select
    {{ finding(
        'made_up_set_aside', at='set_aside', is_mended='false',
        lacks=[
            'institution_code', 'delivery_id', 'indicator_code', 'sheet', 'cell', 'row_number',
        ],
        counts={'files': 'set_aside.files'},
    ) }}
from set_aside
