select
    reported.delivery_id,
    cast(reported.row_number as integer) as row_number,
    cast(extract(year from reported.reporting_month) as integer) as year,
    reported.figure_label,
    case
        when reported.indicator_code is not null
            then coalesce(months.plan_code, {{ plan_of('reported.reporting_month') }})
    end as plan_code,
    reported.indicator_code,
    reported.value,
    reported.value_state,
    reported.unit,
    reported.publication,
    reported.reading_note,
    versions.received_at,
    figures.superseded_at,
    versions.is_made_up
from {{ ref('stg_submission_values') }} as reported
inner join {{ ref('fct_submissions') }} as versions
    on
        reported.delivery_id = versions.delivery_id
        and reported.county_code = versions.county_code
        and reported.institution_code = versions.institution_code
        and reported.reporting_month = versions.reporting_month
        and reported.frequency = versions.frequency
inner join {{ ref('int_figure_versions') }} as figures
    on
        reported.delivery_id = figures.delivery_id
        and reported.row_number = figures.row_number
left join {{ ref('dim_months') }} as months on reported.reporting_month = months.month
where
    reported.frequency = 'year'
    and versions.version is not null
